"""Settings under a table of hostile values: converted to what these plainly mean, or refused."""

import math
from dataclasses import fields
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from jaxstyle.grid import sweep
from jaxstyle.kinds import (
    Constants,
    Flag,
    Labels,
    Layout,
    Mixture,
    Number,
    Parameters,
    Picture,
    Several,
    Size,
)
from jaxstyle.settings import Settings, kind_of
from jaxstyle.specs import LayerRef, MetricSpec, as_specs

LONG = "y" * 100_000
HOSTILE = {
    "None": None,
    "True": True,
    "empty text": "",
    "text": "x",
    "no": "no",
    "digits": "3",
    "superscript": "²",
    "Arabic digit": "١",
    "long text": LONG,
    "null character": "a\0b",
    "line break": "a\nb",
    "NumPy's text": np.str_("x"),
    "bytes": b"x",
    "bytearray": bytearray(b"x"),
    "NaN": math.nan,
    "infinity": math.inf,
    "negative": -1,
    "zero": 0,
    "one": 1,
    "half": 1.5,
    "beyond int32": 2**70,
    "beyond float": 10**400,
    "beyond text": 10**5000,
    "beyond float32": 1e300,
    "zero in float32": 5e-324,
    "complex": 1j,
    "Decimal": Decimal("1.5"),
    "Fraction": Fraction(1, 2),
    "NumPy's integer": np.int64(3),
    "NumPy's float": np.float32(0.5),
    "NumPy's Boolean": np.bool_(True),
    "JAX's number": jnp.float32(2),
    "array of NaN": np.array(np.nan),
    "array of a number": np.array(2),
    "array of one number": np.array([2]),
    "array of numbers": np.array([1, 2]),
    "matrix": np.zeros((2, 2)),
    "array of texts": np.array(["x", "y"]),
    "array of objects": np.array([object()]),
    "empty list": [],
    "empty mapping": {},
    "list of None": [None],
    "nested list": [[1, 2], [3]],
    "range": range(1, 3),
    "set": {1},
    "generator": (i for i in [1]),
    "tuple of text and number": ("a", 1),
    "mapping of text": {"a": "b"},
    "mapping of number": {"gram": 0.25},
    "path": Path("x"),
    "object": object(),
    "function": lambda: 0,
    "type": int,
}
TEXTS = ("text", "no", "digits", "superscript", "Arabic digit", "long text", "line break", "path")
TEXTS += ("NumPy's text",)
NUMBERS = ("zero", "one", "half", "negative", "beyond int32", "Decimal", "Fraction")
NUMBERS += ("NumPy's integer", "NumPy's float", "JAX's number", "array of a number")
NUMBERS += ("zero in float32",)
LISTS = ("empty list", "array of numbers", "array of one number", "range")


def accepts(kind, label):
    """Whether a kind's documentation accepts a hostile value: each row says why."""
    value = HOSTILE[label]
    if label == "None":
        return kind.optional
    if isinstance(kind, Flag):
        return label in ("True", "zero", "one", "NumPy's Boolean")
    if isinstance(kind, Size):  # or words, of which none is hostile
        kind = Number(type=int, low=1, high=kind.largest)
    if isinstance(kind, Number):
        if label not in NUMBERS or (kind.type is int and label in ("half", "Decimal", "Fraction")):
            return False
        if kind.type is int and not isinstance(value, (int, np.integer, np.ndarray)):
            return False
        limit = 2**31 - 1 if kind.type is int else 3.4e38
        least = 1.2e-38 if kind.above and kind.low == 0 else kind.low
        number = float(value)
        inside = number > kind.low if kind.above else number >= kind.low
        return inside and number >= least and number <= min(kind.high, limit)
    if isinstance(kind, Mixture):
        known = (*TEXTS, "empty list", "empty mapping", "mapping of number")
        return label in known and label != "path"
    if isinstance(kind, Parameters):
        return label in ("empty list", "empty mapping", "mapping of number")
    if isinstance(kind, Constants):
        return label in (*TEXTS, "empty mapping", "mapping of text", "mapping of number")
    if isinstance(kind, Layout):
        return label in ("one", "digits", "NumPy's integer", "array of a number")
    if isinstance(kind, Picture):  # what holds a picture is read when a run begins
        arrays = ("array of numbers", "array of one number", "matrix", "array of texts")
        holders = ("bytes", "bytearray", "array of objects", "list of None", "nested list")
        return label in (*TEXTS, *arrays, *holders, "tuple of text and number")
    if isinstance(kind, Labels):  # of a map, which is not given
        return label == "empty list"
    if isinstance(kind, Several):
        if isinstance(kind.item, Number):
            if label in LISTS:
                return len(value) >= kind.least
            return accepts(kind.item, label)
        if isinstance(kind.item, Picture):
            if isinstance(value, (list, tuple)):
                return label in ("empty list", "nested list")
            return accepts(kind.item, label)
        return label in (*TEXTS, "empty list", "array of texts")
    return label in TEXTS and (not kind.choices or str(value) in kind.choices)


PARTNERS = {"style_mask": "content_mask"}
"""Settings that need as many values of another."""
NARROWER = ("rate_decay", "average", "background")
"""Settings that a check of their own narrows: two numbers, less than 1, and names of colors."""


@pytest.mark.parametrize("name", [setting.name for setting in fields(Settings)])
def test_settings_are_converted_or_refused(name):
    kind = kind_of(name)
    for label, value in HOSTILE.items():
        others = {PARTNERS[name]: value} if name in PARTNERS else {}
        message = None
        try:
            result = getattr(Settings(**others, **{name: value}), name)
        except (ValueError, TypeError) as error:
            message = str(error)
        if message is None:
            assert accepts(kind, label), (label, result)
            assert_means(kind, value, result, label)
        else:
            assert not accepts(kind, label) or name in NARROWER, (label, message)
            assert name in message or (others and PARTNERS[name] in message), (label, message)
            assert "\n" not in message, label
            assert len(message) < 400, label


def assert_means(kind, value, result, label):
    """Check that what a setting became is the documented form of the value."""
    if value is None or isinstance(kind, Constants):
        assert result is value or result == str(value)
    elif isinstance(kind, (Flag, Number)):
        assert result == value
        assert type(result) in (bool, int, float)
    elif isinstance(kind, Several) and isinstance(kind.item, Number):
        expected = list(value) if label in LISTS else [value]
        assert list(result) == expected
        assert {type(number) for number in result} <= {kind.item.type}
    elif isinstance(kind, Layout):
        assert result == str(int(value))
    elif isinstance(kind, Mixture):
        assert result == as_specs(value)
    elif label in TEXTS:
        assert result in (str(value), (str(value),))
        assert type(result if isinstance(result, str) else result[0]) is str


def test_every_message_of_the_table_is_one_line_where_texts_are_parsed():
    messages = {}
    for label, value in HOSTILE.items():
        for parse in (MetricSpec.parse, LayerRef.parse, as_specs, sweep.parse):
            try:
                parse(value)
            except (ValueError, TypeError) as error:
                messages[label, parse] = str(error)
    for case, message in messages.items():
        assert "\n" not in message, case
        assert len(message) < 400, case
