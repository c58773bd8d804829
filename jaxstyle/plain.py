"""Settings as JSON holds them: in manifests, checkpoints and studies."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from jaxstyle.settings import Settings, check_names, kind_of, names


def to_plain(settings: Settings) -> dict[str, Any]:
    """Return settings by name as JSON can hold them, but with tuples."""
    values = ((name, getattr(settings, name)) for name in names())
    return {n: None if value is None else kind_of(n).plain(value) for n, value in values}


def from_plain(data: Mapping[str, Any]) -> Settings:
    """Return the settings that JSON holds: `to_plain` with lists in place of tuples.

    A setting that a later version added has the value that stands for its absence.

    Raises:
        TypeError: A setting that does not exist.
        ValueError: A value out of its range.
    """

    def tuples(value: Any) -> Any:
        return tuple(map(tuples, value)) if isinstance(value, list) else value

    check_names(data)
    old = "safeguard" not in data or (data.get("calibrate", True) and "combination" not in data)
    recipe = data.get("recipe")
    if isinstance(recipe, str) and recipe and old and "/" not in recipe:
        # Before it had methods, a recipe was what is its adapted variant now.
        data = {**data, "recipe": f"{recipe}/adapted"}
    absent = {setting.name: setting.metadata["before"] for setting in fields(Settings)}
    return Settings(**absent | {name: tuples(value) for name, value in data.items()})


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the names of settings that differ, of two that JSON holds.

    What one lacks has the value that stands for its absence, and what means the same is equal.
    Settings that this version does not know differ.
    """
    with contextlib.suppress(TypeError, ValueError):
        one, other = (to_plain(from_plain(data)) for data in (one, other))
    return [name for name in dict.fromkeys((*one, *other)) if one.get(name) != other.get(name)]


def obstacles(settings: Settings) -> list[str]:
    """Return what of the settings a manifest cannot hold, by name."""
    values = ((name, getattr(settings, name)) for name in names())
    return [
        line for n, value in values if value is not None for line in kind_of(n).obstacles(n, value)
    ]
