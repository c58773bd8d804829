"""Cells of a grid: what is swept, and the settings of each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jaxstyle import recipes
from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle.grid.sweep import PICTURES
from jaxstyle.kinds import is_list
from jaxstyle.metrics import find
from jaxstyle.metrics.metric import Kind
from jaxstyle.settings import MIXTURES, Settings, check_names
from jaxstyle.specs import MetricSpec, as_specs
from jaxstyle.transfer.job import chosen_settings


def combinations(sweep: Mapping[str, Sequence[Any]], zipped: bool = False) -> list[dict[str, Any]]:
    """Return the swept values of each cell.

    >>> combinations({"seed": [1, 2], "style_weight": [0.1, 1]})[1]
    {'seed': 1, 'style_weight': 1}
    >>> combinations({"seed": [1, 2], "style_weight": [0.1, 1]}, zipped=True)[1]
    {'seed': 2, 'style_weight': 1}

    Raises:
        ValueError: Nothing is swept, or lists to be zipped have unlike lengths.
        TypeError: The sweep is no mapping.
    """
    if not isinstance(sweep, Mapping):
        raise TypeError(f"expected sweep as a mapping from names to values, got {shown(sweep)}")
    for name, values in sweep.items():
        arguments.text("a name in the sweep", name)
        if not is_list(values) or not len(values):
            raise ValueError(f"expected a list of values to sweep for {name}, got {shown(values)}")
    if not sweep:
        raise ValueError("there is nothing to sweep")
    counts = {name: len(values) for name, values in sweep.items()}
    if zipped and len(set(counts.values())) > 1:
        lengths = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise ValueError(f"expected as many values of each name to zip, got {lengths}")
    # NumPy's numbers become Python's, which have a short text.
    lists = [[v.item() if getattr(v, "ndim", 1) == 0 else v for v in vs] for vs in sweep.values()]
    together = zip(*lists, strict=True) if zipped else itertools.product(*lists)
    return [dict(zip(sweep, values, strict=True)) for values in together]


def cell_settings(
    values: Mapping[str, Any], settings: Settings | None, changes: Mapping[str, Any]
) -> Settings:
    """Return the settings of a cell.

    Raises:
        ValueError: A value out of its range, a metric or parameter that does not exist.
        TypeError: A setting that does not exist.
    """
    whole = {
        name: value for name, value in values.items() if "." not in name and name not in PICTURES
    }
    check_names(whole)
    for name, group in MIXTURES.items():
        if isinstance(whole.get(name), str):
            whole[name] = _mixture(whole[name], name, group)
    chosen = chosen_settings(settings, {**changes, **whole})
    for name, value in values.items():
        owner, dot, part = name.partition(".")
        if not dot:
            continue
        if owner in MIXTURES:
            specs = _with_weight(getattr(chosen, owner), part, value, MIXTURES[owner])
            chosen = replace(chosen, **{owner: specs})  # type: ignore[arg-type]
        else:
            others = tuple(pair for pair in chosen.parameter if pair[0] != name)
            chosen = replace(chosen, parameter=(*others, (name, value)))
    return chosen


def _with_weight(
    specs: Sequence[MetricSpec], label: str, weight: float, group: Kind
) -> tuple[MetricSpec, ...]:
    """Return a mixture with the weight of one of its metrics changed; added if it is missing."""
    wanted = MetricSpec.of(label, weight)
    if all(spec.value is None for spec in specs if spec.name == wanted.name):
        find(wanted.name, group)
    if wanted.label not in {spec.label for spec in specs}:
        return (*specs, wanted)
    return tuple(
        replace(spec, weight=weight) if spec.label == wanted.label else spec for spec in specs
    )


def _mixture(text: str, name: str, group: Kind) -> tuple[MetricSpec, ...]:
    """Return a mixture by its text, or that of the recipe of this name."""
    specs = as_specs(text, name)
    if len(specs) == 1:
        try:
            find(specs[0].name, group)
        except ValueError:
            if text not in recipes.RECIPES:
                raise
            adapted = recipes.settings(recipe=f"{text}/{recipes.ADAPTED}")
            mixture: tuple[MetricSpec, ...] = getattr(adapted, name)
            return mixture
    return specs
