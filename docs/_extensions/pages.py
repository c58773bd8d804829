"""Generated pages: written where they changed, so that a second build reads only those."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


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
