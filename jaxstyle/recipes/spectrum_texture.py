"""Liu, Gousseau & Xia 2016, as a texture."""

from dataclasses import replace

from jaxstyle.recipes import spectrum
from jaxstyle.recipes.recipe import AS_TEXTURES, TEXTURE, Recipe

CODE = replace(
    spectrum.CODE,
    deviations=tuple(
        "The picture is a square of 256 pixels, to which a larger sample is reduced; theirs has the "
        "sample's size. A texture larger than its sample is compared in windows of its size."
        if "content's size" in line
        else line
        for line in spectrum.CODE.deviations
    ),
)
RECIPE = Recipe(
    name="spectrum_texture",
    meaning="a texture that repeats as its sample does: Gram matrices and the Fourier spectrum",
    settings={"metric": spectrum.RECIPE.settings["metric"], "pooling": "average"},
    constants=spectrum.RECIPE.constants,
    weights=spectrum.RECIPE.weights,
    deviations=(
        "relu1_1 to relu5_1 in place of the pooled layers; both terms pull equally hard. "
        f"{AS_TEXTURES}"
    ),
    bibtex=spectrum.RECIPE.bibtex,
    usual=TEXTURE,
    methods={"code": CODE},
)
