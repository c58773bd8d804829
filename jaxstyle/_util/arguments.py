"""Checks of arguments: each returns the value in its one form, or raises in one line.

A number is no flag and a flag no number; a text is one name, never its letters. Nothing heavy is
imported here.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SHOWN = 80
"""Characters of a value that a message shows."""
LARGEST = {int: 2**31 - 1, float: 3.4e38}
"""What int32 and float32 hold, in which compiled programs compute."""
TINY = 1.2e-38
"""Smaller numbers are zero in float32."""


def shown(value: Any) -> str:
    """Return a value as a message shows it: in one line, which is not too long.

    >>> len(shown("x" * 1000)), shown([[1, 2], [3]])
    (80, '[[1, 2], [3]]')
    """
    try:
        text = repr(value)
    except Exception:  # of anybody's object; of an integer of more than 4,300 digits
        return f"a value of type {type(value).__name__}"
    text = text if isinstance(value, str) else " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 2]}…{text[-1]}"


def is_flag(value: Any) -> bool:
    """Whether it is True or False, of Python or of an array library."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return isinstance(value, bool) or (kind == "b" and not getattr(value, "ndim", 0))


def flag(name: str, value: Any) -> bool:
    """Check an argument that is on or off; 0 and 1 are accepted too.

    >>> flag("resume", 1)
    True
    >>> flag("resume", "no")
    Traceback (most recent call last):
    ValueError: expected resume to be True or False, got 'no'
    """
    if is_flag(value) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise ValueError(f"expected {name} to be True or False, got {shown(value)}")


def noun(type: type[float]) -> str:
    """Return what a number of `int` or `float` is called."""
    return "a whole number" if type is int else "a number"


def number(
    name: str,
    value: Any,
    type: type[float] = float,
    *,
    low: float = -math.inf,
    above: bool = False,
    high: float = math.inf,
) -> Any:
    """Check a number from `low`, or above it, to `high`, that compiled programs can hold.

    >>> number("steps", 3, int, low=0), number("weight", 1)
    (3, 1.0)
    >>> number("steps", True, int)
    Traceback (most recent call last):
    ValueError: expected steps to be a whole number, got True
    """
    try:
        if is_flag(value) or getattr(value, "ndim", None):
            raise TypeError
        checked = operator.index(value) if type is int else float(operator.add(value, 0))
    except OverflowError:
        checked = math.inf
    except (TypeError, ValueError, ArithmeticError):
        raise ValueError(f"expected {name} to be {noun(type)}, got {shown(value)}") from None
    inside = (checked > low if above else checked >= low) and checked <= high
    # NaN fails every comparison; whole numbers have their own limit.
    if not inside or abs(checked) == math.inf:
        expected = _range(low, above, high)
    elif abs(checked) > LARGEST[type]:
        expected = f"to be at most {LARGEST[type]}"
    elif above and low == 0 and checked < TINY:
        expected = f"to be at least {TINY}"
    else:
        return checked
    got = value if abs(checked) == math.inf else checked  # an integer that no float holds
    raise ValueError(f"expected {name} {expected}, got {shown(got)}")


def _range(low: float, above: bool, high: float) -> str:
    if low == -math.inf:
        return "finite"
    if high == math.inf:
        return f"{'above' if above else 'to be at least'} {low:g} and finite"
    middle = (", up" if above else "") + " to"
    return f"{'above' if above else 'from'} {low:g}{middle} {high:.0f}"


def text(name: str, value: Any) -> str:
    """Check a text that is not empty, such as a name.

    >>> text("recipe", 5)
    Traceback (most recent call last):
    ValueError: expected recipe as text, got int
    """
    if not isinstance(value, str):
        raise ValueError(f"expected {name} as text, got {type(value).__name__}")
    if value == "":
        raise ValueError(f"expected a name for {name}, got nothing")
    if "\0" in value:
        raise ValueError(f"expected {name} without null characters, got {shown(value)}")
    return str.__str__(value)  # of NumPy's texts, one of Python's


def names(name: str, value: Any) -> tuple[Any, ...]:
    """Return several names as a tuple: a text is one, or several with commas between.

    Elements are whatever the sequence holds: the caller checks them.

    >>> names("layers", "relu1_1, relu2_1"), names("layers", ["relu1_1"]), names("layers", "")
    (('relu1_1', 'relu2_1'), ('relu1_1',), ())
    """
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",")) if value else ()
    if isinstance(value, (bytes, bytearray)) or not isinstance(value, Iterable):
        raise ValueError(f"expected {name} as names, got {shown(value)}")
    return tuple(value)


def flags(**values: Any) -> None:
    """Raise a `ValueError` unless each argument is on or off."""
    for name, value in values.items():
        flag(name, value)


def functions(**values: Any) -> None:
    """Raise a `TypeError` unless each argument is a function, or None."""
    for name, value in values.items():
        if value is not None and not callable(value):
            raise TypeError(f"expected {name} to be a function, got {shown(value)}")


def path(name: str, value: Any) -> Path:
    """Return a file's or a folder's name as a `Path`, or raise a `TypeError` or `ValueError`."""
    if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
        raise TypeError(f"expected {name} as a path, got {shown(value)}")
    return Path(text(name, os.fspath(value)))


def instance(name: str, value: Any, kind: type[Any], optional: bool = False) -> None:
    """Raise a `TypeError` unless an argument is an object of a class, or None if `optional`."""
    if not isinstance(value, kind) and not (optional and value is None):
        expected = f"of type {kind.__name__}" + (" or None" if optional else "")
        raise TypeError(f"expected {name} {expected}, got {shown(value)}")
