"""Recognizes whose network a file holds and converts it to the form that jaxstyle computes with.

The canonical form, the same for every source: `"preprocess"` is the affine map from sRGB in [0, 1]
to what the network was trained on (`x @ kernel + bias`), then one entry for each convolution,
`"conv1_1"` and so on, with a kernel of shape (height, width, in, out), a 1 × 1 kernel of shape
(in, out), and a bias. Batch normalization is folded into the convolution before it: with fixed
statistics it is an affine map. Everything is float32.

How files name their tensors is said by the records of the networks (`Backbone.layouts`).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxstyle import backbones
from jaxstyle.backbones.extras import EXTRAS, Extra
from jaxstyle.backbones.record import Backbone, Layout, Preprocess, paired
from jaxstyle.weights.cache import Tensors
from jaxstyle.weights.convert import StoredTensor, formats, shown

_PREFIX = re.compile(r"^(state_dict|model_weights|model|module|vgg16|vgg19|resnet50)\.")
# The classifier above the convolutions, LPIPS's heads, what Keras keeps of its optimizer, and
# PyTorch's counters.
_IGNORED = re.compile(
    r"^(classifier|pre_logits|head|fc\d*|predictions|NetLinLayer_\d|"
    r"optimizer_weights|top_level_model_weights)([._]|$)|\.num_batches_tracked$"
)
_KERAS = re.compile(
    r"^(block\d_conv\d|(?:bn_)?conv1(?!_\d)|(?:res|bn)\d[a-f]_branch\d[abc]?)[._](?:.*[._])?"
    r"(kernel|W|bias|b|gamma|beta|moving_mean|moving_variance)(?:_\d+)?(?::0)?$"
)
_GUESSES = (
    ("features.1.running_mean", "with batch normalization"),
    ("layer1.", "another ResNet"),
    ("conv2_block1", "Keras's newer ResNet"),
    ("blocks.0.", "a transformer"),
)


class Converted(NamedTuple):
    """Weights in the canonical form, and what their file was recognized as."""

    architecture: str
    layout: Layout
    tensors: Tensors


def read(
    path: Path, architecture: str | None = None, preprocess: Preprocess | None = None
) -> Converted:
    """Read weights in any known format and layout.

    Args:
        path: A PyTorch file (`.pth`, `.pt`), safetensors, `.npz`, Keras `.h5`, ONNX or a packed
            folder of TensorFlow.js (`.tgz`); the content counts, not the ending.
        architecture: What to read of a file that holds more; whatever network is in it if None.
        preprocess: What the network expects of its pictures; what its layout says if None.

    Raises:
        ValueError: The file is none of these, asks for code to be run, or holds anything but all
            convolutions of a known network with finite floating-point numbers.
        OSError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            stored = formats.open_tensors(file, path)
            tensors = _plain(stored, keep_all=architecture in EXTRAS)
            record, layout = _recognize(tensors, architecture)
            if preprocess:
                if layout.preprocess is None:
                    raise ValueError("it says itself what the network expects of its pictures")
                layout = layout._replace(preprocess=preprocess)
            return Converted(record.name, layout, _convert(record, layout, tensors))
    except OSError:
        raise
    except Exception as error:
        # A hostile file makes the libraries that read it fail in any way they can.
        reason = textwrap.shorten(str(error), 300, placeholder=" …") or type(error).__name__
        raise ValueError(f"cannot use {path.name} as weights: {reason}") from error


def _plain(stored: Mapping[str, StoredTensor], *, keep_all: bool) -> dict[str, StoredTensor]:
    """Remove wrappers' prefixes, and the tensors that no layer here uses."""
    tensors: dict[str, StoredTensor] = {}
    for name, tensor in stored.items():
        plain = name.replace("/", ".")
        while prefix := _PREFIX.match(plain):
            plain = plain[prefix.end() :]
        if _IGNORED.search(plain) and not keep_all:
            continue
        if keras := _KERAS.match(plain):
            kind = {"W": "kernel", "b": "bias"}.get(keras[2], keras[2])
            plain = f"{keras[1]}.{kind}"
        if plain in tensors:
            raise ValueError(f"it holds two tensors for {shown(plain)}")
        tensors[plain] = tensor
    return tensors


def _networks() -> Iterator[tuple[Backbone, Layout]]:
    """Yield all layouts of all backbones, then the canonical ones, in which jaxstyle keeps them."""
    for backbone in backbones.BACKBONES.values():
        for layout in backbone.layouts:
            yield backbone, layout
    for backbone in backbones.BACKBONES.values():
        entries = ["preprocess", *(spec.name for spec in backbone.convolutions)]
        yield backbone, Layout("jaxstyle's", paired(entries, entries, "kernel"), False)


def _recognize(
    tensors: Mapping[str, StoredTensor], architecture: str | None
) -> tuple[Backbone | Extra, Layout]:
    """Return the layout whose names are exactly those in the file."""
    names = tensors.keys()
    if extra := EXTRAS.get(architecture or ""):
        if names >= {*extra.layout.names.values()}:
            return extra, extra.layout
        raise ValueError(f"it does not hold {architecture}")
    networks = [*_networks()]
    for backbone, layout in networks:
        if names == {*layout.names.values()}:
            return backbone, layout
    closest = max(networks, key=lambda network: len(names & {*network[1].names.values()}))
    contents = _contents(names, *closest)
    raise ValueError(f"expected all convolutions of a VGG16, VGG19, ResNet or AlexNet, {contents}")


def _contents(names: AbstractSet[str], backbone: Backbone, layout: Layout) -> str:
    """Describe what a file holds, compared with the layout that comes closest."""
    known = {*layout.names.values()}
    hints = [(name, kind) for sign, kind in _GUESSES for name in names if sign in name]
    others = [name for name in names if name not in known]
    contents = f"found {len(names)} tensors"
    if hints:
        contents += f" such as {shown(hints[0][0])} ({hints[0][1]}?)"
    elif others:
        contents += f" such as {shown(others[0])}"
    missing = next((name for name in layout.names.values() if name not in names), None)
    if missing and 2 * len(names & known) > min(len(known), len(names)):
        contents += f"; as {layout.title} {backbone.name} it lacks {missing}"
    return contents


def _convert(
    record: Backbone | Extra, layout: Layout, stored: Mapping[str, StoredTensor]
) -> Tensors:
    expected = record.shapes
    arrays: dict[str, dict[str, NDArray[np.float64]]] = {}
    if layout.preprocess:
        _, kernel, bias = layout.preprocess
        arrays["preprocess"] = {"kernel": np.array(kernel), "bias": np.array(bias)}
    for canonical, name in layout.names.items():
        entry, kind = canonical.split(".")
        shape = expected[canonical if canonical in expected else f"{entry}.bias"]
        array = _read_one(name, stored[name], shape, layout.output_first)
        arrays.setdefault(entry, {})[kind] = array
    tensors: Tensors = {}
    for entry, parts in arrays.items():
        if "variance" in parts:
            parts = _folded(entry, parts, layout.epsilon)
        tensors[entry] = {
            kind: np.ascontiguousarray(array, np.float32) for kind, array in parts.items()
        }
    return tensors


def _folded(
    entry: str, parts: dict[str, NDArray[np.float64]], epsilon: float
) -> dict[str, NDArray[np.float64]]:
    """Fold in the batch normalization that follows: γ (x − mean) / √(variance + ε) + β."""
    if (parts["variance"] < 0).any():
        raise ValueError(f"the variance after {entry} is negative")
    factor = parts["gamma"] / np.sqrt(parts["variance"] + epsilon)
    shift = parts.get("bias", 0.0) - parts["mean"]
    return {"kernel": parts["kernel"] * factor, "bias": parts["beta"] + shift * factor}


def _read_one(
    name: str, stored: StoredTensor, shape: tuple[int, ...], output_first: bool
) -> NDArray[np.float64]:
    # Shape and dtype are checked before the read: a file cannot make it larger than a layer.
    possible = _shapes_in_file(shape, output_first)
    if stored.shape not in possible:
        raise ValueError(f"expected {name} of shape {possible[0]}, found {stored.shape}")
    if stored.dtype.name not in ("float16", "bfloat16", "float32", "float64"):
        raise ValueError(f"expected {name} in floating point, found {stored.dtype}")
    array = stored.read()
    if output_first and len(shape) > 1:
        array = array.transpose(2, 3, 1, 0)
    converted = np.asarray(array, np.float64).reshape(shape)
    # Nor may a number become infinite in float32.
    if not (np.abs(converted) <= np.finfo(np.float32).max).all():
        raise ValueError(f"expected finite numbers, {name} holds NaN or infinity")
    return converted


def _shapes_in_file(shape: tuple[int, ...], output_first: bool) -> list[tuple[int, ...]]:
    """Return the shapes that a tensor may have in a file: there 1 × 1 kernels have sides too."""
    if len(shape) == 1:
        return [shape, (1, *shape, 1, 1), (1, 1, *shape, 1)]
    height, width, inputs, outputs = shape if len(shape) == 4 else (1, 1, *shape)
    if output_first:
        return [(outputs, inputs, height, width)]
    return [shape, (height, width, inputs, outputs)]
