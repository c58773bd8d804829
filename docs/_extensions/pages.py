"""Generated pages: written where they changed, so that a second build reads only those."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Setup = Callable[[Any], dict[str, bool]]


def generated(folder: str, pages: Callable[[], Iterable[tuple[str, str]]]) -> Setup:
    """Return the `setup` of a Sphinx extension that writes pages before Sphinx reads its sources.

    Args:
        folder: Below the site's sources.
        pages: Returns the names and the texts.
    """

    def setup(app: Any) -> dict[str, bool]:
        app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir, folder), pages()))
        return {"parallel_read_safe": True}

    return setup


def write_pages(folder: Path, pages: Iterable[tuple[str, str]]) -> None:
    """Write all pages of a folder by name, and remove those that are no longer among them."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = set()
    for name, text in pages:
        path = folder / f"{name}.md"
        kept.add(path)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
    for path in set(folder.glob("*.md")) - kept:
        path.unlink()
