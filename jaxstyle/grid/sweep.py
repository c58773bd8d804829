"""Sweeps as text, for the command line: `style_weight=logspace(-1,2,6)`, `seed=0..3`.

Nothing heavy is imported here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

from jaxstyle._util.names import nearest
from jaxstyle.kinds import Number
from jaxstyle.settings import MIXTURES, kind_of, names

PICTURES = ("content", "style")
"""What is swept beside settings."""
FORM = "NAME=VALUE,VALUE,… or NAME=0..3 or NAME=linspace(FROM,TO,COUNT) or NAME=logspace(-1,2,6)"
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_SPACED = re.compile(r"(linspace|logspace|geomspace)\(([^()]*)\)")


def parse(text: str) -> tuple[str, list[Any]]:
    """Parse a name and the values that it takes.

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
    convert, separator = _kind(name)
    numbers = _numbers(values.strip())
    if numbers is not None:
        return name, [
            convert(f"{number:.6g}" if isinstance(number, float) else str(number))
            for number in numbers
        ]
    separator = ";" if ";" in values else separator
    words = [word.strip() for word in values.split(separator) if word.strip()]
    try:
        return name, [convert(word) for word in words]
    except ValueError as error:
        raise ValueError(f"a value of {name}: {error}") from None


def label(name: str, value: Any) -> str:
    """Return a value in few words.

    >>> label("seed", 3), label("style_scale", (0.5, 1.0)), label("style", "pictures/venice.jpg")
    ('3', '0.5,1', 'venice.jpg')
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.6g}"
    if type(value) in (tuple, list):  # an optimizer of optax is another kind of tuple
        return ",".join(label(name, part) for part in value)
    if _content(value) is not None:
        return f"array {identify(value)[:6]}"
    if not isinstance(value, (str, int, Path)):
        return str(getattr(value, "name", None) or type(value).__name__)
    return PurePath(str(value)).name if name in (*PICTURES, "init") else str(value)


def identify(value: Any) -> str:
    """Return a text that only equal values share: of a picture in memory, the SHA-256."""
    content = _content(value)
    return str(value) if content is None else hashlib.sha256(content).hexdigest()


def _content(value: Any) -> bytes | None:
    """Return the bytes of a picture in memory; None of everything else."""
    return value if isinstance(value, bytes) else getattr(value, "tobytes", lambda: None)()


def _numbers(values: str) -> Sequence[float] | None:
    """Return the numbers of a range or of a spacing; None if the text is neither."""
    match = _RANGE.fullmatch(values)
    if match:
        first, last = (int(end) for end in match.groups())
        step = 1 if last >= first else -1
        return range(first, last + step, step)
    match = _SPACED.fullmatch(values)
    if not match:
        return None
    import numpy as np

    function, arguments = match.groups()
    form = f"expected {function}(FROM,TO,COUNT)"
    try:
        low, high, count = (float(number) for number in arguments.split(","))
        if count < 1 or count != int(count) or count > 10_000:
            raise ValueError
    except ValueError:
        raise ValueError(f"{form}, got {values!r}") from None
    if function == "geomspace" and low * high <= 0:
        raise ValueError(f"{form}, both ends on one side of 0, got {values!r}")
    spaced: list[float] = getattr(np, function)(low, high, int(count)).tolist()
    return spaced


def _kind(name: str) -> tuple[Callable[[str], Any], str]:
    """Return how a value is parsed, and what separates values."""
    if name in (*PICTURES, *MIXTURES):
        return str, ","
    if "." in name:
        return Number().parse, ","
    if name not in names() or not kind_of(name).sweepable:
        known = [*PICTURES, *(other for other in names() if kind_of(other).sweepable)]
        what = "cannot be swept" if name in names() else "is not a setting"
        raise ValueError(f"{name} {what}{nearest(name, known)}")
    kind = kind_of(name)
    return kind.parse, kind.separator
