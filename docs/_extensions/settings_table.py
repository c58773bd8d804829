"""A table of all settings, from the fields of `jaxstyle.Settings`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from markup import table

from jaxstyle.settings import Settings


def setup(app: Any) -> dict[str, bool]:
    """Write the table before Sphinx looks for its sources."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True}


def _write(app: Any) -> None:
    path = Path(app.srcdir, "reference", "settings.md")
    text = "\n".join(_groups()) + "\n"
    if not path.is_file() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def _groups() -> Iterator[str]:
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for field in fields(Settings):
        default = field.metadata["kind"].show(field.default)
        row = (f"`{field.name}`", f"`{default}`" if default else "", field.metadata["help"])
        groups.setdefault(field.metadata["group"], []).append(row)
    for group, rows in groups.items():
        yield f"**{group}**\n"
        yield table(("setting", "default", "meaning"), rows)
