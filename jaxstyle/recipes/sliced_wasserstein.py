"""Heitz, Vanhoey, Chambon & Belcour 2021: whole distributions."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import CAFFE_WEIGHTS, COMMON, RESIZED, Method, Recipe

PYTORCH = Method(
    settings={
        "metric": "redrawn_sliced_wasserstein",
        "content_weight": 0.0,
        "backbone": "vgg16-caffe",
        "padding": "reflect",
        "pooling": "average",
        "optimizer": "lbfgs_plain",
        "learning_rate": 1.0,
        "init": "style_mean",
        "init_noise": 0.01,
        "size": 256,
        # 64 calls of 64 steps each, whose memory stays.
        "steps": 4096,
    },
    weights={"redrawn_sliced_wasserstein": 1.0},
    sources=(
        "Code: github.com/tchambon/A-Sliced-Wasserstein-Loss-for-Neural-Texture-Synthesis, "
        "texture_optimization_slicing.py: the first twelve layers after their ReLU, as many "
        "directions as channels, drawn at each evaluation",
        "Network: Oxford's VGG19 with reflections at borders and average pooling; start from the mean "
        "color and noise of 0.01; L-BFGS without a line search, 64 × 64 steps",
    ),
    deviations=(
        f"{CAFFE_WEIGHTS} Of VGG16 these are ten layers.",
        "The network does not see the picture transposed, as it does in their code.",
        "Where the style and the picture have unlike numbers of positions, quantiles are interpolated; "
        "theirs are of one size, or the style's are repeated.",
        "There is no size in their script, which takes the style's; the README's program has 256, "
        "and features divided by factors that are in a file of theirs alone.",
        f"{RESIZED}.",
    ),
)

RECIPE = Recipe(
    name="sliced_wasserstein",
    meaning="the whole distribution of features at many layers",
    settings={
        "metric": "sliced_wasserstein@relu1_1,relu1_2,relu2_1,relu2_2,"
        "relu3_1,relu3_2,relu3_3,relu4_1,relu4_2,relu4_3",
        "smoothness": 0.0,
    },
    constants=(
        "The first twelve layers of VGG19, as many random directions as channels, redrawn at each "
        "step, L-BFGS; the paper makes textures: no content term."
    ),
    weights="VGG19, features divided by their mean",
    deviations=(
        "Ten layers, up to relu4_3 of VGG16; directions orthonormal, fixed for each scale; maximum "
        "pooling, where the paper takes averages, and no reflections at the edge; no smoothing, but "
        f"a content term. {COMMON}"
    ),
    bibtex=bibtex("Heitz et al., CVPR 2021"),
    methods={"pytorch": PYTORCH},
)
