"""Quick: `painterly` in a small size and few steps, to see whether two pictures fit."""

from dataclasses import replace

from jaxstyle.recipes import painterly

_EFFORT = {"size": 192, "scales": 2, "steps": 10, "first_steps": 25}

RECIPE = replace(
    painterly.RECIPE,
    name="quick",
    meaning="a small picture in seconds, to see whether two pictures fit",
    settings={**painterly.RECIPE.settings, **_EFFORT},
    constants="As painterly; size and steps by time and by looking (benchmarks/compiling.md).",
)
