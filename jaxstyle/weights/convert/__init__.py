"""Conversion of weight files into the canonical form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class StoredTensor(NamedTuple):
    """A tensor in a file: shape and dtype are known before any of it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]]


def shown(text: object) -> str:
    """Return a name out of an untrusted file for a one-line message: quoted, escaped and short."""
    plain = str(text)
    return repr(plain if len(plain) <= 60 else plain[:59] + "…")
