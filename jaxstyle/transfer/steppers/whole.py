"""A step of one job as one program. Start reading here how a step is made.

Each program is compiled once per shape; every number is an argument. A program belongs to what it
is made of, not to a run: a second run of the same specification and shapes, in the same process,
compiles nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxstyle._util.programs import program
from jaxstyle.backbones.extractor import Extractor, Parameters
from jaxstyle.image.geometry import Picture
from jaxstyle.objective import calibration, objective
from jaxstyle.objective.calibration import Constants
from jaxstyle.objective.objective import Losses, Objective
from jaxstyle.objective.term import Term
from jaxstyle.optim import step as optim_step
from jaxstyle.optim.optimizers import Optimizer
from jaxstyle.optim.parametrization import parametrization
from jaxstyle.optim.step import Rules, State
from jaxstyle.specs import OPEN, Wrap
from jaxstyle.transfer.geometry import References, free_at, reference_shapes, references_at
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.steppers.stepper import ConstantsAt, Demand, Stepper, Steps, size_of

CHUNK = 10
"""Steps between two looks of the host. On an accelerator they are one program. On a CPU, where
XLA's loops run on one thread, the program is a single step: twice as fast at 256 pixels
(benchmarks/scan.py)."""

LARGE = 512
"""Longest side above which the host looks after every step, unless several are one program."""

CALIBRATED = 1024
"""The largest size at which terms are calibrated; above it constants grow with the pixels."""

Image = Float[Array, "h w 3"]
Params = Mapping[str, Parameters]


@dataclass(frozen=True)
class StepSpec:
    """All of a step that is not a number: two steps of one specification share their programs."""

    extract: Extractor  # gives the features
    optimizer: Optimizer  # what moves the picture
    parametrization: str  # in which coordinates
    length: int  # steps in one program
    how: Rules = optim_step.PLAIN  # all else, but for the coordinates
    wrap: Wrap = OPEN  # along which axes the picture continues at the opposite edge

    def rules(self, shape: tuple[int, ...]) -> Rules:
        """Return how steps are taken of pictures of a shape."""
        return self.how._replace(space=parametrization(self.parametrization, shape, self.wrap))

    def warm_started(self, compiled: Callable[..., Any], state: State, fresh: State) -> State:
        """Return `fresh` with the optimizer's state that `compiled`, a `warm_start`, carries."""
        if self.parametrization != "pixels":
            return fresh  # other coordinates change their meaning with the size
        memory = compiled(state.optimizer, fresh.optimizer, fresh.image, spec=self)
        return fresh._replace(optimizer=memory)

    def recomputing(self, recompute: bool) -> StepSpec:
        """Return the same step whose backward pass computes activations again, or does not."""
        return replace(self, extract=replace(self.extract, recompute=recompute))


class WholeStepper(Stepper):
    """A step of one job as one program."""

    def __init__(self, job: Job, *, recompute: bool = False) -> None:
        """Choose the programs; nothing is compiled yet."""
        self.jobs = (job,)
        self.job, self.rate = job, job.rate
        length = 1 if jax.default_backend() == "cpu" else CHUNK
        given = job.settings
        begins = {term.window[0] for term in job.terms} - {0}
        how = Rules(
            safeguard=given.safeguard,
            restarts=tuple(sorted(begins)),
            rate_decay=given.rate_decay,
            average=given.average,
        )
        spec = StepSpec(job.extract, job.optimizer, given.parametrization, length, how, job.wrap)
        self.spec = spec.recomputing(recompute)

    def prepare(
        self, size: int, constants: Sequence[ConstantsAt], beginnings: Sequence[Picture] = ()
    ) -> Objective:
        self.rate = self.job.rate_at(size)
        prepared = self.targets(size, *beginnings)
        return calibrated(self.job, prepared, constants[0](size, prepared))

    def targets(self, size: int, beginning: Picture | None = None) -> Objective:
        """Compute the targets at a scale, not calibrated."""
        job, references = self.job, references_at(self.job, size, beginning)
        return prepare(job.params, job.terms_at(size), references, extract=job.extract)

    def init(self, pictures: Sequence[Picture]) -> State:
        image = jnp.asarray(pictures[0])
        free = free_at(self.job, image.shape[:2])
        state: State = init(image, self.job.rate, free, spec=self.spec)
        return state

    def warm_start(self, state: State, fresh: State) -> State:
        return self.spec.warm_started(warm_start, state, fresh)

    def step(self, prepared: Objective, state: State, count: int) -> tuple[State, Steps]:
        chunks = []
        for first in range(0, count, self.spec.length):
            state, losses = self._advance(prepared, state, count - first)
            chunks.append(losses)
        totals, terms = (np.concatenate(column)[:count] for column in zip(*chunks, strict=True))
        return state, Steps(totals[:, None], terms[:, None])

    def _advance(self, prepared: Objective, state: State, left: int) -> tuple[State, Losses]:
        args = (self.job.params, prepared, state, jnp.array(left), self.rate)
        result: tuple[State, Losses] = advance(*args, spec=self.spec)
        return result

    def chunk(self, size: int) -> int:
        return 1 if self.spec.length == 1 and size > LARGE else CHUNK

    def counts(self, state: State) -> Int[np.ndarray, " jobs"]:
        return np.asarray(state.step)[None]

    def pictures(self, state: State) -> Sequence[Picture]:
        return (np.asarray(optim_step.picture(state, self.spec.how)),)

    def restore(self, leaves: Sequence[np.ndarray], size: int) -> State:
        shapes = self.shapes(size)[-1]
        state: State = jax.tree.unflatten(jax.tree.structure(shapes), list(leaves))
        bands = self.spec.extract.bands
        if bands:
            return cast(State, bands.placed(state, shapes.image.shape))
        return jax.tree.map(jnp.asarray, state)

    def demands(self, size: int) -> Iterator[Demand]:
        prepared, state = yield from self.before_steps(size)
        count, together = self._parts(state.image.shape)
        args = (self.job.params, prepared, state, jnp.array(1), self.job.rate)
        kept = size_of((state, prepared)) // count
        yield Demand(kept, advance.lower(*args, spec=self.spec), together)

    def before_steps(self, size: int) -> Generator[Demand, None, tuple[Any, Any]]:
        """Lower what runs before the first step; return the shapes of the targets and the state."""
        job, (references, prepared, state) = self.job, self.shapes(size)
        count, together = self._parts(references.content.shape)
        lowered = prepare.lower(job.params, job.terms, references, extract=job.extract)
        yield Demand(size_of(references[:2]), lowered, together)
        if job.extract.bands:
            prepared = _as_made(prepared, lowered)
            lowered_init = init.lower(references.content, job.rate, state.free, spec=self.spec)
            state = _as_made(state, lowered_init)
        if job.settings.calibrate and job.settings.calibration is None and size <= CALIBRATED:
            given = (job.params, prepared, *references[:2])
            lowered = calibrate.lower(*given, extract=job.extract)
            yield Demand(size_of((references[:2], prepared)) // count, lowered, together)
        return prepared, state

    def _parts(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return in how many parts a picture is, and how many of them share one memory."""
        bands = self.job.extract.bands
        count = bands.bands_of(shape) if bands else 1
        # Devices that share the host's memory all take some of it.
        return count, bands.count if bands and jax.default_backend() == "cpu" else 1

    def shapes(self, size: int) -> tuple[References, Any, Any]:
        """Return the shapes of the references, the targets and the state at a scale."""
        job, references = self.job, reference_shapes(self.job, size)

        def targets(content: Any, styles: Any) -> Objective:
            pictures = references._replace(content=content, styles=styles)
            given: Objective = prepare.nested(job.params, job.terms, pictures, extract=job.extract)
            return given

        prepared = jax.eval_shape(targets, *references[:2])
        image = references.content
        start = partial(init.nested, rate=job.rate, spec=self.spec)
        state = jax.eval_shape(start, image, free=image if job.keeps else ())
        return references, prepared, state


def calibrated(job: Job, prepared: Objective, constants: Constants | None) -> Objective:
    """Return targets with their constants, if there are any, and those that the job gives."""
    given = job.given_targets
    targets = tuple(
        (given[number],) if number in given else target
        for number, target in enumerate(prepared.targets)
    )
    return replace(prepared, scales=constants or prepared.scales, targets=targets)


def _as_made(shapes: Any, lowered: Any) -> Any:
    """Return the shapes of a program's results as it places them: so the next is compiled once."""

    def placed(shape: Any, sharding: Any) -> Any:
        how = {"sharding": sharding, "weak_type": shape.weak_type}
        return jax.ShapeDtypeStruct(shape.shape, shape.dtype, **how)

    return jax.tree.map(placed, shapes, lowered.compile().output_shardings)


@program(static_argnames="extract")
def prepare(
    params: Params, terms: tuple[Term, ...], references: References, *, extract: Extractor
) -> Objective:
    """Run `objective.prepare`, compiled."""
    content, styles, selection, seed, guide = references
    features = partial(extract, params)
    with extract.rounding():
        key = key_at(content.shape, seed)
        of_styles = partial(extract.of_styles, params)
        given = content, styles, key, selection, guide
        return objective.prepare(features, terms, *given, of_styles)


def key_at(shape: Sequence[int], seed: Any) -> Array:
    """Return the key that a run draws from where its picture has a shape: another at each scale."""
    return jax.random.fold_in(jax.random.key(seed), max(shape))


@program(static_argnames="extract")
def calibrate(
    params: Params,
    prepared: Objective,
    content: Any,
    styles: Sequence[Any],
    *,
    extract: Extractor,
) -> Constants:
    """Run `calibration.calibrate` at the usual reference, compiled; the constants alone."""
    reference = calibration.calibration_reference(content, styles)
    with extract.rounding():
        return calibration.calibrate(partial(extract, params), prepared, reference).scales


@program(static_argnames="spec")
def init(image: Image, rate: Any, free: Any = (), *, spec: StepSpec) -> State:
    """Run `optim.step.init`, compiled."""
    transform, rules = spec.optimizer.transformation(rate), spec.rules(image.shape)
    state = optim_step.init(transform, image, rules, free)
    return cast(State, spec.extract.divided(state, image.shape))


@program(static_argnames="spec")
def warm_start(state: Any, fresh: Any, image: Image, *, spec: StepSpec) -> Any:
    """Run `Optimizer.carry`, compiled."""
    return spec.extract.divided(spec.optimizer.carry(state, fresh, image), image.shape)


# The state is donated: a step needs no second copy of L-BFGS's forty pictures.
@program(static_argnames="spec", donate_argnames="state")
def advance(
    params: Params, prepared: Objective, state: State, count: Any, rate: Any, *, spec: StepSpec
) -> tuple[State, Losses]:
    """Run `optim.step.take_steps`, compiled."""

    def evaluate(image: Image, step: Any) -> Losses:
        return objective.evaluate(partial(spec.extract, params), prepared, image, step)

    with spec.extract.rounding():
        state, losses = optim_step.take_steps(
            optim_step.with_gradient(evaluate),
            spec.optimizer.transformation(rate),
            state,
            count,
            length=spec.length,
            rules=spec.rules(state.image.shape),
        )
    return spec.extract.divided(state, state.image.shape), losses
