"""The settings of a texture: those of a picture without a content. Nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jaxstyle.settings import Settings, check_names
from jaxstyle.specs import is_init

DEFAULTS: Mapping[str, Any] = {"init": "patches", "scales": 1, "steps": 0}
"""Settings of a texture that differ from those of a picture: patches of the samples, at full size.
Of photographs they look better than with any steps (benchmarks/texture.md)."""
WITH_STEPS: Mapping[str, Any] = {
    "init": "patches",
    "steps": 30,
    "coarse_steps": 100,
    "metric": "relaxed_emd+covariance+moments=0.1+gaussian_wasserstein@image=0.3",
}
"""Those where a setting asks for steps: see `asks_for_steps`."""
OF_PATCHES = (
    *("size", "fit", "seed", "tile", "padding", "keep", "extend", "outside", "memory", "precision"),
    *("regions", "region_labels", "region_border", "content_mask", "style_mask"),
    *("color", "color_from", "background"),
)
"""Settings that patches heed, too; all others say something of steps."""
OF_CONTENTS = (
    *("content_weight", "content_decay", "content_metric", "content_layers", "content_backbone"),
    *("content_weight_map", "combination", "picture_guidance", "details", "outside", "enlarge"),
    "fit",
)
"""Settings that say something of a content alone."""


def asks_for_steps(changes: Mapping[str, Any]) -> bool:
    """Return whether any change says something of an optimizer's steps.

    >>> asks_for_steps({"metric": "gram"}), asks_for_steps({"size": 128, "steps": 0})
    (True, False)
    """
    return any(_asks(name, value) for name, value in changes.items() if name not in OF_PATCHES)


def _asks(name: str, value: Any) -> bool:
    if isinstance(value, str | int | float | tuple | list):
        return bool(value) and (name, value) != ("init", "patches")
    return value is not None  # an array, or an object


def texture_settings(settings: Settings | None, changes: Mapping[str, Any]) -> Settings:
    """Return the settings of a texture: its defaults, a recipe's or given ones, without a content.

    Raises:
        TypeError: A change of a setting that does not exist.
        ValueError: A value out of its range, or settings together with a recipe.

    >>> texture_settings(None, {"steps": 7}).content_weight
    0.0
    """
    from jaxstyle import recipes  # the command line's help does without

    check_names(changes)
    if settings is not None and changes.get("recipe"):
        raise ValueError("expected settings or a recipe, got both")
    if settings is not None:
        chosen = replace(settings, **changes)
    elif changes.get("recipe"):
        chosen = recipes.settings(**changes)
    else:
        usual = WITH_STEPS if asks_for_steps(changes) else DEFAULTS
        if changes.get("keep") is not None or changes.get("extend"):
            usual = {**usual, "scales": 1}  # coarser sizes are made by the patches
        chosen = recipes.settings(**{**usual, **changes})
    # What nobody asked for, and only a content could have.
    absent: dict[str, Any] = {"content_weight": 0.0, "outside": "style"}
    if is_init(chosen.init, ("content",)):
        absent["init"] = "style"
    return replace(chosen, **{n: value for n, value in absent.items() if n not in changes})
