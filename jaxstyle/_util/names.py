"""The nearest right name, for error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'gram'?"` if something in `known` is close to `name`, else nothing.

    >>> nearest("gramm", ["gram", "mse"])
    "; did you mean 'gram'?"
    >>> nearest("zzz", ["gram", "mse"])
    ''
    """
    close = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
