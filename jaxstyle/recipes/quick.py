"""Quick: `painterly` in a small size and few steps, to see whether two pictures fit."""

from jaxstyle.recipes import painterly
from jaxstyle.recipes.recipe import Recipe

RECIPE = Recipe(
    name="quick",
    meaning="a small picture in seconds, to see whether two pictures fit",
    settings={
        **painterly.RECIPE.settings,
        "size": 192,
        "scales": 2,
        "steps": 10,
        "first_steps": 25,
    },
    constants="As painterly; size and steps by time and by looking (benchmarks/compiling.md).",
    weights="any",
    deviations="None: it has no paper.",
    bibtex=painterly.RECIPE.bibtex,
    usual={},
)
