"""Controls: what a page shows for each setting, made from the settings' own metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from jaxstyle import recipes
from jaxstyle.app import mixtures
from jaxstyle.app.orders import FILE_SETTINGS
from jaxstyle.app.plain_words import without_options
from jaxstyle.kinds import Constants, Files, Flag, Kind, Mixture, Number, Parameters, Several
from jaxstyle.settings import MIXTURES, RUN, Settings, kind_of
from jaxstyle.specs import INITS

Form = Literal["number", "whole number", "choice", "flag", "text", "mixture"]
_NOT_SHOWN = (
    "extend",
    *(name for name in FILE_SETTINGS if name != "init"),
)
"""Settings that name files, or of textures: uploads have a place of their own on the page."""
_CONSTANTS = '{"gram": [2.5, 1.5]}, or the text of a manifest'
LABELS = "region_labels"
"""A setting that only settings with a label map can have, which on the page is an upload."""
_NETWORKS = ("backbone", "style_backbone", "content_backbone")


@dataclass(frozen=True)
class Control:
    """How one setting is shown.

    Attributes:
        name: Of the setting.
        label: The same in words.
        meaning: One line or two.
        group: As `--help` groups them.
        form: What is shown.
        choices: Of a choice.
        optional: Whether it may be empty.
        example: Of a text in a form of its own.
    """

    name: str
    label: str
    meaning: str
    group: str
    form: Form
    choices: tuple[str, ...] = ()
    optional: bool = False
    example: str = ""

    def shown(self, value: Any) -> Any:
        """Return what the control shows for a value of the setting."""
        kind = kind_of(self.name)
        if self.form == "mixture":
            return mixtures.shown_for(value)
        if self.form != "text" or value is None:
            return value
        if isinstance(kind, Constants):
            return json.dumps(value)
        if isinstance(kind, Parameters):
            return ", ".join(f"{name}={number:g}" for name, number in value)
        if isinstance(kind, Several):
            return ", ".join(_number(part) for part in value)
        return str(value)

    def value(self, shown: Any) -> Any:
        """Return the value of the setting for what the control shows.

        Raises:
            ValueError: It has another form; the message names the setting.
        """
        kind = kind_of(self.name)
        try:
            return _read(self, kind, shown)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.label}: {error}") from None


def controls() -> tuple[Control, ...]:
    """Return the controls of all settings, in the order of their groups as `--help` has them."""
    shown = [setting for setting in fields(Settings) if setting.name not in _NOT_SHOWN]
    groups = dict.fromkeys(setting.metadata["group"] for setting in shown)
    order = sorted(groups, key=lambda group: group == RUN)
    rows = sorted(shown, key=lambda setting: order.index(setting.metadata["group"]))
    return tuple(_control(setting.name, setting.metadata) for setting in rows)


def groups() -> dict[str, list[Control]]:
    """Return the controls by group."""
    by_group: dict[str, list[Control]] = {}
    for control in controls():
        by_group.setdefault(control.group, []).append(control)
    return by_group


def settings_from(shown: Mapping[str, Any]) -> Settings:
    """Return the settings for what the controls show, but for `LABELS`.

    Raises:
        ValueError: A value that cannot be used; the message names the setting.
    """
    names = (one for one in controls() if one.name != LABELS)
    return Settings(**{one.name: one.value(shown[one.name]) for one in names})


def value_of(name: str, shown: Mapping[str, Any]) -> Any:
    """Return the value of one setting for what the controls show; errors as of `Control.value`."""
    control = next(one for one in controls() if one.name == name)
    return control.value(shown[name])


def labels_from(shown: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels of a map's regions that their control shows.

    >>> labels_from({"region_labels": "1, #ff0000"})
    ('1', '#ff0000')

    Raises:
        ValueError: One is neither a number nor a color.
    """
    value = value_of(LABELS, shown)
    labels: tuple[str, ...] = kind_of(LABELS).check(LABELS, value)
    return labels


def shown_for(settings: Settings, labels: Sequence[str] = ()) -> dict[str, Any]:
    """Return what each control shows for some settings, and for labels of a map's regions."""
    values = {one.name: getattr(settings, one.name) for one in controls()} | {LABELS: labels}
    return {one.name: one.shown(values[one.name]) for one in controls()}


def _control(name: str, metadata: Mapping[str, Any]) -> Control:
    kind: Kind = metadata["kind"]
    choices = _choices(name, kind)
    form: Form = "text"
    if isinstance(kind, Mixture):
        form = "mixture"
    elif isinstance(kind, Flag):
        form = "flag"
    elif choices:
        form = "choice"
    elif isinstance(kind, Number):
        form = "whole number" if kind.type is int else "number"
    meaning = without_options(metadata["help"]).replace("; may be given several times.", ".")
    label = name.replace("_", " ").capitalize()
    example = _CONSTANTS if isinstance(kind, Constants) else ""
    return Control(name, label, meaning, metadata["group"], form, choices, kind.optional, example)


def _choices(name: str, kind: Kind) -> tuple[str, ...]:
    if name in _NETWORKS:
        return tuple(mixtures.networks())
    if name == "init":
        return INITS
    if name == "recipe":
        pairs = ((name, recipe.variants) for name, recipe in recipes.RECIPES.items())
        return tuple(one for name, variants in pairs for one in _variants(name, variants))
    return kind.choices or ()


def _variants(name: str, variants: Sequence[str]) -> list[str]:
    """Return a recipe's variants, the first by the recipe's own name."""
    return [name, *(f"{name}/{variant}" for variant in variants[1:])]


def _read(control: Control, kind: Kind, shown: Any) -> Any:
    if isinstance(kind, Mixture):
        return mixtures.specs_from(shown, MIXTURES[control.name])
    empty = shown is None or (isinstance(shown, str) and not shown.strip())
    if empty and control.optional:
        return None
    if control.form in ("number", "whole number"):
        assert isinstance(kind, Number)
        if empty:
            raise ValueError("expected a number, got nothing")
        if kind.type is int and float(shown) != int(shown):
            raise ValueError(f"expected a whole number, got {shown:g}")
        return kind.type(shown)
    if control.form == "flag":
        return bool(shown)
    if control.form == "choice":
        if shown not in control.choices:
            raise ValueError(f"expected one of {', '.join(control.choices)}, got {shown!r}")
        return shown
    text = "" if shown is None else str(shown).strip()
    if isinstance(kind, Parameters):
        return tuple(kind.parse(part.strip()) for part in text.split(",") if part.strip())
    if isinstance(kind, Several):
        return kind.parse(text) if text else ()
    if isinstance(kind, Constants):
        return _constants(text)
    assert not isinstance(kind, Files)
    return kind.parse(text)


def _constants(text: str) -> Any:
    """Return calibration constants from JSON: those of a manifest, or themselves."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"expected JSON such as {_CONSTANTS}")
    return value.get("calibration", value)


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
