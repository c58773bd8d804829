"""Li, Xu, Nie & Chua 2017: neural-style that keeps the lines of a coarse Laplacian."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.neural_style import LUA_DEVIATIONS, LUA_SETTINGS, lua
from jaxstyle.recipes.recipe import CAFFE, COMMON, Method, Recipe, Stage, Weights

CONTENT = (("mse", 1.0), ("laplacian", 1.0))


def _code(stage: Stage) -> Weights:
    """neural-style's, and 100 times the mean squared difference of Laplacians in 0–255."""
    return {**lua(stage), "laplacian": (100 * 255**2,)}


CODE = Method(
    settings={**LUA_SETTINGS, "content_metric": CONTENT},
    weights=_code,
    sources=(
        "Code: github.com/askerlee/lapstyle, lap_style.lua with its defaults: neural-style's "
        "content 5, style 100 and total variation 1e-3, start from noise of 0.001, 1,000 "
        "evaluations",
        "Laplacian 100, of the sum of the colors, averaged over 4 × 4 pixels: lap_layers 2, "
        "lap_weights 100",
    ),
    deviations=(
        *LUA_DEVIATIONS,
        "The longest side is 512; theirs are not resized.",
    ),
)
RECIPE = Recipe(
    name="lapstyle",
    meaning="Gram, content, and the content's lines: a Laplacian of the picture itself",
    settings={"metric": "gram", "content_metric": CONTENT},
    constants=(
        "neural-style's, and the Laplacian of the picture averaged over 4 × 4 pixels, weight 100; "
        "the README's examples have content 5 to 20, and Laplacians over 2 × 2 to 16 × 16 as well."
    ),
    weights=CAFFE,
    deviations=(
        "Features and Laplacian of the content pull equally hard, 0.3 each; one Laplacian. "
        f"{COMMON}"
    ),
    bibtex=bibtex("Li et al., ACM Multimedia 2017"),
    methods={"code": CODE},
)
