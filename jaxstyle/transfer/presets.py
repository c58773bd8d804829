"""Presets: the settings of an earlier run, taken from its manifest or from inside its picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jaxstyle import recipes
from jaxstyle._util import arguments
from jaxstyle._util.log import logger
from jaxstyle.image.io import check_file, read_settings
from jaxstyle.kinds import Files, Picture
from jaxstyle.plain import from_plain
from jaxstyle.settings import MIXTURES, SCHEMA, Settings, check_names, kind_of, names
from jaxstyle.specs import is_init
from jaxstyle.transfer.manifest import MARK, Manifest
from jaxstyle.transfer.manifest_form import check_form
from jaxstyle.transfer.manifest_paths import located
from jaxstyle.transfer.updated import updated


def settings_of(run: str | Path) -> Settings:
    """Return the settings of an earlier run, without the pictures and masks among them.

    What is left out is logged. Constants that belong to a recipe are not taken but stated anew, so
    that other sizes and numbers of scales go with it.

    Args:
        run: A manifest of this version or an older one, or a picture with its settings inside.

    Raises:
        ValueError: The file is neither, or it is of a newer version.
        OSError: It is missing or may not be read.

    >>> import numpy as np, jaxstyle
    >>> from tempfile import TemporaryDirectory
    >>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    >>> result = jaxstyle.stylize(photo, painting, steps=0, content_decay=3)
    >>> with TemporaryDirectory() as folder:
    ...     path = result.save(Path(folder) / "preset.png")
    ...     settings_of(path).content_decay, settings_of(path.with_suffix(".json")).content_decay
    (3.0, 3.0)
    """
    run = arguments.path("run", run)
    data = dict(read_run(run)["settings"])
    left_out = [name for name in data if name in names() and _is_picture(name, data[name])]
    for name in left_out:
        del data[name]
    if "regions" in left_out:
        data.pop("region_labels", None)
    try:
        settings = from_plain(data)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{run}: {error}") from None
    if left_out:
        logger.info(f"{run}: its {', '.join(left_out)} is not taken: a preset holds no pictures")
    if settings.recipe and not settings.calibrate and recipes.method(settings.recipe):
        settings = replace(settings, calibration=None)
    return settings


def read_run(run: Path) -> Manifest:
    """Read a manifest, or what a picture holds of one.

    Raises:
        ValueError: The file is neither, or it is of a newer version.
        OSError: It is missing or may not be read.
    """
    check_file(run)
    text = run.read_bytes()
    if text.lstrip()[:1] != b"{":
        try:
            text = (read_settings(run) or "").encode()
        except ValueError:
            text = b""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or facts.get("kind") != MARK:
        raise ValueError(
            f"expected the manifest of a run, or a picture with its settings inside, got {run}"
        )
    schema = facts.get("schema", 1)
    if isinstance(schema, int) and schema > SCHEMA:
        raise ValueError(
            f"{run} is of a newer jaxstyle: its settings have version {schema}, this one reads up "
            f"to {SCHEMA}"
        )
    if "history" in facts:  # a picture holds none
        check_form(run, facts)
    if not isinstance(facts.get("settings"), dict):
        raise ValueError(f"{run} is a damaged manifest: expected settings, got nothing")
    return located(run, updated(facts))  # type: ignore[return-value]


def overridden(preset: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return a preset with changes on top; the settings of a recipe among them come in between.

    What belonged to something that is replaced goes with it: an optimizer's rate, the steps of each
    scale.

    Raises:
        TypeError: A change of a setting that does not exist.
        ValueError: A value out of its range.

    >>> overridden(Settings(learning_rate=0.5), {"optimizer": "adam"}).learning_rate is None
    True
    """
    check_names(changes)
    name = changes.get("recipe")
    if name is not None:
        changes = {**recipes.find(name).settings_of(name.partition("/")[2]), **changes}
    default, stale = Settings(), []
    if changes.get("optimizer", preset.optimizer) != preset.optimizer:
        stale += ["learning_rate", "final_rate", "rate_decay", "optimizer_parameter"]
    if {"steps", "scales"} & {*changes}:
        stale += ["scale_steps"]
    if "steps" in changes:
        stale += ["final_steps"]
    if MIXTURES.keys() & changes.keys():
        stale += ["calibration"]
        # A run that draws none says 0, which of other metrics means all of them.
        stale += [] if preset.positions else ["positions"]
    return replace(preset, **{**{n: getattr(default, n) for n in stale}, **changes})


def changes_of(settings: Settings) -> dict[str, Any]:
    """Return what makes settings of the defaults, or of their recipe's, by name.

    >>> changes_of(Settings(steps=7))
    {'steps': 7}
    """
    base = recipes.settings(recipe=settings.recipe)
    pairs = ((name, getattr(settings, name)) for name in names())
    changed = {name: value for name, value in pairs if value != getattr(base, name)}
    return {**changed, **({"recipe": settings.recipe} if settings.recipe else {})}


def _is_picture(name: str, value: Any) -> bool:
    """Whether the value of a setting stands for a picture, or for several."""
    kind = kind_of(name)
    if isinstance(kind, Files):
        return bool(value)
    return (
        isinstance(kind, Picture) and value is not None and not (name == "init" and is_init(value))
    )
