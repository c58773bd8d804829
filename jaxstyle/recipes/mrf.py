"""Li & Wand 2016: patches instead of statistics."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.neural_style import (
    ROUNDED,
    SQUARED_VARIATION,
    squared_variation,
)
from jaxstyle.recipes.recipe import (
    CAFFE,
    CAFFE_WEIGHTS,
    COMMON,
    GRAM_CHANNELS,
    RESIZED_BETWEEN,
    Method,
    Recipe,
    Stage,
    Weights,
)


def _code(stage: Stage) -> Weights:
    """1e-4 / 2 times the sum of squared differences, over positions and channels."""
    pairs = list(zip(GRAM_CHANNELS, stage.positions, strict=True))[2:4]
    return {
        "patch_stride_2": tuple(1e-4 / 2 * (channels * count) for channels, count in pairs),
        "mse": (20.0,),
        "total_variation_power": (squared_variation(stage),),
    }


CODE = Method(
    settings={
        "metric": "patch_stride_2",
        "blend": "mix",
        "content_metric": (("mse", 1.0, ("relu4_1",)),),
        **SQUARED_VARIATION,
        "backbone": "vgg16-caffe",
        "optimizer": "lbfgs_plain",
        "optimizer_parameter": {"memory_size": 25},
        "learning_rate": 1.0,
        "parametrization": "levels",
        "size": 384,
        "scales": 3,
        "scale_factor": 2.0,
        "steps": 100,
        "coarse_steps": 1,
    },
    weights=_code,
    sources=(
        "Code: github.com/chuanli11/CNNMRF, cnnmrf.lua with its defaults: patches of 3 × 3 at "
        "relu3_1 and relu4_1, 1e-4 each, every second; content 20 at relu4_1; total variation "
        "1e-3; 384 pixels, three sizes, 100 steps each, start from the content",
        "Gradient of the patches: mylib/mrf.lua; of the content: content.lua; L-BFGS: "
        "myoptimizer.lua; sizes: transfer_CNNMRF_wrapper.lua",
    ),
    deviations=(
        CAFFE_WEIGHTS,
        "Pixels are multiplied by 255, theirs by 256.",
        "The paper, and the examples in run_trans.lua, take the content at relu4_2 "
        "(--content-layers relu4_2) and some also rotated and scaled copies of the style, 7.5° and "
        "5% apart (--style-rotation=-7.5,0,7.5 --style-scale 0.95,1,1.05).",
        "Patches and total variation are added to the loss that is reported; theirs have their "
        "gradients alone.",
        ROUNDED,
        RESIZED_BETWEEN,
    ),
)
RECIPE = Recipe(
    name="mrf",
    meaning="every patch from the style: CNNMRF",
    settings={"metric": "patch", "content_weight": 0.3, "smoothness": 0.05},
    constants=(
        "Patches of 3 × 3 at relu3_1 and relu4_1, 1e-4 each, content at relu4_2 (the code's "
        "default: 20 at relu4_1), total variation 1e-3; the code's defaults: three resolutions, "
        "100 steps each."
    ),
    weights=CAFFE,
    deviations=(
        "Patches neither rotated nor scaled; every patch, where the code takes every second of "
        f"both pictures; smoothness 0.05. {COMMON}"
    ),
    bibtex=bibtex("Li & Wand, CVPR 2016"),
    methods={"code": CODE},
)
