"""A package that brings a metric, a network and a recipe; `tests/test_plugins.py` uses it."""

import jax.numpy as jnp

from jaxstyle import Metric
from jaxstyle.backbones.record import TORCHVISION, Backbone, Convolution, Layout, paired, stand_ins
from jaxstyle.backbones.vgg import chain
from jaxstyle.recipes.recipe import Recipe

BRIGHTNESS = Metric(
    name="brightness",
    kind="style",
    summarize=lambda features: jnp.mean(features, 0),
    distance=lambda features, target: jnp.mean((jnp.mean(features, 0) - target) ** 2),
    expects="positions",
    layers=("relu1_1", "relu2_1"),
    meaning="the mean of each channel",
)

CONVOLUTIONS = (
    Convolution("conv1", 3, 3, 8, layers=("conv1", "relu1")),
    Convolution("conv2", 3, 8, 8, pooled=2, layers=("conv2", "relu2")),
)
NAMES = [spec.name for spec in CONVOLUTIONS]
SKETCHNET = Backbone(
    "sketchnet",
    chain,
    CONVOLUTIONS,
    counterparts=stand_ins(("1", "2", "2", "2", "2")),
    layouts=(Layout("our own", paired(NAMES, NAMES, "weight"), True, TORCHVISION),),
)

POINTS = Recipe(
    name="points",
    meaning="small strokes",
    settings={"metric": (("brightness", 1.0), ("gram", 0.5)), "optimizer": "adam"},
    constants="none",
    weights="sketchnet",
    deviations="none",
    bibtex="""\
@inproceedings{signac1899,
  author = {Signac, Paul},
  title = {From Delacroix to Neo-Impressionism},
  year = {1899},
}""",
)
