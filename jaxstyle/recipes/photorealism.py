"""Luan et al. 2017: neural-style that leaves a photograph a photograph."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.neural_style import LUA_DEVIATIONS, LUA_SETTINGS, lua
from jaxstyle.recipes.recipe import CAFFE, COMMON, Method, Recipe, Stage, Weights

STEPS = 999
"""Of each part; the picture of the 1,000th evaluation."""


def _code(stage: Stage) -> Weights:
    """neural-style's, and 1e4 times the sum over windows, pixels and channels, in [0, 1]."""
    values = 9 * 3 * max(0, stage.height - 2) * max(0, stage.width - 2)
    return {**lua(stage), "matting": (1e4 * values,)}


CODE = Method(
    settings={
        **LUA_SETTINGS,
        "content_metric": (("mse", 1.0), ("matting", 1.0, (), f"{STEPS}-")),
        "init_noise": 1e-4 / 255,
        "size": 700,
        "steps": 2 * STEPS,
    },
    weights=_code,
    sources=(
        "Code: github.com/luanfujun/deep-photo-styletransfer, gen_all.py: neuralstyle_seg.lua "
        "from noise of 1e-4, then deepmatting_seg.lua from its result, 1,000 evaluations of "
        "L-BFGS each",
        "Content 5 at relu4_2, style 100 at relu1_1 to relu5_1, total variation 1e-3, matting "
        "1e4: their defaults; 700 pixels, ridge 1e-7: gen_laplacian.m",
    ),
    deviations=(
        *LUA_DEVIATIONS,
        "The matting Laplacian is in the loss that is reported too; theirs has its gradient alone.",
        "The picture is not stored, in 8 bits and clipped, between the two parts.",
        "Theirs shows what a last filter makes of the result: functions of the content's colors, "
        "affine in windows and smoothed by a bilateral filter; here it is the result itself.",
        "One style for the whole picture; theirs has one for each of several regions, whose masks "
        "are blurred from layer to layer.",
        "The matting Laplacian begins with step 1,000 whatever --steps says.",
    ),
)
RECIPE = Recipe(
    name="photorealism",
    meaning="Gram and content, and colors that change as smoothly as the photograph allows",
    settings={
        "metric": "gram",
        "content_metric": (("mse", 1.0), ("matting", 40.0)),
    },
    constants=(
        "Content 5, style 100, total variation 1e-3 as in neural-style, 1,000 steps; then the "
        "matting Laplacian of the content as well, weight 1e4, 1,000 steps; a style for each "
        "region; 700 pixels."
    ),
    weights=CAFFE,
    deviations=(
        "The matting Laplacian from the first step, 40 times as hard as the content's features; no "
        f"filter after the run; regions by --content-mask and --style-mask. {COMMON}"
    ),
    bibtex=bibtex("Luan et al., CVPR 2017"),
    methods={"code": CODE},
)
