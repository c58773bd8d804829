"""Risser, Wilmot & Barnes 2017, as the texture that their code makes."""

from dataclasses import replace

from jaxstyle.recipes import histogram
from jaxstyle.recipes.recipe import AS_TEXTURES, TEXTURE, Recipe

CODE = replace(
    histogram.CODE,
    deviations=(
        "A sample larger than the picture is reduced to it; theirs keeps its own size.",
        *histogram.CODE.deviations[1:],
    ),
)
RECIPE = Recipe(
    name="histogram_texture",
    meaning="a texture by Gram matrices and histograms together",
    settings={"metric": histogram.RECIPE.settings["metric"]},
    constants=histogram.RECIPE.constants,
    weights=histogram.RECIPE.weights,
    deviations=(
        "Gram up to relu5_1 as well; the ratio 1 : 0.5 is ours, in calibrated units; exact ranks "
        f"instead of bins. {AS_TEXTURES}"
    ),
    bibtex=histogram.RECIPE.bibtex,
    usual=TEXTURE,
    methods={"code": CODE},
)
