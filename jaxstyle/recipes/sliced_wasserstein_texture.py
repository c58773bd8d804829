"""Heitz, Vanhoey, Chambon & Belcour 2021, as the texture that the paper makes."""

from jaxstyle.recipes import sliced_wasserstein
from jaxstyle.recipes.recipe import AS_TEXTURES, TEXTURE, Recipe

RECIPE = Recipe(
    name="sliced_wasserstein_texture",
    meaning="a texture by the whole distribution of features at many layers",
    settings={"metric": sliced_wasserstein.RECIPE.settings["metric"]},
    constants=sliced_wasserstein.RECIPE.constants,
    weights=sliced_wasserstein.RECIPE.weights,
    deviations=(
        "Ten layers, up to relu4_3 of VGG16; directions orthonormal, fixed for each scale; maximum "
        f"pooling, where the paper takes averages. {AS_TEXTURES}"
    ),
    bibtex=sliced_wasserstein.RECIPE.bibtex,
    usual=TEXTURE,
    methods={"pytorch": sliced_wasserstein.PYTORCH},
)
