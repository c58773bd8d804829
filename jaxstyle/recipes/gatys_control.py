"""Gatys et al. 2017: perceptual factors, of which this keeps the content's colors."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import (
    CAFFE,
    CAFFE_WEIGHTS,
    COMMON,
    GRAM_CHANNELS,
    GRAM_METHOD,
    RESIZED_BETWEEN,
    Method,
    Recipe,
)

_SETTINGS = {
    **GRAM_METHOD,
    "size": 1024,
    "scales": 2,
    "scale_factor": 2.0,
    # The pictures of the 500th evaluation, and of the 200th at full size.
    "steps": 499,
    "coarse_steps": 499,
    "final_steps": 199,
}
_SOURCES = (
    "Layers, start from the content, 500 evaluations at 512² pixels and 200 at 1024²: "
    "ColourControl.ipynb",
    "Losses, Gram matrices divided by positions: LossLayers.lua; L-BFGS: ImageSynthesis.lua",
)
_DEVIATIONS = (
    "The longest sides are 512 and 1024; theirs are the roots of the areas. Pictures below 128 "
    "pixels have one size.",
    RESIZED_BETWEEN,
    "Colors are transferred once, at full size; theirs at each size anew.",
    "Spatial control is by masks of any recipe (--content-mask); their control of scales, which first "
    "gives a style the fine texture of another, is not here.",
)

CODE = Method(
    settings={**_SETTINGS, "backbone": "vgg16-caffe", "color": "covariance"},
    weights={"gram": tuple(1e3 / channels**2 for channels in GRAM_CHANNELS), "mse": (1.0,)},
    sources=(
        "Code: github.com/leongatys/NeuralImageSynthesis, the authors', for VGG19 as it was trained",
        "The style's colors matched to the content's before the run, by symmetric square roots of "
        "covariances ('pca'); weights 1e3 / channels² and 1: ColourControl.ipynb, 'org'",
        *_SOURCES,
    ),
    deviations=(
        CAFFE_WEIGHTS,
        *_DEVIATIONS,
        "Covariances have the divisor n − 1 and are bare; theirs have n, and 1e-5 on the diagonal.",
    ),
)
LUMINANCE = Method(
    settings={**_SETTINGS, "backbone": "vgg19-normalized", "color": "luminance"},
    weights={"gram": (1e9 / 5,) * 5, "mse": (1e6,)},
    sources=(
        "Code: github.com/leongatys/NeuralImageSynthesis, the authors', for VGG19 with filters of mean "
        "activation 1",
        "Luminance alone, the content's colors afterwards; weights 1e9 / 5 and 1e6: "
        "ColourControl.ipynb, 'norm'",
        *_SOURCES,
    ),
    deviations=(
        *_DEVIATIONS,
        "The style's luminance gets the content's mean and standard deviation; their notebook shifts "
        "its mean alone.",
        "The result's luminance is weighted as the content's is, theirs a mean over colors; and it "
        "replaces that of YCbCr, theirs of YUV with rounded coefficients.",
    ),
)

RECIPE = Recipe(
    name="gatys_control",
    meaning="Gram matrices of a style in the content's colors",
    settings={"metric": "gram", "color": "covariance"},
    constants=(
        "Style at relu1_1 to relu5_1 with 1e3 / channels², content at relu4_2 with 1; 512² pixels by "
        "500 evaluations of L-BFGS, then 1024² by 200 (the authors' notebooks)."
    ),
    weights=CAFFE,
    deviations=(
        "Colors by covariances, which is one of the two ways of the paper; --color luminance is the "
        f"other. No control of scales. {COMMON}"
    ),
    bibtex=bibtex("Gatys et al., CVPR 2017"),
    methods={"code": CODE, "luminance": LUMINANCE},
)
