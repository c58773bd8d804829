"""Recipes: named settings, one file a paper, each constant with its source.

A file of this folder is a recipe if it has a `RECIPE`. The papers' constants were made for networks
whose features have other scales than these; with them pictures blur or diverge. So a recipe takes
over the paper's metrics, layers and proportions, and its terms are calibrated to the network
in use, which a run says.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jaxstyle._util.names import nearest
from jaxstyle.recipes.recipe import Recipe
from jaxstyle.settings import Settings, check_names

__all__ = ["RECIPES", "Recipe", "find", "settings"]


def _gather() -> Mapping[str, Recipe]:
    names = (f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(name) for name in names]
    found = (module.RECIPE for module in modules if hasattr(module, "RECIPE"))
    return MappingProxyType({recipe.name: recipe for recipe in found})


RECIPES: Mapping[str, Recipe] = _gather()
"""Every recipe by name."""


def find(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ValueError: There is none; the message names the nearest.
    """
    if name not in RECIPES:
        raise ValueError(
            f"no recipe is named {name!r}{nearest(name, RECIPES) or '; see `jaxstyle recipes`'}"
        )
    return RECIPES[name]


def settings(**chosen: Any) -> Settings:
    """Settings of the recipe among `chosen`, if there is one; what else is chosen stands over it.

    >>> settings(recipe="mrf", steps=7).metric
    (('patch', 1.0),)
    """
    check_names(chosen)
    name = chosen.get("recipe")
    return Settings(**({**find(name).settings, **chosen} if name else chosen))
