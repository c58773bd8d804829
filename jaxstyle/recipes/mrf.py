"""Li & Wand 2016: patches instead of statistics."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import CAFFE, COMMON, Recipe

RECIPE = Recipe(
    name="mrf",
    meaning="every patch from the style: CNNMRF",
    settings={"metric": "patch", "content_weight": 0.3, "smoothness": 0.05},
    constants=(
        "Patches of 3 × 3 at relu3_1 and relu4_1, content at relu4_2, total variation 1e-3; the "
        "code's defaults: three resolutions, 100 steps each."
    ),
    weights=CAFFE,
    deviations=(
        "Patches neither rotated nor scaled; every patch of the style, where the code takes every "
        f"second; smoothness 0.05. {COMMON}"
    ),
    bibtex=bibtex("Li & Wand, CVPR 2016"),
)
