"""Kinds of setting values: how each is parsed from text, checked, shown and written down.

A field of `Settings` names its kind; the command line, sweeps and manifests read everything else
from there. `Kind` documents the methods. Nothing heavy is imported here.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from numbers import Integral
from pathlib import PurePath
from typing import Any

from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle._util.inputs import as_text
from jaxstyle._util.names import nearest
from jaxstyle.specs import FORM, INITS, LayerRef, MetricSpec, as_specs


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
        if isinstance(value, (os.PathLike, LayerRef)):
            value = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
        if self._is_object(value):
            return value
        if self.choices and not (isinstance(value, str) and value in self.choices):
            raise ValueError(
                f"expected {name} to be one of {', '.join(self.choices)}, got {shown(value)}"
                f"{nearest(value if isinstance(value, str) else '', self.choices)}"
            )
        return arguments.text(name, value)

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
            raise ValueError(f"expected {arguments.noun(self.type)}, got {shown(word)}") from None

    def check(self, name: str, value: Any) -> Any:
        return arguments.number(
            name, value, self.type, low=self.low, above=self.above, high=self.high
        )

    def show(self, default: Any) -> str | None:
        return None if default is None else f"{default:g}"


_SIDES = re.compile(r"(\d{1,9})\s*[x×]\s*(\d{1,9})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Size(Kind):
    """Pixels of the longest side, `"original"`, or width and height as `"1920x1080"`."""

    optional: bool = True
    metavar: str | None = "SIZE"
    largest: int = 65536

    def parse(self, word: str) -> Any:
        return int(word) if word.isascii() and word.isdecimal() and len(word) < 10 else word

    def check(self, name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return arguments.number(name, value, int, low=1, high=self.largest)
        word = value.strip().lower()
        if word == "original":
            return word
        sides = _SIDES.fullmatch(word)
        if sides and all(0 < int(side) <= self.largest for side in sides.groups()):
            width, height = map(int, sides.groups())
            return f"{width}x{height}"
        raise ValueError(
            f"expected {name} as pixels of the longest side, as original or as WIDTHxHEIGHT, such "
            f"as 1920x1080, got {shown(value)}"
        )


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
        return arguments.flag(name, value)


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
        role = f"every {name}" if numeric else name
        if isinstance(value, str) and not numeric:
            parts = arguments.names(name, arguments.text(name, value))
        else:
            parts = tuple(value) if is_list(value) else (value,)
        checked = tuple(self.item.check(role, part) for part in parts)
        if len(checked) < self.least:
            raise ValueError(f"expected at least one {name}")
        return checked

    def plain(self, value: Any) -> Any:
        return tuple(map(self.item.plain, value))

    def show(self, default: Any) -> str | None:
        return ",".join(filter(None, map(self.item.show, default))) or None


@dataclass(frozen=True)
class Picture(Kind):
    """A picture file, or whatever else holds a picture; it is read when a run begins."""

    stand_in: str = "an array"

    def check(self, name: str, value: Any) -> Any:
        if isinstance(value, PurePath):
            value = as_text(value, INITS)  # Path("noise") is a file, "noise" is noise
        if isinstance(value, (str, os.PathLike)) or self._is_object(value):
            return super().check(name, value)
        expected = "a path, bytes, an open file, a PIL image or an array"
        raise ValueError(f"expected {name} as {expected}, got {shown(value)}")

    def _is_object(self, value: Any) -> bool:
        """Whether it may hold a picture: nothing that reads one is imported here."""
        if isinstance(value, (bytes, bytearray, memoryview, list, tuple)):
            return len(value) > 0
        holds = any(hasattr(value, name) for name in ("read", "__array__", "__array_interface__"))
        return holds and not isinstance(value, type) and getattr(value, "ndim", 2) > 0


@dataclass(frozen=True)
class Color(Kind):
    """An sRGB color: a name, `"#rrggbb"`, or red, green and blue in [0, 1]; of 8 bits each."""

    optional: bool = True
    metavar: str | None = "COLOR"

    def check(self, name: str, value: Any) -> Any:
        wanted = f"expected {name} as a color's name, #rrggbb, or three numbers in [0, 1]"
        if isinstance(value, str):
            from PIL import ImageColor

            word = value.strip().lower()
            with contextlib.suppress(ValueError):
                levels = ImageColor.getrgb(word)
                if len(levels) == 3:
                    return "#" + "".join(f"{level:02x}" for level in levels)
            raise ValueError(f"{wanted}, got {shown(value)}{nearest(word, ImageColor.colormap)}")
        if not is_list(value) or len(value) != 3:
            raise ValueError(f"{wanted}, got {shown(value)}")
        parts = [arguments.number(f"every {name}", part, low=0, high=1) for part in value]
        return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


@dataclass(frozen=True)
class Files(Several):
    """Pictures: files, or whatever else holds one."""

    item: Kind = Picture()
    multiple: bool = True
    metavar: str | None = "FILE"
    sweepable: bool = False

    def parse(self, word: str) -> Any:
        return word

    def check(self, name: str, value: Any) -> Any:
        values = value if isinstance(value, (list, tuple)) else (value,)
        return tuple(self.item.check(name, part) for part in values)


_LABEL = re.compile(r"[0-9]{1,10}|#([0-9a-fA-F]{3}){1,2}")


@dataclass(frozen=True)
class Labels(Several):
    """Labels of a map: numbers of classes, or colors as `#rrggbb` or `#rgb`."""

    metavar: str | None = "LABEL,…"
    sweepable: bool = False

    def check(self, name: str, value: Any) -> Any:
        given = value.split(",") if isinstance(value, str) else value
        parts = tuple(given) if is_list(given) else (given,)
        for part in parts:
            is_label = isinstance(part, (str, Integral)) and not isinstance(part, bool)
            if not is_label or not _LABEL.fullmatch(str(part).strip()):
                raise ValueError(
                    f"expected {name} as numbers or colors such as #ff0000, got {shown(part)}"
                )
        return tuple(str(part).strip() for part in parts)


@dataclass(frozen=True)
class Mixture(Kind):
    """Metrics of a group (style, content or image) with their weights."""

    multiple: bool = True
    metavar: str | None = FORM
    group: str = "style"

    def parse(self, word: str) -> MetricSpec:
        return MetricSpec.parse(word)

    def check(self, name: str, value: Any) -> Any:
        return as_specs(value, name)

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
        given = list(value.items()) if isinstance(value, Mapping) else value
        try:
            pairs = [(key, number) for key, number in given] if is_list(given) else None
        except (TypeError, ValueError):
            pairs = None
        if pairs is None:
            raise ValueError(f"expected {name} such as {self.example}, got {shown(value)}")
        keys = [Kind().check(name, key) for key, _ in pairs]
        if len({*keys}) < len(keys):
            raise ValueError(f"expected every name in {name} once, got {', '.join(keys)}")
        number = Number(low=0, above=True)
        return tuple((key, number.check(key, v)) for key, (_, v) in zip(keys, pairs, strict=True))

    def show(self, default: Any) -> str | None:
        return None


@dataclass(frozen=True)
class Constants(Kind):
    """Calibration constants: a JSON file, or a mapping; read when a run begins."""

    sweepable: bool = False

    def check(self, name: str, value: Any) -> Any:
        if isinstance(value, (str, os.PathLike)):
            return super().check(name, value)
        if not isinstance(value, Mapping) or not all(isinstance(term, str) for term in value):
            raise ValueError(
                f"expected {name} as a file's path or a mapping from terms to numbers, "
                f"got {shown(value)}"
            )
        return value


@dataclass(frozen=True)
class Layout(Kind):
    """How a step is laid out in memory: a word, or the side of tiles in pixels."""

    def check(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
            word: str = super().check(name, value)
            if word in ("auto", "whole", "recompute"):
                return word
        else:
            with contextlib.suppress(ValueError):
                side = int(value) if isinstance(value, str) else value
                return str(arguments.number(name, side, int, low=1))
        raise ValueError(
            f"expected {name} to be auto, whole, recompute or the side of tiles in pixels, "
            f"got {shown(value)}"
        )


def is_list(value: Any) -> bool:
    """Whether it holds values in an order: neither a text nor a mapping, a set or a generator."""
    unordered = isinstance(value, (str, bytes, bytearray, Mapping, Set))
    sized = isinstance(value, Iterable) and hasattr(value, "__len__")
    return sized and not unordered and getattr(value, "ndim", 1) > 0


def _name_of(value: Any) -> str:
    return str(getattr(value, "name", None) or f"({type(value).__name__})")
