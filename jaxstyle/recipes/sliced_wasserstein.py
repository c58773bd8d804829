"""Heitz, Vanhoey, Chambon & Belcour 2021: whole distributions."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import COMMON, Recipe

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
)
