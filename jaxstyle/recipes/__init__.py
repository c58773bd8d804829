"""Recipes: named settings, one file per paper, each constant with its source.

A file of this folder is a recipe if it has a `RECIPE`; `characters` has some of our own, without a
paper.

A recipe has variants, `NAME/VARIANT`. Of its methods, the paper's or its code's, one runs all that
is stated there: network, layers and constants, optimizer, start, sizes and steps. `NAME/adapted`
takes over metrics, layers and proportions alone, calibrated to the network in use, which a run
reports. `NAME` is its first method, or `NAME/adapted` if it has none. Other packages add recipes by
an entry point in the group `jaxstyle.recipes` that loads to a `Recipe` or a tuple of them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from itertools import chain
from typing import Any

from jaxstyle._util import arguments
from jaxstyle._util.names import nearest
from jaxstyle._util.plugins import Registry
from jaxstyle.recipes.characters import CHARACTERS
from jaxstyle.recipes.recipe import ADAPTED, Method, Recipe
from jaxstyle.settings import Settings, check_names

__all__ = ["ADAPTED", "RECIPES", "Method", "Recipe", "find", "method", "settings"]


_modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
RECIPES: Mapping[str, Recipe] = Registry(
    "jaxstyle.recipes",
    Recipe,
    chain(CHARACTERS, (m.RECIPE for m in _modules if hasattr(m, "RECIPE"))),
)
"""Every recipe by name."""


def find(name: str) -> Recipe:
    """Return the recipe of a name, with or without a variant.

    Raises:
        ValueError: There is no such recipe; the message names the nearest.
    """
    name = arguments.text("recipe", name).partition("/")[0]
    if name not in RECIPES:
        raise ValueError(
            f"no recipe is named {arguments.shown(name)}{nearest(name, RECIPES) or '; see `jaxstyle recipes`'}"
        )
    return RECIPES[name]


def method(name: str) -> Method | None:
    """Return the method that `NAME` or `NAME/VARIANT` stands for; None if it is the adapted variant.

    Raises:
        ValueError: There is no such recipe or variant.
    """
    return find(name).method(name.partition("/")[2])


def settings(**changes: Any) -> Settings:
    """Return the settings of a recipe, if `changes` names one, overridden by the other changes.

    >>> [str(spec) for spec in settings(recipe="mrf/adapted", steps=7).metric]
    ['patch']
    """
    check_names(changes)
    name = changes.get("recipe")
    if name is not None:
        changes = {**find(name).settings_of(name.partition("/")[2]), **changes}
    return Settings(**changes)
