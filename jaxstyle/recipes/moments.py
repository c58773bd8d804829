"""Li et al. 2017 and Huang & Belongie 2017: mean and standard deviation."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import COMMON, Recipe

RECIPE = Recipe(
    name="moments",
    meaning="mean and standard deviation of each feature",
    settings={"metric": "moments"},
    constants=(
        "Mean and standard deviation at relu1_1 to relu4_1, style weight 10 for content 1 (as AdaIN "
        "trains its decoder); Li et al. use five layers and equal weights."
    ),
    weights="VGG19, normalized",
    deviations=f"Five layers. {COMMON}",
    bibtex=bibtex("Huang & Belongie, ICCV 2017"),
)
