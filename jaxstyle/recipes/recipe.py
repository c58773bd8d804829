"""The record of a recipe: an idea as settings, and its sources."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jaxstyle import citations
from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle._util.names import nearest

GRAM_CHANNELS = (64, 128, 256, 512, 512)
"""Of VGG's relu1_1 to relu5_1."""
GRAM_METHOD: Mapping[str, Any] = {
    "metric": "gram",
    "content_metric": "mse",
    "size": 512,
    "optimizer": "lbfgs_plain",
    "learning_rate": 1.0,
    "parametrization": "levels",
}
"""Gatys' terms by L-BFGS without a line search, of pixels in 0–255, as in Torch7 and PyTorch."""
SEARCHED: Mapping[str, Any] = {
    "optimizer": "lbfgs_search",
    "learning_rate": 1.0,
    "parametrization": "levels",
    "init": "imagenet_mean",
    "init_noise": 1 / 255,
}
"""L-BFGS with a line search, from noise of one level on the mean color, of pixels in 0–255."""
TORCH_ADAM: Mapping[str, Any] = {"optimizer": "adam", "optimizer_parameter": {"b2": 0.999}}
"""Adam in PyTorch's defaults, but for its rate."""
RESIZED = (
    "Pictures are resized by an antialiased Lanczos filter, and padded to sixteenths of their "
    "longest side"
)
"""How pictures of methods at one size deviate."""
RESIZED_BETWEEN = (
    "Pictures are resized by an antialiased Lanczos filter, theirs by bare bilinear samples; "
    "they are padded to sixteenths of their longest side, and clipped between scales."
)
"""How those of Kolkin's methods, at several sizes, do."""
CAFFE_WEIGHTS = (
    "Oxford's VGG16 in place of its VGG19, which no package carries: with that imported (`jaxstyle "
    "weights import NAME FILE --preprocess caffe`), `--backbone NAME` is exact here."
)
CAFFE = "VGG19 in Caffe's scale (0–255 minus the mean, BGR)"
"""The network that most papers' constants were made for."""
COMMON = (
    "Besides, unless said above: VGG16 with edge padding; start from the content; four sizes √2 "
    "apart, 40 steps of damped L-BFGS at full size and more before; content by mse at relu4_2, "
    "weight 0.3; smoothness 0.02; layers and terms share the gradient (calibrated), where papers "
    "share the loss."
)
"""How nearly every recipe deviates from its paper."""

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

TEXTURE: Mapping[str, Any] = {"content_weight": 0.0, "smoothness": 0.0, "init": "style"}
"""What a texture's recipe has where its settings do not say: no content, and noise to start from."""
AS_TEXTURES = (
    "Coarse to fine, from noise with the colors of the sample; damped L-BFGS on VGG16 with edge "
    "padding. Layers and terms share the gradient (calibrated), where papers share the loss."
)
"""How textures in our way deviate."""

ADAPTED = "adapted"
"""The variant of every recipe that has its metrics in our unit, on the network in use."""

BARE: Mapping[str, Any] = {
    "calibrate": False,
    "safeguard": "none",
    "padding": "zeros",
    "precision": "float32",
    "scales": 1,
    "coarse_steps": 0,
    "content_decay": 1.0,
    "positions": 0,
    "content_metric": "mse",
    "content_weight": 1.0,
    "smoothness": 0.0,
}
"""What a method has where its settings do not say: none of what this package adds."""

Weights = Mapping[str, Sequence[float] | float]
"""By term, what multiplies the distance at each of its layers: a number for each, or one for all."""


class Stage(NamedTuple):
    """One scale of a run."""

    number: int  # 0 is the coarsest
    height: int  # of the picture, pixels
    width: int

    @property
    def positions(self) -> list[int]:
        """The number of positions at relu1_1 to relu5_1."""
        return [(self.height >> block) * (self.width >> block) for block in range(5)]


@dataclass(frozen=True)
class Method:
    """What a paper or its authors' code does, from the network to the last step.

    Attributes:
        settings: Fields of `Settings` that differ from the defaults and from `BARE`.
        weights: The paper's constants, in place of calibration: by term, what multiplies the
            distance at each layer; or a function that returns them for a stage.
        sources: Where the constants are stated, one line each.
        deviations: What is not as there, and why, one line each; nothing if all is exact.
    """

    settings: Mapping[str, Any]
    weights: Weights | Callable[[Stage], Weights]
    sources: tuple[str, ...]
    deviations: tuple[str, ...] = ()

    def weights_at(self, stage: Stage) -> Weights:
        """Return the weights at a stage."""
        return self.weights(stage) if callable(self.weights) else self.weights

    def constants(
        self, shapes: Sequence[tuple[int, int]], terms: Mapping[str, tuple[str, int]]
    ) -> dict[str, list[list[float]]]:
        """Return the constants by term, scale and layer, as `Settings.calibration` takes them.

        Args:
            shapes: Height and width of the picture at each scale, from coarse to fine.
            terms: By each term's name how it is called where there is one style and no mask, and
                at how many layers it compares.

        Raises:
            ValueError: The method has no such term.
        """
        rows = [self.weights_at(Stage(number, *shape)) for number, shape in enumerate(shapes)]
        for name, _ in terms.values():
            if name not in rows[0]:
                raise ValueError(
                    f"the recipe states no weight for {name}; with calibration (--calibrate, or the "
                    f"recipe's variant {ADAPTED}) any metric can be added"
                )

        def of_term(weights: Sequence[float] | float, count: int) -> list[float]:
            every = weights if isinstance(weights, Sequence) else [weights] * count
            # A term is the mean over its layers.
            return [float(weight * len(every)) for weight in every]

        return {
            term: [of_term(row[name], count) for row in rows]
            for term, (name, count) in terms.items()
        }


@dataclass(frozen=True)
class Recipe:
    """Named settings from a paper.

    `settings` to `usual` are of the variant `"adapted"`.

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
        methods: Other variants by name, the first of which is meant where none is named.
    """

    name: str
    meaning: str
    settings: Mapping[str, Any]
    constants: str
    weights: str
    deviations: str
    bibtex: str
    usual: Mapping[str, Any] = field(default_factory=lambda: USUAL)
    methods: Mapping[str, Method] = field(default_factory=dict)

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of all variants, the one that is meant where none is named first."""
        return (*self.methods, ADAPTED)

    def method(self, variant: str = "") -> Method | None:
        """Return the method of a variant; None for the adapted one.

        Raises:
            ValueError: It has no such variant.
        """
        variant = arguments.text("variant", variant or self.variants[0])
        if variant not in self.variants:
            raise ValueError(
                f"recipe {self.name} has no variant {shown(variant)}{nearest(variant, self.variants)}; "
                f"it has {', '.join(self.variants)}"
            )
        return self.methods.get(variant)

    def settings_of(self, variant: str = "") -> dict[str, Any]:
        """Return all that a variant sets."""
        method = self.method(variant)
        return {**BARE, **method.settings} if method else {**self.usual, **self.settings}

    @property
    def citation(self) -> str:
        """The authors' names, the title and the year, from the BibTeX.

        >>> from jaxstyle.recipes import find
        >>> find("gatys").citation
        'Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks (2016)'
        """
        return citations.summary(self.bibtex)
