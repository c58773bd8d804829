"""What a recipe is: a paper's idea as settings, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """Named settings, one file a paper.

    Attributes:
        name: By which people ask for it.
        meaning: The idea in one line.
        settings: Fields of `Settings` that differ from the defaults.
        constants: The paper's or its code's own constants, which belong to `weights`.
        weights: The network that those constants were made for.
        deviations: What is done otherwise here, and why.
        bibtex: The citation.
    """

    name: str
    meaning: str
    settings: Mapping[str, Any]
    constants: str
    weights: str
    deviations: str
    bibtex: str

    @property
    def citation(self) -> str:
        """Authors' names, title and year, from the BibTeX.

        >>> from jaxstyle.recipes import find
        >>> find("gatys").citation
        'Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks (2016)'
        """
        lines = (line.strip().partition("=") for line in self.bibtex.splitlines())
        entry = {name.strip(): value.strip(" ,{}") for name, _, value in lines}
        authors = ", ".join(one.partition(",")[0] for one in entry["author"].split(" and "))
        return f"{authors}: {entry['title']} ({entry['year']})"
