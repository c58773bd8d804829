"""Kinds of setting values: how each is parsed from text, checked, shown and written down.

A field of `Settings` names its kind; the command line, sweeps and manifests read everything else
from there. Nothing heavy is imported here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxstyle._util.names import nearest
from jaxstyle.specs import FORM, MetricSpec, as_specs


@dataclass(frozen=True)
class Kind:
    """A text. The other kinds override what differs.

    Attributes:
        optional: None is a value too.
        metavar: What the command line's help shows in place of the value.
        choices: The names that are accepted, or None.
        multiple: The option may be given several times; `parse` then reads one of its values.
        is_flag: The option takes no value.
        sweepable: A sweep can vary it.
        separator: What separates the values of a sweep.
    """

    optional: bool = False
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    multiple: bool = False
    is_flag: bool = False
    sweepable: bool = True
    separator: str = ","

    def parse(self, word: str) -> Any:
        """Read a value from a word of the command line.

        Raises:
            ValueError: The word has another form.
        """
        return word

    def check(self, name: str, value: Any) -> Any:
        """Return the value in its one form.

        Raises:
            ValueError: It is of another kind, or out of range.
        """
        if isinstance(value, Path):
            value = str(value)
        if not isinstance(value, str):
            raise ValueError(f"expected {name} as text, got {type(value).__name__}")
        if value == "":
            raise ValueError(f"expected a name for {name}, got nothing")
        return value

    def plain(self, value: Any) -> Any:
        """Return the value as JSON can hold it."""
        return value

    def obstacles(self, name: str, value: Any) -> list[str]:
        """Return what of the value cannot be written into a manifest, by name."""
        return []

    def show(self, default: Any) -> str | None:
        """Return the default as the help shows it, or None if there is nothing to show."""
        return None if default is None else str(default)


@dataclass(frozen=True)
class Number(Kind):
    """A number in a range.

    Attributes:
        type: `int` or `float`.
        low: The least value.
        above: `low` itself is excluded.
        high: The greatest value.
    """

    type: type[float] = float
    low: float = -math.inf
    above: bool = False
    high: float = math.inf

    def parse(self, word: str) -> Any:
        """Read a number."""
        try:
            return self.type(word)
        except ValueError:
            raise ValueError(f"expected {self._noun}, got {word!r}") from None

    def check(self, name: str, value: Any) -> Any:
        """Return the number, of the right type and in range."""
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
        """Return the default in few digits."""
        return None if default is None else f"{default:g}"

    @property
    def _noun(self) -> str:
        return "a whole number" if self.type is int else "a number"

    @property
    def _range(self) -> str:
        if self.low == -math.inf:
            return "finite"
        if self.high == math.inf:
            least = f"above {self.low:g}" if self.above else f"to be at least {self.low:g}"
            return f"{least} and finite"
        if self.above:
            return f"above {self.low:g}, up to {self.high:g}"
        return f"from {self.low:g} to {self.high:.0f}"


@dataclass(frozen=True)
class Flag(Kind):
    """On or off."""

    is_flag: bool = True

    def parse(self, word: str) -> bool:
        """Read `on`, `off` and their synonyms."""
        known = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
        if word.lower() not in known:
            raise ValueError(f"expected on or off, got {word!r}")
        return known[word.lower()]

    def check(self, name: str, value: Any) -> Any:
        """Return the value."""
        return value


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few names.

    Attributes:
        accepts: Whether an object stands for a name, as an optax transformation for an
            optimizer's; it is kept as it is.
    """

    accepts: Callable[[Any], bool] = lambda value: False

    def check(self, name: str, value: Any) -> Any:
        """Return the name, or the object that stands for one."""
        known = self.choices or ()
        if not isinstance(value, str) and self.accepts(value):
            return value
        if value not in known:
            raise ValueError(
                f"expected {name} to be one of {', '.join(known)}, got {value!r}"
                f"{nearest(value, known)}"
            )
        return value

    def plain(self, value: Any) -> Any:
        """Return the name; of an object its own name."""
        return value if isinstance(value, str) else _name_of(value)

    def obstacles(self, name: str, value: Any) -> list[str]:
        """An object in place of a name cannot be written down."""
        return [] if isinstance(value, str) else [f"{name} {_name_of(value)}"]


@dataclass(frozen=True)
class Named(Kind):
    """A name, or an object that stands for one.

    Attributes:
        accepts: Whether a value is such an object.
    """

    accepts: Callable[[Any], bool] = lambda value: False

    def check(self, name: str, value: Any) -> Any:
        """Return the name or the object."""
        if not isinstance(value, (str, Path)) and self.accepts(value):
            return value
        return super().check(name, value)

    def plain(self, value: Any) -> Any:
        """Return the name; of an object its own name."""
        return value if isinstance(value, str) or value is None else _name_of(value)

    def obstacles(self, name: str, value: Any) -> list[str]:
        """An object in place of a name cannot be written down."""
        return [] if isinstance(value, str) or value is None else [f"{name} {_name_of(value)}"]


@dataclass(frozen=True)
class Several(Kind):
    """Values with commas between, as a tuple; a single one stands for itself.

    Attributes:
        item: The kind of each.
        least: How many there must be.
    """

    item: Kind = Kind()
    least: int = 0

    def parse(self, word: str) -> Any:
        """Read values with commas between."""
        words = [part.strip() for part in word.split(",")]
        if not isinstance(self.item, Number):
            return tuple(part for part in words if part)
        try:
            return tuple(self.item.parse(part) for part in words)
        except ValueError:
            whole = "whole " if self.item.type is int else ""
            raise ValueError(f"expected {whole}numbers with commas between, got {word!r}") from None

    def check(self, name: str, value: Any) -> Any:
        """Return the tuple, each of its values checked."""
        if isinstance(value, str) and not isinstance(self.item, Number):
            value = value.split(",")
        several = isinstance(value, (list, tuple)) or _is_collection(value)
        values = value if several else (value,)
        role = f"every {name}" if isinstance(self.item, Number) else name
        checked = tuple(self.item.check(role, part) for part in values)
        if len(checked) < self.least:
            raise ValueError(f"expected at least one {name}")
        return checked

    def show(self, default: Any) -> str | None:
        """Return the values with commas between."""
        return ",".join(filter(None, map(self.item.show, default))) or None


@dataclass(frozen=True)
class Files(Kind):
    """Pictures: files, or whatever else holds one; kept as given."""

    multiple: bool = True
    metavar: str | None = "FILE"
    sweepable: bool = False

    def check(self, name: str, value: Any) -> Any:
        """Return them as a tuple, paths as text."""
        values = value if isinstance(value, (list, tuple)) else (value,)
        return tuple(str(part) if isinstance(part, Path) else part for part in values)

    def plain(self, value: Any) -> Any:
        """Return paths; an array is not kept, it could be as large as a picture."""
        return tuple(part if isinstance(part, str) else "an array" for part in value)

    def show(self, default: Any) -> str | None:
        """Nothing: there is no default."""
        return None


@dataclass(frozen=True)
class Mixture(Kind):
    """Metrics with their weights.

    Attributes:
        group: Which metrics: style, content or image.
    """

    multiple: bool = True
    metavar: str | None = FORM
    group: str = "style"

    def parse(self, word: str) -> MetricSpec:
        """Read one metric; of several, each has its own option."""
        return MetricSpec.parse(word)

    def check(self, name: str, value: Any) -> Any:
        """Return a tuple of `MetricSpec`, each weight at least 0."""
        specs = as_specs(value, name)
        weight = Number(low=0)
        return tuple(
            spec
            for spec in specs
            if weight.check(f"the weight of {spec.name}", spec.weight) is not None
        )

    def plain(self, value: Any) -> Any:
        """Return each as its label, weight and layers."""
        return tuple(spec.plain() for spec in value)

    def obstacles(self, name: str, value: Any) -> list[str]:
        """A metric that is an object cannot be written down."""
        return [f"{name} {spec.name}" for spec in value if spec.value is not None]

    def show(self, default: Any) -> str | None:
        """Return the names."""
        return ", ".join(spec.name for spec in default)


@dataclass(frozen=True)
class Parameters(Kind):
    """Hyperparameters of metrics: pairs of `"METRIC.PARAMETER"` and a number above 0."""

    multiple: bool = True
    metavar: str | None = "METRIC.PARAMETER=VALUE"
    sweepable: bool = False

    def parse(self, word: str) -> tuple[str, float]:
        """Read one pair."""
        name, _, number = word.partition("=")
        try:
            return name, float(number)
        except ValueError:
            raise ValueError(f"expected {self.metavar}, got {word!r}") from None

    def check(self, name: str, value: Any) -> Any:
        """Return the pairs as a tuple."""
        pairs = value.items() if isinstance(value, Mapping) else value
        number = Number(low=0, above=True)
        try:
            pairs = tuple((str(key), value) for key, value in pairs)
        except (TypeError, ValueError):
            form = "such as (('mmd.width', 2.0),)"
            raise ValueError(f"expected {name} {form}, got {value!r}") from None
        return tuple((key, number.check(key, value)) for key, value in pairs)

    def show(self, default: Any) -> str | None:
        """Nothing: there is no default."""
        return None


@dataclass(frozen=True)
class Picture(Kind):
    """A word or a picture: a file, or whatever else holds one."""

    def check(self, name: str, value: Any) -> Any:
        """Return a text, or the object as given."""
        return super().check(name, value) if isinstance(value, (str, Path)) else value

    def plain(self, value: Any) -> Any:
        """Return the text; an array is not kept."""
        return value if isinstance(value, str) else "an array"


@dataclass(frozen=True)
class Constants(Kind):
    """Calibration constants: a JSON file, or a mapping; read when a run begins."""

    sweepable: bool = False

    def check(self, name: str, value: Any) -> Any:
        """Return the mapping, or the path as text."""
        return str(value) if isinstance(value, Path) else value


@dataclass(frozen=True)
class Layout(Kind):
    """How a step is laid out in memory: a word, or the side of tiles in pixels."""

    def check(self, name: str, value: Any) -> Any:
        """Return the word, or the number as text."""
        text = super().check(name, str(value) if isinstance(value, int) else value)
        if not (text in ("auto", "whole", "recompute") or text.isdigit()):
            raise ValueError(
                f"expected memory to be auto, whole, recompute or the side of tiles in pixels, "
                f"got {text!r}"
            )
        return text


def _name_of(value: Any) -> str:
    return str(getattr(value, "name", None) or f"({type(value).__name__})")


def _is_collection(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str) and hasattr(value, "__len__")
