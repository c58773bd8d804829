"""Sweeps as text, for the command line: `style_weight=logspace(-1,2,6)`, `seed=0..3`.

Nothing heavy is imported here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, cast

from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle._util.names import nearest
from jaxstyle.kinds import Number
from jaxstyle.settings import MIXTURES, kind_of, names
from jaxstyle.specs import as_specs

PICTURES = ("content", "style")
"""What is swept beside settings."""
PARAMETERS = ("parameter", "optimizer_parameter")
"""Settings whose values are pairs of a name and a number."""
FORM = "NAME=VALUE,VALUE,… or NAME=0..3 or NAME=linspace(FROM,TO,COUNT) or NAME=logspace(-1,2,6)"
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_MOST, _DIGITS = 10_000, 12
"""Values that one name takes, and digits of the ends of a range."""
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
    name, equals, values = arguments.text("a sweep", text).partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not name or not values.strip():
        raise ValueError(f"expected {FORM}, got {shown(text)}")
    convert, separator = _kind(name)
    numbers = _numbers(values.strip())
    separator = ";" if ";" in values else separator
    words = [word.strip() for word in values.split(separator) if word.strip()]
    if numbers is not None:
        words = [str(int(n)) if n == round(n) else f"{n:.6g}" for n in numbers]
    try:
        return name, [convert(word) for word in words]
    except ValueError as error:
        raise ValueError(f"a value of {name}: {error}") from None


def label(name: str, value: Any) -> str:
    """Return a value in few words.

    >>> label("seed", 3), label("style_scale", (0.5, 1.0)), label("style", "pictures/venice.jpg")
    ('3', '0.5,1', 'venice.jpg')
    >>> label("metric", [["gram", 0.5], ["histogram", 1, ["relu1_1"]]]), label("final_rate", None)
    ('gram=0.5+histogram@relu1_1', 'none')
    """
    if value is None:
        return "none"
    if name in MIXTURES and not isinstance(value, str):
        return "+".join(map(str, as_specs(value, name))) or "none"
    if name in PARAMETERS and not isinstance(value, str):
        return ",".join(f"{part}={label('', number)}" for part, number in value) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.6g}"
    if type(value) in (tuple, list):  # an optimizer of optax is another kind of tuple
        return ",".join(label(name, part) for part in value) or "none"
    if isinstance(value, Mapping):
        return "; ".join(f"{part} {label('', numbers)}" for part, numbers in value.items())
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
        ends = match.groups()
        first, last = (int(end) if len(end) <= _DIGITS else _MOST for end in ends)
        step = 1 if last >= first else -1
        if max(map(len, ends)) > _DIGITS or abs(last - first) >= _MOST:
            raise ValueError(f"expected at most {_MOST} values, got {shown(values)}")
        return range(first, last + step, step)
    match = _SPACED.fullmatch(values)
    if not match:
        return None
    import numpy as np

    function, arguments = match.groups()
    form = f"expected {function}(FROM,TO,COUNT)"
    try:
        low, high, count = (float(number) for number in arguments.split(","))
        if not 1 <= count <= _MOST or count != int(count):
            raise ValueError
    except ValueError:
        raise ValueError(f"{form}, got {shown(values)}") from None
    if function == "geomspace" and low * high <= 0:
        raise ValueError(f"{form}, both ends on one side of 0, got {shown(values)}")
    with np.errstate(all="ignore"):
        spaced = getattr(np, function)(low, high, int(count))
    if not np.isfinite(spaced).all():
        raise ValueError(f"{form}, all values finite, got {shown(values)}")
    return cast("list[float]", spaced.tolist())


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
