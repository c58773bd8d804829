"""Suggestions of the nearest known name, for error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `"; did you mean 'gram'?"` if a known name is close, else an empty text.

    >>> nearest("gramm", ["gram", "mse"])
    "; did you mean 'gram'?"
    >>> nearest("zzz", ["gram", "mse"])
    ''
    """
    close = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
