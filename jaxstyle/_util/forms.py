"""Forms of JSON that is read back: what a file has to hold, key by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jaxstyle._util.arguments import shown

Form = Callable[[str, Any], None]
"""From the name of a key and its value: raises a `ValueError` unless the value has the form."""


def one_of(expected: str, holds: Callable[[Any], bool]) -> Form:
    """Return the form of values for which a condition holds; `expected` says which."""

    def check(key: str, value: Any) -> None:
        if not holds(value):
            raise ValueError(f"expected {key} as {expected}, got {shown(value)}")

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def whole_number(low: int, high: int) -> Form:
    """Return the form of whole numbers in a range."""
    return one_of(
        f"a whole number from {low} to {high}",
        lambda value: isinstance(value, int) and _is_number(value) and low <= value <= high,
    )


MAPPING = one_of("values by name", lambda value: isinstance(value, dict))
TEXT = one_of("text", lambda value: isinstance(value, str))
TEXT_OR_NULL = one_of("text or null", lambda value: value is None or isinstance(value, str))
FLAG = one_of("true or false", lambda value: isinstance(value, bool))
NUMBER = one_of("a number", _is_number)


def listing(form: Form) -> Form:
    """Return the form of lists whose elements have a form."""

    def check(key: str, value: Any) -> None:
        if not isinstance(value, list):
            raise ValueError(f"expected {key} as a list, got {shown(value)}")
        for number, element in enumerate(value, 1):
            form(f"{key}.{number}", element)

    return check


def _numbers_or_rows(key: str, value: Any) -> None:
    has_rows = isinstance(value, list) and value and isinstance(value[0], list)
    listing(listing(NUMBER) if has_rows else NUMBER)(key, value)


NUMBERS_OR_ROWS: Form = _numbers_or_rows
"""A list of numbers, or of such lists: calibration constants for each layer, at each scale."""


def mapping(form: Form) -> Form:
    """Return the form of mappings whose values have a form."""

    def check(key: str, value: Any) -> None:
        MAPPING(key, value)
        for name, element in value.items():
            form(f"{key}.{name}" if key else name, element)

    return check


def record(needed: Mapping[str, Form], possible: Mapping[str, Form] | None = None) -> Form:
    """Return the form of mappings with some keys, and perhaps with others; more are ignored."""

    def check(key: str, value: Any) -> None:
        MAPPING(key, value)
        for name, form in {**needed, **(possible or {})}.items():
            path = f"{key}.{name}" if key else name
            if name in value:
                form(path, value[name])
            elif name in needed:
                raise ValueError(f"expected {path}, got nothing")

    return check
