"""Pieces of Markdown that the generated pages share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

DOCS = Path(__file__).parents[1]
BENCHMARKS = DOCS.parent / "benchmarks"


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a table."""
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    escaped = ([str(cell).replace("|", r"\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped) + "\n"


def facts_table(facts: Mapping[str, Any]) -> str:
    """Return a table of names and values, without those that have none."""
    filled = {key: value for key, value in facts.items() if value not in (None, "", [])}
    return table(("", ""), filled.items())


def shell(*commands: str) -> str:
    """Return commands as a block that can be copied."""
    return "\n".join(["```sh", *commands, "```", ""])


def stylize(option: str) -> str:
    """Return the command that makes a picture with an option, on a line of its own."""
    return f"jaxstyle stylize photo.jpg painting.jpg -o picture.png \\\n    {option}"


def dropdown(title: str, body: str) -> str:
    """Return a part that opens on a click."""
    return f"::::{{dropdown}} {title}\n{body}\n::::\n"


def bibtex(entries: Iterable[str]) -> str:
    """Return entries, each once, in a part that opens on a click; nothing without any."""
    text = "\n\n".join(dict.fromkeys(filter(None, entries)))
    return dropdown("BibTeX", f"```bibtex\n{text}\n```") if text else ""


def toctree(names: Iterable[str], caption: str) -> str:
    """Return the entries of the navigation for some pages."""
    lines = "\n".join(names)
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```\n"


def plain(text: str) -> str:
    """Escape what is no markup in a text of ours, in which only backticks are."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        part if at % 2 else re.sub(r"([*_<$\[\\#])", r"\\\1", part) for at, part in enumerate(parts)
    )


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def card_picture(name: str, made: str) -> str:
    """Return a picture that `docs/make_card_pictures.py` made; nothing where it lacks.

    The source distribution comes without these pictures.
    """
    path = DOCS / "_static" / f"{name}.jpg"
    if not path.is_file():
        return ""
    with Image.open(path) as picture:
        size = max(picture.size)
    caption = f"`sample:lighthouse` in the style of `sample:swirls`, {made}; {size} pixels."
    lines = (
        f":::{{figure}} /_static/{name}.jpg",
        f":alt: A lighthouse in the style of a swirling painting, by {name.rpartition('/')[2]}",
        ":align: left\n",
        caption,
        ":::\n",
    )
    return "\n".join(lines)


def benchmark_rows(file: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables in a file of `benchmarks/`."""
    for line in (BENCHMARKS / file).read_text("utf-8").splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]
