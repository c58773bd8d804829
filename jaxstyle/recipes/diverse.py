"""Our mixture: metrics that compensate for each other's blind spots."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import Recipe

RECIPE = Recipe(
    name="diverse",
    meaning="our mixture of unlike metrics",
    settings={"metric": "cross_layer_gram=0.707+histogram=0.707"},
    constants="None: equal weights in calibrated units.",
    weights="any",
    deviations="None.",
    bibtex=bibtex("jaxstyle"),
)
