"""A step of one job from tiles, for pictures whose activations do not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle._util.programs import program
from jaxstyle.backbones.extractor import Extractor
from jaxstyle.image.geometry import Picture
from jaxstyle.objective import objective
from jaxstyle.objective.objective import Losses, Objective
from jaxstyle.objective.term import Term, layers_of
from jaxstyle.optim import step as optim_step
from jaxstyle.optim.step import State
from jaxstyle.transfer.geometry import References, references_at
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.steppers import tiles
from jaxstyle.transfer.steppers.stepper import ConstantsAt, Demand, Layout, size_of
from jaxstyle.transfer.steppers.whole import (
    Image,
    StepSpec,
    WholeStepper,
    calibrated,
    key_at,
)

Features = Mapping[str, Float[Array, "_h _w _c"]]


def single_stepper(job: Job, layout: Layout) -> WholeStepper:
    """Return the stepper of a layout."""
    if isinstance(layout, int):
        # Tiles are small, and every device computes the same.
        return TiledStepper(replace(job, extract=replace(job.extract, bands=None)), layout)
    return WholeStepper(job, recompute=layout == "recompute")


class TiledStepper(WholeStepper):
    """A step of one job from tiles: see `jaxstyle.transfer.steppers.tiles`."""

    def __init__(self, job: Job, tile: int) -> None:
        """Choose the programs; nothing is compiled yet."""
        super().__init__(job)
        self.spec = replace(self.spec, length=1)
        self._tile = tile

    def prepare(
        self, size: int, constants: Sequence[ConstantsAt], beginnings: Sequence[Picture] = ()
    ) -> Objective:
        # Targets from tiles are others by rounding than those that a resumed run calibrates.
        self.rate = self.job.rate_at(size)
        prepared = self.targets(size, *beginnings)
        return calibrated(self.job, prepared, constants[0](size, None))

    def targets(self, size: int, beginning: Picture | None = None) -> Objective:
        """Compute the targets at a scale from tiles, not calibrated."""
        job, references = self.job, references_at(self.job, size, beginning)
        features = [
            tiles.features(extract, job.params, jnp.asarray(picture), self._tile)
            for extract, picture in self._extractors(references)
        ]
        return prepare_from_features(job.terms_at(size), references, features, extract=job.extract)

    def _extractors(self, references: References) -> Iterator[tuple[Extractor, Picture]]:
        """Yield each picture with the extractor of the layers that terms of its kind compare."""
        guide = references.guide
        pictures = [("content", references.content), *(("style", s) for s in references.styles)]
        pictures += [] if guide is None else [("guide", guide)]
        guiding = pictures[0 if guide is None else -1][0]
        for kind, picture in pictures:
            terms = [
                term
                for term in self.job.terms
                if term.metric.kind == kind or (kind == guiding and term.metric.guided)
            ]
            extract = replace(self.job.extract, layers=layers_of(terms))
            yield extract.of_styles if kind == "style" else extract, picture

    def _advance(self, prepared: Objective, state: State, left: int) -> tuple[State, Losses]:
        extract, params, image = self.spec.extract, self.job.params, state.image
        features = tiles.features(extract, params, image, self._tile)
        losses, gradient, cotangents = evaluate_features(
            prepared, image, features, state.step, extract=extract
        )
        gradient = tiles.pull_back(extract, params, image, cotangents, gradient, self._tile)
        # The features' cotangents are not needed any more, and are as large as the rest together.
        jax.block_until_ready(gradient)
        del cotangents, features
        state = apply_update(state, losses.total, gradient, self.rate, spec=self.spec)
        jax.block_until_ready(state)
        return state, jax.tree.map(lambda leaf: leaf[None], losses)

    def _lowered_update(self, state: State, value: Any, gradient: Any) -> Any:
        try:
            return apply_update.lower(state, value, gradient, self.job.rate, spec=self.spec)
        except TypeError as error:
            if "value_fn" not in str(error):
                raise
            raise ValueError(
                f"{self.job.optimizer.name} evaluates the loss several times a step, which tiles "
                "cannot; choose another optimizer, a smaller size or another --memory"
            ) from None

    def demands(self, size: int) -> Iterator[Demand]:
        job, extract = self.job, self.spec.extract
        references, prepared, state = self.shapes(size)
        content, kept = references.content, size_of((state, prepared))
        features = jax.eval_shape(extract, job.params, content)
        (shape, *_), _ = tiles.tiling(extract, content.shape, self._tile)
        place = [jax.ShapeDtypeStruct((count,), jnp.int32) for count in (2, 4)]
        static: Any = {"extract": extract, "shape": shape}
        args = (job.params, content, features)
        forward = tiles.forward_tile.lower(*args, *place, **static)
        backward = tiles.backward_tile.lower(*args, content, *place, **static)
        evaluate = evaluate_features.lower(prepared, content, features, state.step, extract=extract)
        value = jax.ShapeDtypeStruct((), jnp.float32)
        update = self._lowered_update(state, value, content)
        yield Demand(kept + size_of(features), forward)
        yield Demand(kept + size_of(features), evaluate)
        yield Demand(kept + size_of((features, content)), backward)
        yield Demand(kept + size_of(content), update)
        # The targets: features of the content and of all styles at once.
        targets = [
            jax.eval_shape(extract, job.params, picture)
            for extract, picture in self._extractors(references)
        ]
        lowered = prepare_from_features.lower(job.terms, references, targets, extract=extract)
        yield Demand(size_of((references[:2], targets)), lowered)


@program(static_argnames="extract")
def prepare_from_features(
    terms: tuple[Term, ...],
    references: References,
    features: Sequence[Features],
    *,
    extract: Extractor,
) -> Objective:
    """Run `objective.prepare_from_features`, compiled.

    Features are of the content, then the styles, then the guide if there is one.
    """
    content, styles, selection, seed, guide = references
    pictures = (content, *styles, *(() if guide is None else (guide,)))
    pairs, key = list(zip(pictures, features, strict=True)), key_at(content.shape, seed)
    guides = pairs[1 + len(styles) :]
    with extract.rounding():
        return objective.prepare_from_features(
            terms, pairs[0], pairs[1 : 1 + len(styles)], key, selection, *guides
        )


@program(static_argnames="extract", donate_argnames="features")
def evaluate_features(
    prepared: Objective, image: Image, features: Features, step: Any, *, extract: Extractor
) -> tuple[Losses, Image, Features]:
    """Evaluate the objective at a picture whose features are known, with the total's gradient.

    Returns:
        The losses, the gradient with respect to the picture where terms compare it directly, and
        the cotangents of the features.
    """

    def total(image: Image, features: Features) -> tuple[Float[Array, ""], Losses]:
        losses = objective.evaluate(lambda _: features, prepared, image, step)
        return losses.total, losses

    with extract.rounding():
        gradients, losses = jax.grad(total, argnums=(0, 1), has_aux=True)(image, features)
    return losses, *gradients


@program(static_argnames="spec", donate_argnames="state")
def apply_update(state: State, value: Any, gradient: Image, rate: Any, *, spec: StepSpec) -> State:
    """Run `optim.step.apply_update`, compiled."""
    transform, rules = spec.optimizer.transformation(rate), spec.rules(gradient.shape)
    return optim_step.apply_update(transform, state, value, gradient, rules)
