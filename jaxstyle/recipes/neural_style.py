"""Johnson's neural-style in Lua, and neural-style-pt: the defaults that most people know."""

from collections.abc import Mapping
from typing import Any

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import (
    CAFFE,
    CAFFE_WEIGHTS,
    COMMON,
    GRAM_CHANNELS,
    GRAM_METHOD,
    RESIZED,
    Method,
    Recipe,
    Stage,
    Weights,
)

STYLE: Weights = {"gram": tuple(100 / channels**2 for channels in GRAM_CHANNELS), "mse": (5.0,)}
"""Style 100, of Gram matrices that are divided by channels as well, and content 5."""
SQUARED_VARIATION: Mapping[str, Any] = {
    "smoothness": 1.0,
    "regularizer": "total_variation_power",
    "parameter": {"total_variation_power.beta": 2.0},
}
"""The total variation of the code in Lua, which others took over: see `squared_variation`."""
_SETTINGS = {
    **GRAM_METHOD,
    "backbone": "vgg16-caffe",
    "init": "imagenet_mean",
    # The picture of the 1,000th evaluation.
    "steps": 999,
}
_DEVIATIONS = (
    CAFFE_WEIGHTS,
    "Pixels are multiplied by 255, theirs by 256.",
    f"{RESIZED}.",
)
LUA_SETTINGS: Mapping[str, Any] = {**_SETTINGS, **SQUARED_VARIATION}
ROUNDED = "Odd sides are rounded down where they are pooled, theirs up."
GRADIENT_ALONE = (
    "The total variation is added to the loss that is reported; theirs has its gradient alone."
)
LUA_DEVIATIONS = (*_DEVIATIONS, ROUNDED, GRADIENT_ALONE)


def squared_variation(stage: Stage) -> float:
    """Return what makes 1e-3 / 2 times the sum, in 0–255, of the mean squared differences."""
    values = 3 * (stage.height - 1) * (stage.width - 1)
    return 1e-3 / 2 * 255**2 * values


def lua(stage: Stage) -> Weights:
    """Return the weights of the code in Lua."""
    return {**STYLE, "total_variation_power": (squared_variation(stage),)}


def _pytorch(stage: Stage) -> Weights:
    """1e-3 times the sum of absolute differences in 0–255."""
    values = 3 * (stage.height * stage.width - (stage.height + stage.width) / 2)
    return {**STYLE, "total_variation_absolute": (1e-3 * 255 * values,)}


LUA = Method(
    settings=LUA_SETTINGS,
    weights=lua,
    sources=(
        "Code: github.com/jcjohnson/neural-style, neural_style.lua: content 5 at relu4_2, style 100 at "
        "relu1_1 to relu5_1, total variation 1e-3, start from noise of 0.001, 512 pixels, 1,000 "
        "evaluations",
        "L-BFGS: torch/optim, lbfgs.lua, in its defaults",
    ),
    deviations=LUA_DEVIATIONS,
)
PYTORCH = Method(
    settings={**_SETTINGS, "smoothness": 1.0, "regularizer": "total_variation_absolute"},
    weights=_pytorch,
    sources=(
        "Code: neural-style 0.5.7 (neural-style-pt), neural_style.py: content 5 at relu4_2, style 100 at "
        "relu1_1 to relu5_1, total variation 1e-3, start from noise of 0.001, 512 pixels, 1,000 "
        "evaluations of L-BFGS",
    ),
    deviations=(
        *_DEVIATIONS,
        "Horizontal and vertical differences have one weight each a pair, exact in squares; "
        "in 3:2 one is off by 0.1%.",
    ),
)
RECIPE = Recipe(
    name="neural_style",
    meaning="neural-style's defaults: Gram, content and total variation",
    settings={"metric": "gram", "content_weight": 0.3, "smoothness": 0.02, "padding": "zeros"},
    constants=(
        "Content weight 5 at relu4_2, style weight 100 at relu1_1 to relu5_1, total variation "
        "1e-3 (in Lua the gradient of squared differences, in PyTorch absolute ones), L-BFGS, 1,000 "
        "steps, 512 pixels, start from noise."
    ),
    weights=CAFFE,
    deviations=f"Squared total variation, as in Lua; padding by zeros, as there. {COMMON}",
    bibtex=bibtex("Johnson, neural-style"),
    methods={"lua": LUA, "pytorch": PYTORCH},
)
