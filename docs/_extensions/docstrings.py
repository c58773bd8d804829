"""Docstrings as the source has them: backticks are code, and all else is plain text.

reStructuredText would take `|Δ|` for a substitution, `x_` for a link and `*` for emphasis.
"""

from __future__ import annotations

import re
from typing import Any

_CODE = re.compile(r"(`+[^`]+`+)")
_MARKUP = re.compile(r"([|*_\\])")
_EXAMPLE = re.compile(r"\s*(>>>|\.\.\.)( |$)")
_BLOCK = re.compile(r"::?$")


def setup(app: Any) -> dict[str, bool]:
    """Escape before napoleon, at the usual priority of 500, makes fields of the sections."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True}


def _process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = escaped(lines)


def escaped(lines: list[str]) -> list[str]:
    """Escape what is no markup here: in prose, not in examples or what they print."""
    result: list[str] = []
    in_example = False
    for line in lines:
        in_example = bool(_EXAMPLE.match(line)) or (in_example and bool(line.strip()))
        if in_example or line.startswith("    " * 2):
            result.append(line)
        else:
            parts = _CODE.split(line)
            result.append(
                "".join(
                    part if at % 2 else _MARKUP.sub(r"\\\1", part) for at, part in enumerate(parts)
                )
            )
    return result
