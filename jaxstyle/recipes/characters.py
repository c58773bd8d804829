"""Characters: the default, turned towards one wish. They were chosen by looking."""

from __future__ import annotations

from typing import Any

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import Recipe


def _character(name: str, meaning: str, **settings: Any) -> Recipe:
    return Recipe(
        name=name,
        meaning=meaning,
        settings=settings,
        constants="Chosen by looking at two pairs, of 192 and 320 pixels.",
        weights="any",
        deviations="None: it has no paper.",
        bibtex=bibtex("jaxstyle"),
        usual={},
    )


CHARACTERS = (
    _character(
        "faithful",
        "the default, closer to the photograph: faces, buildings",
        content_weight=1.2,
        smoothness=0.1,
    ),
    _character(
        "bold", "the default, closer to the painting: its own things appear", content_weight=0.12
    ),
    _character("tinted", "the default in the photograph's colors", color="chroma"),
)
