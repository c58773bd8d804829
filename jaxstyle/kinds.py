"""Kinds of setting values: how each is parsed from text, checked, shown and written down.

A field of `Settings` names its kind; the command line, sweeps and manifests read everything else
from there. `Kind` documents the methods. Nothing heavy is imported here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxstyle._util.names import nearest
from jaxstyle.specs import FORM, LayerRef, MetricSpec, as_specs


@dataclass(frozen=True)
class Kind:
    """A name, or an object that stands for one.

    Attributes:
        optional: None is a value too.
        metavar: What the command line's help shows in place of the value.
        choices: The names that are accepted, or None.
        multiple: The option may be given several times; `parse` then reads one of its values.
        is_flag: The option takes no value.
        sweepable: A sweep can vary it.
        separator: What separates the values of a sweep.
        accepts: Whether an object stands for a name; it is kept as it is.
        stand_in: What is written down in place of an object; its own name if empty.
    """

    optional: bool = False
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    multiple: bool = False
    is_flag: bool = False
    sweepable: bool = True
    separator: str = ","
    accepts: Callable[[Any], bool] = lambda value: False
    stand_in: str = ""

    def parse(self, word: str) -> Any:
        """Read a value from a word of the command line; `ValueError` if it has another form."""
        return word

    def check(self, name: str, value: Any) -> Any:
        """Return the value in its one form; `ValueError` if it is of another kind."""
        if isinstance(value, (Path, LayerRef)):
            value = str(value)
        if self._is_object(value):
            return value
        if self.choices and value not in self.choices:
            raise ValueError(
                f"expected {name} to be one of {', '.join(self.choices)}, got {value!r}"
                f"{nearest(value, self.choices)}"
            )
        if not isinstance(value, str):
            raise ValueError(f"expected {name} as text, got {type(value).__name__}")
        if value == "":
            raise ValueError(f"expected a name for {name}, got nothing")
        return value

    def plain(self, value: Any) -> Any:
        """Return the value as JSON can hold it."""
        return (self.stand_in or _name_of(value)) if self._is_object(value) else value

    def obstacles(self, name: str, value: Any) -> list[str]:
        """Return what of the value cannot be written into a manifest, by name."""
        is_lost = self._is_object(value) and not self.stand_in
        return [f"{name} {_name_of(value)}"] if is_lost else []

    def show(self, default: Any) -> str | None:
        """Return the default as the help shows it, or None if there is nothing to show."""
        return None if default is None else str(default)

    def _is_object(self, value: Any) -> bool:
        return not isinstance(value, str) and self.accepts(value)


@dataclass(frozen=True)
class Number(Kind):
    """A number from `low`, or above it, to `high`; `type` is `int` or `float`."""

    metavar: str | None = "NUMBER"
    type: type[float] = float
    low: float = -math.inf
    above: bool = False
    high: float = math.inf

    def parse(self, word: str) -> Any:
        try:
            return self.type(word)
        except ValueError:
            raise ValueError(f"expected {self._noun}, got {word!r}") from None

    def check(self, name: str, value: Any) -> Any:
        try:
            number = operator.index(value) if self.type is int else float(operator.add(value, 0))
        except TypeError:
            raise ValueError(f"expected {name} to be {self._noun}, got {value!r}") from None
        above = number > self.low if self.above else number >= self.low
        # NaN fails every comparison.
        if not (above and number <= self.high and abs(number) < math.inf):
            raise ValueError(f"expected {name} {self._range}, got {value}")
        return number

    def show(self, default: Any) -> str | None:
        return None if default is None else f"{default:g}"

    @property
    def _noun(self) -> str:
        return "a whole number" if self.type is int else "a number"

    @property
    def _range(self) -> str:
        if self.low == -math.inf:
            return "finite"
        if self.high == math.inf:
            return f"{'above' if self.above else 'to be at least'} {self.low:g} and finite"
        middle = (", up" if self.above else "") + " to"
        return f"{'above' if self.above else 'from'} {self.low:g}{middle} {self.high:.0f}"


@dataclass(frozen=True)
class Flag(Kind):
    """On or off."""

    is_flag: bool = True

    def parse(self, word: str) -> bool:
        known = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
        if word.lower() not in known:
            raise ValueError(f"expected on or off, got {word!r}")
        return known[word.lower()]

    def check(self, name: str, value: Any) -> Any:
        if value not in (True, False):
            raise ValueError(f"expected {name} to be True or False, got {value!r}")
        return bool(value)


@dataclass(frozen=True)
class Several(Kind):
    """At least `least` values of a kind with commas between, as a tuple."""

    item: Kind = Kind()
    least: int = 0

    def parse(self, word: str) -> Any:
        words = [part.strip() for part in word.split(",")]
        if not isinstance(self.item, Number):
            return tuple(part for part in words if part)
        try:
            return tuple(self.item.parse(part) for part in words)
        except ValueError:
            whole = "whole " if self.item.type is int else ""
            raise ValueError(f"expected {whole}numbers with commas between, got {word!r}") from None

    def check(self, name: str, value: Any) -> Any:
        numeric = isinstance(self.item, Number)
        if isinstance(value, str) and not numeric:
            value = value.split(",")
        single = isinstance(value, str) or not (
            isinstance(value, Iterable) and hasattr(value, "__len__")
        )
        role = f"every {name}" if numeric else name
        checked = tuple(self.item.check(role, part) for part in ((value,) if single else value))
        if len(checked) < self.least:
            raise ValueError(f"expected at least one {name}")
        return checked

    def plain(self, value: Any) -> Any:
        return tuple(map(self.item.plain, value))

    def show(self, default: Any) -> str | None:
        return ",".join(filter(None, map(self.item.show, default))) or None


@dataclass(frozen=True)
class Files(Several):
    """Pictures: files, or whatever else holds one."""

    item: Kind = Kind(accepts=lambda value: True, stand_in="an array")
    multiple: bool = True
    metavar: str | None = "FILE"
    sweepable: bool = False

    def parse(self, word: str) -> Any:
        return word

    def check(self, name: str, value: Any) -> Any:
        values = value if isinstance(value, (list, tuple)) else (value,)
        return tuple(self.item.check(name, part) for part in values)


@dataclass(frozen=True)
class Mixture(Kind):
    """Metrics of a group (style, content or image) with their weights."""

    multiple: bool = True
    metavar: str | None = FORM
    group: str = "style"

    def parse(self, word: str) -> MetricSpec:
        return MetricSpec.parse(word)

    def check(self, name: str, value: Any) -> Any:
        specs = as_specs(value, name)
        for spec in specs:
            Number(low=0).check(f"the weight of {spec.name}", spec.weight)
        return specs

    def plain(self, value: Any) -> Any:
        return tuple(spec.plain() for spec in value)

    def obstacles(self, name: str, value: Any) -> list[str]:
        return [f"{name} {spec.name}" for spec in value if spec.value is not None]

    def show(self, default: Any) -> str | None:
        return ", ".join(map(str, default))


@dataclass(frozen=True)
class Parameters(Kind):
    """Hyperparameters: pairs of a name and a number above 0.

    Of metrics the name is `"METRIC.PARAMETER"`, or `"style.METRIC.PARAMETER"` or
    `"content.METRIC.PARAMETER"` where both kinds have the metric.

    Attributes:
        example: Of the pairs, for messages.
    """

    multiple: bool = True
    metavar: str | None = "METRIC.PARAMETER=VALUE"
    sweepable: bool = False
    example: str = "(('mmd.width', 2.0),)"

    def parse(self, word: str) -> tuple[str, float]:
        name, _, number = word.partition("=")
        try:
            return name, float(number)
        except ValueError:
            raise ValueError(f"expected {self.metavar}, got {word!r}") from None

    def check(self, name: str, value: Any) -> Any:
        try:
            pairs = dict(value.items() if isinstance(value, Mapping) else value)
        except (TypeError, ValueError):
            raise ValueError(f"expected {name} such as {self.example}, got {value!r}") from None
        number = Number(low=0, above=True)
        return tuple((Kind().check(name, key), number.check(key, pairs[key])) for key in pairs)

    def show(self, default: Any) -> str | None:
        return None


@dataclass(frozen=True)
class Constants(Kind):
    """Calibration constants: a JSON file, or a mapping; read when a run begins."""

    sweepable: bool = False

    def check(self, name: str, value: Any) -> Any:
        return str(value) if isinstance(value, Path) else value


@dataclass(frozen=True)
class Layout(Kind):
    """How a step is laid out in memory: a word, or the side of tiles in pixels."""

    def check(self, name: str, value: Any) -> Any:
        text = super().check(name, str(value) if isinstance(value, int) else value)
        if not (text in ("auto", "whole", "recompute") or text.isdigit()):
            raise ValueError(
                f"expected {name} to be auto, whole, recompute or the side of tiles in pixels, "
                f"got {text!r}"
            )
        return text


def _name_of(value: Any) -> str:
    return str(getattr(value, "name", None) or f"({type(value).__name__})")
