"""Docstrings as the source has them: backticks are code, and all else is plain text.

reStructuredText would take `|Δ|` for a substitution, `x_` for a link and `*` for emphasis.
"""

from __future__ import annotations

import re
from typing import Any

_CODE = re.compile(r"(`+[^`]+`+)")
_MARKUP = re.compile(r"([|*\\]|_(?!\w))")
_EXAMPLE = re.compile(r"\s*>>> ")


def setup(app: Any) -> dict[str, bool]:
    """Escape before napoleon, at the usual priority of 500, makes fields of the sections."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True}


def _process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = escaped(lines)


def escaped(lines: list[str]) -> list[str]:
    """Escape what is no markup here: in prose, not in examples or what they print."""
    text = "\n".join(lines)
    return "\n\n".join(map(_escaped, text.split("\n\n"))).split("\n")


def _escaped(paragraph: str) -> str:
    if _EXAMPLE.match(paragraph) or paragraph.startswith(" " * 8):
        return paragraph
    parts = _CODE.split(paragraph)  # code may go on in the next line
    for at, part in enumerate(parts):
        if at % 2 == 0:
            ends_code = at and part[:1].isalnum()  # markup would not end before a letter
            parts[at] = ("\\ " if ends_code else "") + _MARKUP.sub(r"\\\1", part)
    return "".join(parts)
