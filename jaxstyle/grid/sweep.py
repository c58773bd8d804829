"""Sweeps as text, for the command line: `style_weight=logspace(-1,2,6)`, `seed=0..3`.

Nothing heavy is imported here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any, get_args, get_origin

from jaxstyle._util.names import nearest
from jaxstyle.settings import MIXTURES, given_type, hints

PICTURES = ("content", "style")
"""What is swept beside settings."""
FORM = "NAME=VALUE,VALUE,… or NAME=0..3 or NAME=linspace(FROM,TO,COUNT) or NAME=logspace(-1,2,6)"
_FIXED = ("content_mask", "style_mask", "calibration", "parameter")
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_SPACED = re.compile(r"(linspace|logspace|geomspace)\(([^()]*)\)")


def parse(text: str) -> tuple[str, list[Any]]:
    """A name and the values that it takes.

    >>> parse("seed=0..3")
    ('seed', [0, 1, 2, 3])
    >>> parse("style_weight=logspace(-1,1,3)")
    ('style_weight', [0.1, 1.0, 10.0])
    >>> parse("style_scale=0.5;0.5,1,2")
    ('style_scale', [(0.5,), (0.5, 1.0, 2.0)])
    >>> parse("metric=gram,gram=0.5+histogram")
    ('metric', ['gram', 'gram=0.5+histogram'])

    Args:
        text: `NAME=VALUES`. A semicolon separates values that have commas of their own. `logspace`
            takes exponents of ten, as NumPy's; `geomspace` takes the ends. A range has both
            its ends.

    Raises:
        ValueError: The text has another form, or a value is not of the setting's kind.
    """
    name, equals, values = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not name or not values.strip():
        raise ValueError(f"expected {FORM}, got {text!r}")
    convert, several = _kind(name)
    numbers = _numbers(values.strip())
    if numbers is not None:
        return name, [
            convert(f"{number:.6g}" if isinstance(number, float) else str(number))
            for number in numbers
        ]
    separator = ";" if ";" in values or several else ","
    words = [word.strip() for word in values.split(separator) if word.strip()]
    try:
        return name, [convert(word) for word in words]
    except ValueError as error:
        raise ValueError(f"a value of {name}: {error}") from None


def label(name: str, value: Any) -> str:
    """A value in few words.

    >>> label("seed", 3), label("style_scale", (0.5, 1.0)), label("style", "pictures/venice.jpg")
    ('3', '0.5,1', 'venice.jpg')
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (tuple, list)):
        return ",".join(label(name, each) for each in value)
    return PurePath(value).name if name in (*PICTURES, "init") else str(value)


def _numbers(values: str) -> Sequence[float] | None:
    found = _RANGE.fullmatch(values)
    if found:
        first, last = (int(each) for each in found.groups())
        step = 1 if last >= first else -1
        return range(first, last + step, step)
    found = _SPACED.fullmatch(values)
    if not found:
        return None
    import numpy as np

    function, arguments = found.groups()
    form = f"expected {function}(FROM,TO,COUNT)"
    try:
        low, high, count = (float(each) for each in arguments.split(","))
        if count < 1 or count != int(count) or count > 10_000:
            raise ValueError
    except ValueError:
        raise ValueError(f"{form}, got {values!r}") from None
    if function == "geomspace" and low * high <= 0:
        raise ValueError(f"{form}, both ends on one side of 0, got {values!r}")
    spaced: list[float] = getattr(np, function)(low, high, int(count)).tolist()
    return spaced


def _kind(name: str) -> tuple[Callable[[str], Any], bool]:
    """How a value is read, and whether commas belong to it."""
    if name in (*PICTURES, *MIXTURES):
        return str, False
    if "." in name:
        return _number(float), False
    if name not in hints() or name in _FIXED:
        known = [*PICTURES, *(each for each in hints() if each not in _FIXED)]
        what = "cannot be swept" if name in _FIXED else "is not a setting"
        raise ValueError(f"{name} {what}{nearest(name, known)}")
    hint: Any = given_type(hints()[name])
    if get_origin(hint) is tuple:
        own = get_args(hint)[0]
        inner = _number(own) if own in (int, float) else str
        # A single number is a value; a list of names is one value.
        return (lambda word: tuple(inner(each) for each in word.split(","))), own is str
    if hint is bool:
        return _truth, False
    if hint in (int, float):
        return _number(hint), False
    return str, False


def _number(kind: type) -> Callable[[str], Any]:
    def convert(word: str) -> Any:
        try:
            return kind(word)
        except ValueError:
            what = "a whole number" if kind is int else "a number"
            raise ValueError(f"expected {what}, got {word!r}") from None

    return convert


def _truth(word: str) -> bool:
    known = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
    if word.lower() not in known:
        raise ValueError(f"expected on or off, got {word!r}")
    return known[word.lower()]
