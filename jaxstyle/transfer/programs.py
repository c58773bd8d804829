"""What a run compiles. Each program is compiled once per shape; every number is an argument.

A program belongs to what it is made of, not to a run: a second run of the same kind and shapes, in
the same process, compiles nothing.

A step has three layouts. `"whole"` is one program. `"recompute"` is one program that computes the
network's activations again on the way back. A number is the side of tiles: see `jaxstyle.tiles`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.backbones.extractor import Extractor
from jaxstyle.image.geometry import Picture
from jaxstyle.objective import build as terms
from jaxstyle.objective import guidance, objective, regions
from jaxstyle.objective.build import Networks
from jaxstyle.objective.objective import Losses, Objective, Term
from jaxstyle.optim import step as optimize
from jaxstyle.optim.parametrization import Parametrization, parametrization
from jaxstyle.settings import Settings
from jaxstyle.transfer import tiles

CHUNK = 10
"""Steps between two looks of the host. On an accelerator they are one program. On a CPU, where
XLA's loops run on one thread, the program is a single step: twice as fast at 256 pixels
(benchmarks/scan.py)."""

LARGE = 512
"""Longest side above which the host looks after every step, unless several are one program."""

Layout = Literal["whole", "recompute"] | int
Image = Float[Array, "h w 3"]
Given = Image | Picture


@dataclass(frozen=True)
class Kind:
    """All of a step that is not a number: two steps of one kind share their programs."""

    extract: Extractor
    optimizer: str
    parametrization: str
    length: int

    def space(self, shape: tuple[int, ...]) -> Parametrization:
        """The coordinates of pictures of a shape."""
        return parametrization(self.parametrization, shape)


class Programs:
    """The programs of a run, for each shape of pictures.

    Attributes:
        names: Of the terms.
        params: The networks' weights.
        parts: The terms.
    """

    def __init__(self, parts: tuple[Term, ...], networks: Networks, settings: Settings) -> None:
        self.names = terms.names(parts)
        self.parts = parts
        extract, self.params = terms.extractor(
            parts,
            networks,
            pooling=settings.pooling,
            padding=settings.padding,
            precision=settings.precision,
        )
        length = 1 if jax.default_backend() == "cpu" else CHUNK
        self.kind = Kind(extract, settings.optimizer, settings.parametrization, length)

    def prepare(
        self, content: Given, styles: Sequence[Given], seed: int, picks: Any, layout: Layout
    ) -> Objective:
        """Every term's targets, not calibrated."""
        if not isinstance(layout, int):
            extract = self.kind.extract
            return prepare(self.params, self.parts, content, styles, seed, picks, extract=extract)
        seen = [
            tiles.features(self.extract_of(kind), self.params, jnp.asarray(image), layout)
            for kind, image in (("content", content), *(("style", each) for each in styles))
        ]
        extract = self.kind.extract
        return remember(self.parts, content, styles, seen, seed, picks, extract=extract)

    def extract_of(self, kind: str) -> Extractor:
        """What gives the layers that terms of a kind look at."""
        own = [part for part in self.parts if part.metric.kind == kind]
        return replace(self.kind.extract, layers=objective.layers_of(own))

    def calibrate(self, prepared: Objective, content: Given, styles: Sequence[Given]) -> Objective:
        """All terms in one unit."""
        return calibrate(self.params, prepared, content, styles, extract=self.kind.extract)

    def start(
        self, image: Image, rate: float, before: optimize.State | None = None
    ) -> optimize.State:
        """The state at the first step of a scale, with what can be kept of the one before."""
        state = start(image, rate, kind=self.kind)
        if before is None or self.kind.parametrization != "pixels":
            return state
        return state._replace(optimizer=carry(before.optimizer, image))

    def chunk(self, layout: Layout, size: int) -> int:
        """Steps between two looks of the host: fewer where each takes seconds."""
        single = self.kind_of(layout).length == 1
        return 1 if single and size > LARGE else CHUNK

    def advance(
        self,
        prepared: Objective,
        state: optimize.State,
        count: int,
        rate: float,
        layout: Layout,
    ) -> tuple[optimize.State, Float[np.ndarray, " steps"], Float[np.ndarray, "steps terms"]]:
        """The state after `count` steps, at most `CHUNK`; each step's total and terms."""
        kind = self.kind_of(layout)
        found = []
        for first in range(0, count, kind.length):
            if isinstance(layout, int):
                state, losses = self._tiled_step(prepared, state, rate, layout)
            else:
                left = jnp.array(count - first)
                state, losses = advance(self.params, prepared, state, left, rate, kind=kind)
            found.append(losses)
        totals = np.concatenate([np.asarray(losses.total) for losses in found])
        return (
            state,
            totals[:count],
            np.concatenate([np.asarray(one.terms) for one in found])[:count],
        )

    def kind_of(self, layout: Layout) -> Kind:
        """The kind of a step in a layout."""
        if isinstance(layout, int):
            return replace(self.kind, length=1)
        recompute = layout == "recompute"
        return replace(self.kind, extract=replace(self.kind.extract, recompute=recompute))

    def _tiled_step(
        self, prepared: Objective, state: optimize.State, rate: float, tile: int
    ) -> tuple[optimize.State, Losses]:
        extract, params, image = self.kind.extract, self.params, state.image
        seen = tiles.features(extract, params, image, tile)
        losses, gradient, slopes = compare(prepared, image, seen, extract=extract)
        gradient = tiles.pull_back(extract, params, image, slopes, gradient, tile)
        # The features' gradient is not needed any more, and is as large as the rest together.
        jax.block_until_ready(gradient)
        del slopes, seen
        state = move(state, losses.total, gradient, rate, kind=self.kind)
        jax.block_until_ready(state)
        return state, jax.tree.map(lambda leaf: leaf[None], losses)

    def picks(
        self,
        guide: guidance.Guide,
        content: tuple[int, int],
        styles: Sequence[tuple[int, int]],
    ) -> list[Any] | None:
        """What each term sees of the content and of its styles; None where all see everything.

        Args:
            guide: Where the regions are.
            content: Height and width of the content.
            styles: And of each style.
        """
        if not guide.regions:
            return None
        found = []
        sizes = [self._sizes(each) for each in (content, *styles)]
        for part in self.parts:
            region = regions.Region() if part.region is None else guide.regions[part.region]
            found.append(
                (
                    regions.picks(region.content, part.metric, part.layers, sizes[0]),
                    tuple(
                        regions.picks(
                            guide.style_mask(region, which),
                            part.metric,
                            part.layers,
                            sizes[which + 1],
                        )
                        for which in part.styles
                    ),
                )
            )
        return found

    def _sizes(self, shape: tuple[int, int]) -> dict[str, tuple[int, int]]:
        """Height and width of every layer, and of the picture."""
        picture = jax.ShapeDtypeStruct((*shape, 3), jnp.float32)
        shapes = jax.eval_shape(self.kind.extract, self.params, picture)
        return {name: each.shape[:2] for name, each in shapes.items()} | {"image": shape}


@partial(jax.jit, static_argnames="extract")
def prepare(
    params: Any,
    parts: tuple[Term, ...],
    content: Any,
    styles: Sequence[Any],
    seed: Any,
    picks: Any,
    *,
    extract: Extractor,
) -> Objective:
    """`objective.prepare`, compiled."""
    key = jax.random.key(seed)
    with extract.rounding():
        return objective.prepare(partial(extract, params), parts, content, styles, key, picks)


@partial(jax.jit, static_argnames="extract")
def remember(
    parts: tuple[Term, ...],
    content: Any,
    styles: Sequence[Any],
    seen: Sequence[tiles.Features],
    seed: Any,
    picks: Any,
    *,
    extract: Extractor,
) -> Objective:
    """`objective.remember`, compiled; `seen` are the content's features and each style's."""
    pairs = list(zip(styles, seen[1:], strict=True))
    with extract.rounding():
        return objective.remember(parts, (content, seen[0]), pairs, jax.random.key(seed), picks)


@partial(jax.jit, static_argnames="extract")
def calibrate(
    params: Any,
    prepared: Objective,
    content: Any,
    styles: Sequence[Any],
    *,
    extract: Extractor,
) -> Objective:
    """`objective.calibrate` at the double exposure, compiled."""
    reference = objective.calibration_reference(content, styles)
    with extract.rounding():
        return objective.calibrate(partial(extract, params), prepared, reference)


@partial(jax.jit, static_argnames="kind")
def start(image: Image, rate: Any, *, kind: Kind) -> optimize.State:
    """`optimize.start`, compiled."""
    return optimize.start(optimize.optimizer(kind.optimizer, rate), image, kind.space(image.shape))


carry = jax.jit(optimize.carried)


# The state is given away: a step needs no second copy of L-BFGS's forty pictures.
@partial(jax.jit, static_argnames="kind", donate_argnames="state")
def advance(
    params: Any,
    prepared: Objective,
    state: optimize.State,
    count: Any,
    rate: Any,
    *,
    kind: Kind,
) -> tuple[optimize.State, Losses]:
    """`optimize.take_steps`, compiled."""

    def evaluate(image: Image) -> Losses:
        return objective.evaluate(partial(kind.extract, params), prepared, image)

    with kind.extract.rounding():
        return optimize.take_steps(
            optimize.measured(evaluate),
            optimize.optimizer(kind.optimizer, rate),
            state,
            count,
            length=kind.length,
            space=kind.space(state.image.shape),
        )


@partial(jax.jit, static_argnames="extract", donate_argnames="seen")
def compare(
    prepared: Objective, image: Image, seen: tiles.Features, *, extract: Extractor
) -> tuple[Losses, Image, tiles.Features]:
    """The losses of a picture whose features are known, and the gradient of their total.

    Returns:
        The losses, the gradient with respect to the picture where terms look at it directly, and
        that with respect to the features.
    """

    def total(image: Image, seen: tiles.Features) -> tuple[Float[Array, ""], Losses]:
        losses = objective.evaluate(lambda _: seen, prepared, image)
        return losses.total, losses

    with extract.rounding():
        slopes, losses = jax.grad(total, argnums=(0, 1), has_aux=True)(image, seen)
    return losses, *slopes


@partial(jax.jit, static_argnames="kind", donate_argnames="state")
def move(
    state: optimize.State, value: Any, gradient: Image, rate: Any, *, kind: Kind
) -> optimize.State:
    """`optimize.move`, compiled."""
    transform = optimize.optimizer(kind.optimizer, rate)
    return optimize.move(transform, state, value, gradient, kind.space(gradient.shape))
