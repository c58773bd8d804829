"""The colors of the style alone: no strokes, and no step."""

from __future__ import annotations

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import Recipe

RECIPE = Recipe(
    name="colors",
    meaning="the content in the style's colors, without its strokes: takes a second",
    settings={
        "steps": 0,
        "scales": 1,
        "color": "match",
        # Nothing is compared, so that no network is loaded.
        "style_weight": 0.0,
        "content_weight": 0.0,
        "smoothness": 0.0,
    },
    constants="None: no network is asked. The map of colors is smooth (`jaxstyle.image.transport`).",
    weights="any",
    deviations="None: it has no paper.",
    bibtex=bibtex("jaxstyle"),
    usual={},
)
