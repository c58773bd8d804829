"""Many jobs as one program: each is a lane of `vmap`, and lanes are spread over all devices.

Every number of a run (weights, learning rates, temperatures, calibration constants) has a value for
each lane, whether they differ or not: so a second grid compiles nothing, whichever of them it
sweeps. Targets are held once where all jobs have the same.

Devices may belong to several processes (`jax.distributed`). Each process then prepares all jobs, as
the same program with the same numbers, and holds the lanes of its own devices.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from copy import copy
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int

from jaxstyle._util.programs import program
from jaxstyle.image.geometry import Picture
from jaxstyle.objective.objective import Losses, Objective
from jaxstyle.optim import step as optim_step
from jaxstyle.optim.step import State
from jaxstyle.transfer.geometry import content_shape, free_at
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.steppers import whole
from jaxstyle.transfer.steppers.stepper import ConstantsAt, Demand, Stepper, Steps, size_of
from jaxstyle.transfer.steppers.whole import (
    CHUNK,
    Params,
    StepSpec,
    WholeStepper,
    calibrated,
)


class BatchSpec(NamedTuple):
    """What decides the program of a batch, besides its jobs' program key, and a job's rounding."""

    width: int  # the number of lanes
    shared: bool  # whether all of them have the same targets
    lane: int = 0  # the lane of the job that a manifest describes


class BatchedStepper(Stepper):
    """A step of several jobs of one program key."""

    def __init__(self, jobs: Sequence[Job], devices: Sequence[Any], *, shared: bool) -> None:
        """Choose the programs; nothing is compiled yet."""
        self.jobs = tuple(jobs)
        self._mesh = Mesh(np.array(devices), ("lanes",))
        self._split = NamedSharding(self._mesh, PartitionSpec("lanes"))
        self._whole = NamedSharding(self._mesh, PartitionSpec())
        self._shared = shared
        self._single = WholeStepper(
            self.jobs[0], recompute=self.jobs[0].settings.memory == "recompute"
        )
        self._spec = self._single.spec
        self._params = _placed(self.jobs[0].params, self._whole)
        self._rates = _placed(np.array([job.rate for job in self.jobs]), self._split)

    def of(self, jobs: Sequence[Job]) -> BatchedStepper:
        """Return the stepper of as many other jobs of the same program key; weights stay."""
        other = copy(self)
        other.jobs = tuple(jobs)
        return other

    def prepare(
        self, size: int, constants: Sequence[ConstantsAt], beginnings: Sequence[Picture] = ()
    ) -> Any:
        rates = [job.rate_at(size) for job in self.jobs]
        self._rates = _placed(np.array(rates), self._split)
        distinct = {job.target_key: job for job in self.jobs}
        begun = {job.target_key: (one,) for job, one in zip(self.jobs, beginnings, strict=False)}
        prepared: dict[Hashable, Objective] = {
            key: WholeStepper(job).targets(size, *begun.get(key, ()))
            for key, job in distinct.items()
        }
        numbers, targets = [], []
        for job, constants_at in zip(self.jobs, constants, strict=True):
            usual = prepared[job.target_key]
            objective = calibrated(job, usual, constants_at(size, usual))
            numbers.append((job.terms_at(size), objective.scales, _key_data(job, size)))
            targets.append(_divided(objective)[1])
        if self._shared:
            return _placed(_stacked(numbers), self._split), _placed(targets[0], self._whole)
        return _placed((_stacked(numbers), _stacked(targets)), self._split)

    def init(self, pictures: Sequence[Picture]) -> State:
        images = _placed(np.stack(pictures), self._split)
        masks = [free_at(job, images.shape[1:3]) for job in self.jobs]
        free = _placed(np.stack(masks), self._split) if self.jobs[0].keeps else ()
        state: State = init(images, self._rates, free, spec=self._spec, split=self._split)
        return state

    def warm_start(self, state: State, fresh: State) -> State:
        return self._spec.warm_started(partial(warm_start, split=self._split), state, fresh)

    def step(self, prepared: Any, state: State, count: int) -> tuple[State, Steps]:
        chunks = []
        for first in range(0, count, self._spec.length):
            left = _placed(np.int32(count - first), self._whole)
            args = (self._params, prepared, state, left, self._rates)
            state, losses = advance(*args, spec=self._spec, shared=self._shared)
            chunks.append(losses)
        totals = np.concatenate([_fetched(losses.total) for losses in chunks], axis=1)
        terms = np.concatenate([_fetched(losses.terms) for losses in chunks], axis=1)
        return state, Steps(totals.T[:count], terms.swapaxes(0, 1)[:count])

    def chunk(self, size: int) -> int:
        return CHUNK

    def counts(self, state: State) -> Int[np.ndarray, " jobs"]:
        return _fetched(state.step)

    def pictures(self, state: State) -> Sequence[Picture]:
        return list(_fetched(optim_step.picture(state, self._spec.how)))

    def restore(self, leaves: Sequence[np.ndarray], size: int) -> State:
        structure = jax.tree.structure(self._single.shapes(size)[-1])
        state: State = jax.tree.unflatten(structure, _placed(list(leaves), self._split))
        return state

    def demands(self, size: int) -> Iterator[Demand]:
        prepared, state = yield from self._single.before_steps(size)

        def shapes(tree: Any, lanes: tuple[int, ...], sharding: NamedSharding) -> Any:
            return jax.tree.map(
                lambda leaf: jax.ShapeDtypeStruct(
                    (*lanes, *leaf.shape), leaf.dtype, sharding=sharding
                ),
                tree,
            )

        numbers, targets = _divided(prepared)
        rate = jax.ShapeDtypeStruct((), jnp.float32)
        lanes = ((len(self.jobs),), self._split)
        numbers, state, rates = shapes((numbers, state, rate), *lanes)
        targets = shapes(targets, *(((), self._whole) if self._shared else lanes))
        left = jax.ShapeDtypeStruct((), jnp.int32, sharding=self._whole)
        args = (self._params, (numbers, targets), state, left, rates)
        lowered = advance.lower(*args, spec=self._spec, shared=self._shared)
        count = self._mesh.size
        kept = size_of((numbers, state)) // count
        kept += size_of(targets) // (1 if self._shared else count)
        together = self._mesh.devices.flat[0].platform == "cpu"
        yield Demand(kept, lowered, len(jax.local_devices()) if together else 1)


def _key_data(job: Job, size: int) -> Array:
    """Return the job's own key: lanes that share their targets may have unlike seeds."""
    return jax.random.key_data(whole.key_at(content_shape(job, size), job.settings.seed))


def _divided(prepared: Objective) -> tuple[Any, Any]:
    """Divide an objective into each lane's numbers, and what may be shared."""
    shared = (prepared.targets, prepared.spreads, prepared.positions)
    return (prepared.terms, prepared.scales, prepared.key), shared


def _stacked(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack([_float32(leaf) for leaf in leaves]), *trees)


def _float32(leaf: Any) -> np.ndarray:
    array = np.asarray(leaf)
    # Python's numbers are float64 in NumPy.
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _placed(tree: Any, sharding: NamedSharding) -> Any:
    """Place arrays on all devices, of other processes too: each process gives its own part."""

    def place(leaf: Any) -> Array:
        array = _float32(leaf)
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    return jax.tree.map(place, tree)


def _fetched(array: Array) -> np.ndarray:
    """Fetch the whole of an array whose lanes may be on other processes' devices."""
    if jax.process_count() > 1:
        return np.asarray(multihost_utils.process_allgather(array, tiled=True))
    return np.asarray(array)


@program(static_argnames=("spec", "split"))
def init(
    images: Float[Array, "lanes h w 3"],
    rates: Float[Array, " lanes"],
    free: Any = (),
    *,
    spec: StepSpec,
    split: NamedSharding,
) -> Any:
    """Run `whole.init` for each lane, and `split` all of it among the devices."""
    state = jax.vmap(lambda *lane: whole.init.nested(*lane, spec=spec))(images, rates, free)
    # What is constant would lie on every device, and make another program of the first step.
    return jax.lax.with_sharding_constraint(state, split)


@program(static_argnames=("spec", "split"))
def warm_start(
    state: Any,
    fresh: Any,
    images: Float[Array, "lanes h w 3"],
    *,
    spec: StepSpec,
    split: NamedSharding,
) -> Any:
    """Run `whole.warm_start` for each lane, likewise."""
    memory = jax.vmap(lambda *lane: whole.warm_start.nested(*lane, spec=spec))(state, fresh, images)
    return jax.lax.with_sharding_constraint(memory, split)


@program(static_argnames=("spec", "shared"), donate_argnames="state")
def advance(
    params: Params,
    prepared: Any,
    state: State,
    count: Any,
    rates: Float[Array, " lanes"],
    *,
    spec: StepSpec,
    shared: bool,
) -> tuple[State, Losses]:
    """Run `whole.advance` for each lane; `shared` targets are the same for all."""

    def lane(numbers: Any, targets: Any, state: State, rate: Any) -> tuple[State, Losses]:
        (terms, scales, key), (of_terms, spreads, positions) = numbers, targets
        prepared = Objective(terms, of_terms, scales, spreads, positions, key)
        result: tuple[State, Losses] = whole.advance.nested(
            params, prepared, state, count, rate, spec=spec
        )
        return result

    in_axes = (0, None if shared else 0, 0, 0)
    numbers, targets = prepared
    return jax.vmap(lane, in_axes=in_axes)(numbers, targets, state, rates)
