"""The record of a recipe: an idea as settings, and its sources."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CAFFE = "VGG19 in Caffe's scale (0–255 minus the mean, BGR)"
"""The network that most papers' constants were made for."""
COMMON = (
    "Besides, unless said above: VGG16 with edge padding; start from the content; four sizes √2 "
    "apart, 40 steps of damped L-BFGS at full size and more before; content by mse at relu4_2, "
    "weight 0.3; smoothness 0.02; layers and terms share the gradient (calibrated), where papers "
    "share the loss."
)
"""How nearly every recipe deviates from its paper."""

OURS = """\
@misc{jaxstyle,
  author = {{The jaxstyle authors}},
  title = {jaxstyle: style transfer with a diversity of similarity metrics},
  year = {2026},
}"""
"""The citation of what has no paper."""

USUAL: Mapping[str, Any] = {
    "content_metric": "mse",
    "content_weight": 0.3,
    "smoothness": 0.02,
    "scales": 4,
    "scale_factor": math.sqrt(2),
    "content_decay": 1.0,
    "steps": 40,
    "coarse_steps": 0,
}
"""What a paper's recipe has where its settings do not say: Gatys et al.'s content term, and a little
smoothing."""


@dataclass(frozen=True)
class Recipe:
    """Named settings from a paper.

    Attributes:
        name: The name, unique among recipes.
        meaning: The idea in one line.
        settings: Fields of `Settings` that differ from the defaults and from `usual`, in any form that
            it accepts.
        constants: The constants of the paper or its code, which belong to `weights`.
        weights: The network that those constants were made for.
        deviations: What is different here, and why.
        bibtex: The citation.
        usual: What it has where `settings` do not say; the defaults where this does not say either.
    """

    name: str
    meaning: str
    settings: Mapping[str, Any]
    constants: str
    weights: str
    deviations: str
    bibtex: str
    usual: Mapping[str, Any] = field(default_factory=lambda: USUAL)

    @property
    def citation(self) -> str:
        """The authors' names, the title and the year, from the BibTeX.

        >>> from jaxstyle.recipes import find
        >>> find("gatys").citation
        'Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks (2016)'
        """
        lines = (line.strip().partition("=") for line in self.bibtex.splitlines())
        entry = {name.strip(): value.strip(" ,{}") for name, _, value in lines}
        authors = ", ".join(name.partition(",")[0] for name in entry["author"].split(" and "))
        return f"{authors}: {entry['title']} ({entry['year']})"
