"""The gallery: a page of the pictures in `docs/gallery`, from `docs/gallery/gallery.toml`.

What is listed there and has not been made yet is left out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from markup import DOCS, shell, table
from pages import generated

from jaxstyle.samples import FETCHED, OWN

FOLDER = DOCS / "gallery"
INTRODUCTION = """# Gallery

Photographs that people gave away, in paintings that belong to everybody: each with the command that
made it, all else the defaults. `sample:` pictures come with jaxstyle, or are fetched at first use;
[the others](#sources) are in a package of Debian.
"""


def _pages() -> Iterator[tuple[str, str]]:
    gallery = tomllib.loads((FOLDER / "gallery.toml").read_text("utf-8"))
    for kind in gallery["kinds"]:
        kind["pictures"] = [
            picture
            for picture in kind["pictures"]
            if FOLDER.joinpath(f"{picture['name']}.jpg").is_file()
        ]
    yield "index", "\n".join(_page(gallery))


def _page(gallery: Mapping[str, Any]) -> Iterator[str]:
    yield INTRODUCTION
    sources = _sources(gallery)
    for kind in filter(lambda kind: kind["pictures"], gallery["kinds"]):
        yield f"## {kind['title']}\n"
        yield f"{kind['text']}\n"
        yield "::::{grid} 1 1 2 2\n:gutter: 3\n"
        for picture in kind["pictures"]:
            yield _card(picture, sources)
        yield "::::\n"
    yield "## Sources\n"
    yield f"{gallery['where']}\n"
    used = {
        name
        for kind in gallery["kinds"]
        for picture in kind["pictures"]
        for name in (picture["content"], picture["style"])
    }
    rows = (source for name, source in sources.items() if name in used)
    yield table(
        ("picture", "by", "license", "from"),
        ((row["title"], row["credit"], row["license"], f"`{row['file']}`") for row in rows),
    )


def _sources(gallery: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """Return what is known of every picture, by the name that a command has for it."""
    samples = {
        f"sample:{name}": {**sample._asdict(), "file": f"sample:{name}"}
        for name, sample in {**OWN, **FETCHED}.items()
    }
    return samples | gallery["sources"]


def _card(picture: Mapping[str, str], sources: Mapping[str, Mapping[str, str]]) -> str:
    content, style, option = picture["content"], picture["style"], picture["options"]
    words = f"{sources[content]['title']}, in the style of {sources[style]['title']}"
    # In short lines, which fit beside another card.
    command = " \\\n    ".join(
        (f"jaxstyle stylize {_file(content)}", _file(style), f"-o picture.png {option}")
    )
    lines = (
        ":::{grid-item-card}",
        f"```{{image}} {picture['name']}.jpg",
        f":alt: {words.replace('*', '')}",
        "```",
        f"{words}.\n",
        shell(command).rstrip(),
        ":::\n",
    )
    return "\n".join(lines)


def _file(name: str) -> str:
    """Return how a command names a picture."""
    return name if name.startswith("sample:") else f"{name}.png"


setup = generated("gallery", _pages)
