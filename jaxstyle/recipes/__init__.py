"""Recipes: named settings, one file per paper, each constant with its source.

A file of this folder is a recipe if it has a `RECIPE`; `characters` has some of our own, without a
paper. The papers' constants were made for networks
whose features have other scales than these; with them pictures blur or diverge. So a recipe takes
over the paper's metrics, layers and proportions, and its terms are calibrated to the network in
use, which a run reports. Other packages add recipes by an entry point in the group
`jaxstyle.recipes` that loads to a `Recipe` or a tuple of them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from itertools import chain
from typing import Any

from jaxstyle._util.names import nearest
from jaxstyle._util.plugins import Registry
from jaxstyle.recipes.characters import CHARACTERS
from jaxstyle.recipes.recipe import Recipe
from jaxstyle.settings import Settings, check_names

__all__ = ["RECIPES", "Recipe", "find", "settings"]


_modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
RECIPES: Mapping[str, Recipe] = Registry(
    "jaxstyle.recipes",
    Recipe,
    chain(CHARACTERS, (m.RECIPE for m in _modules if hasattr(m, "RECIPE"))),
)
"""Every recipe by name."""


def find(name: str) -> Recipe:
    """Return the recipe of a name.

    Raises:
        ValueError: There is no such recipe; the message names the nearest.
    """
    if name not in RECIPES:
        raise ValueError(
            f"no recipe is named {name!r}{nearest(name, RECIPES) or '; see `jaxstyle recipes`'}"
        )
    return RECIPES[name]


def settings(**changes: Any) -> Settings:
    """Return the settings of a recipe, if `changes` names one, overridden by the other changes.

    >>> [str(spec) for spec in settings(recipe="mrf", steps=7).metric]
    ['patch']
    """
    check_names(changes)
    name = changes.get("recipe")
    if name:
        recipe = find(name)
        changes = {**recipe.usual, **recipe.settings, **changes}
    return Settings(**changes)
