"""A page for every file of `benchmarks/`, whose text it includes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pages import generated

FOLDER = Path(__file__).parents[2] / "benchmarks"
INTRODUCTION = """# Measurements

What was measured, on which machine, and by which command: the files of `benchmarks/` as they are.
"""


def _pages() -> Iterator[tuple[str, str]]:
    names = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
    yield "index", "\n".join([INTRODUCTION, "```{toctree}", *names, "```", ""])
    for name in names:
        yield name, f"```{{include}} ../../../benchmarks/{name}.md\n:relative-images:\n```\n"


setup = generated("about/measurements", _pages)
