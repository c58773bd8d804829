"""Many runs of one kind as one program: each is a lane of `vmap`, and lanes lie on all devices.

What is one number for each run (weights, learning rates, temperatures, calibration constants) has
a value for each lane, whether they differ or not: so a second grid compiles nothing, whichever of
them it sweeps. Targets are held once where all runs have the same.

Devices may belong to several processes (`jax.distributed`). Each process then prepares all runs, as
the same program with the same numbers, and holds the lanes of its own devices.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from jaxstyle.image.geometry import Picture, resize
from jaxstyle.objective.objective import Losses, Objective
from jaxstyle.optim.step import State
from jaxstyle.transfer import memory, programs
from jaxstyle.transfer.job import Calibration, Record, Run
from jaxstyle.transfer.programs import CHUNK, Kind, Layout

Outcome = tuple[Run, Picture, Record, Calibration | None]
"""A run, the picture that came out, what its steps gave, and its calibration constants."""


class Before(NamedTuple):
    """What decides the program of a kind, besides the kind.

    Attributes:
        width: How many lanes it has.
        shared: Whether all of them have the same targets.
    """

    width: int
    shared: bool


class Lanes:
    """Runs of one kind (`Run.kind`), as many at a time as there is memory for.

    Attributes:
        runs: All of them.
        width: How many are done at a time: a multiple of the number of devices.
        peak: Memory at the peak of so many, bytes, by the compiled program's own account; of one
            device, or of them all where they share it (CPUs).
        available: What there is, bytes.
        fits: Whether there is memory for even the narrowest.
        shared: Whether targets are held once, for all.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        widest: int | None,
        devices: Sequence[Any],
        before: Before | None = None,
    ) -> None:
        """Choose the width.

        Args:
            runs: All of one kind.
            widest: The most lanes at a time.
            devices: Where lanes lie.
            before: The program that others of their kind were done with. Rounding depends on it:
                with the same one the bytes are as if they had been together.
        """
        self.runs = tuple(runs)
        mesh = Mesh(np.array(devices), ("lanes",))
        self._split = NamedSharding(mesh, PartitionSpec("lanes"))
        self._whole = NamedSharding(mesh, PartitionSpec())
        self.shared = len({run.seen for run in runs}) == 1 and (before is None or before.shared)
        first = self.runs[0]
        layout: Layout = "recompute" if first.settings.memory == "recompute" else "whole"
        self._kind: Kind = first.compiled.kind_of(layout)
        self._params = _placed(first.compiled.params, self._whole)
        self._constants: dict[Hashable, Calibration | None] = {}
        self.available = memory.available()
        wanted = before.width if before else len(runs)
        wanted = min(wanted, widest or wanted)
        self.width, self.peak, self.fits = self._widest(wanted)

    def _widest(self, wanted: int) -> tuple[int, int, bool]:
        """The greatest width that fits, its peak, and True; the least and False if none does."""
        least = self._split.mesh.size
        width = -(-wanted // least) * least
        room = memory.SHARE * self.available
        while True:
            peak = self._need(width)
            if peak < room or width == least:
                break
            now = memory.used()
            fitting = int(width * max(0.0, room - now) / (peak - now)) // least * least
            width = max(least, min(fitting, width - least))
        fits = peak < room
        if jax.process_count() > 1:
            # All processes must agree: the one with the least room decides.
            agreed = multihost_utils.process_allgather(np.array([width, fits])).min(axis=0)
            width, fits = int(agreed[0]), bool(agreed[1])
        return width, peak, fits

    def _need(self, width: int) -> int:
        """Bytes that a step of so many lanes takes at its peak, all of the process counted."""
        run, kind = self.runs[0], self._kind
        size = run.scales[-1].size
        content, *styles = (
            jax.ShapeDtypeStruct((*each, 3), jnp.float32)
            for each in (run.shape(size), *run.style_shapes(size))
        )
        picks = run.compiled.picks(run.guide, run.shape(size), run.style_shapes(size))
        prepared = jax.eval_shape(
            lambda *pictures: programs.prepare(
                run.compiled.params,
                run.compiled.parts,
                pictures[0],
                pictures[1:],
                0,
                picks,
                extract=run.compiled.kind.extract,
            ),
            content,
            *styles,
        )
        state = jax.eval_shape(lambda image: programs.start(image, run.rate, kind=kind), content)
        own, targets = _divided(prepared)

        def wide(tree: Any) -> Any:
            return jax.tree.map(
                lambda leaf: jax.ShapeDtypeStruct(
                    (width, *leaf.shape), leaf.dtype, sharding=self._split
                ),
                tree,
            )

        def narrow(tree: Any) -> Any:
            return jax.tree.map(
                lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=self._whole),
                tree,
            )

        rate = jax.ShapeDtypeStruct((), jnp.float32)
        targets = narrow(targets) if self.shared else wide(targets)
        own, state, rates = wide((own, state, rate))
        lowered = advance.lower(
            self._params, own, targets, state, jnp.array(1), rates, kind=kind, shared=self.shared
        )
        count = self._split.mesh.size
        kept = memory.size_of((own, state)) // count
        kept += memory.size_of(targets) // (1 if self.shared else count)
        each = kept + memory.taken_by(lowered)
        together = self._split.mesh.devices.flat[0].platform == "cpu"
        return memory.used() + each * (len(jax.local_devices()) if together else 1)

    def outcomes(self, on_steps: Callable[[int, int, int], object]) -> Iterator[list[Outcome]]:
        """Do all runs, `width` at a time.

        Args:
            on_steps: Told the number of lanes, the steps just taken and their size in pixels.
        """
        for first in range(0, len(self.runs), self.width):
            yield self._together(self.runs[first : first + self.width], on_steps)

    def _together(
        self, runs: Sequence[Run], on_steps: Callable[[int, int, int], object]
    ) -> list[Outcome]:
        # The last ones are padded to full width with copies, so that they need no other program.
        lanes = [*runs, *[runs[-1]] * (self.width - len(runs))]
        records = [Record(run.compiled.names) for run in lanes]
        pictures = [run.initial for run in lanes]
        constants = self._calibrated(lanes)
        rates = _placed(np.array([run.rate for run in lanes]), self._split)
        state: State | None = None
        for scale in runs[0].scales:
            failed = [bool(record.failure) for record in records]
            if all(failed):
                break
            own, targets = self._prepared(lanes, constants, scale.size)
            firsts = [resize(picture, runs[0].shape(scale.size)) for picture in pictures]
            state = self._start(_placed(np.stack(firsts), self._split), rates, state)
            for first in range(0, scale.steps, CHUNK):
                count = min(CHUNK, scale.steps - first)
                state, totals, losses = self._advance(own, targets, state, count, rates)
                taken = _fetched(state.step) - first
                for lane, record in enumerate(records):
                    if not record.failure:
                        record.add(totals[:, lane], losses[:, lane], int(taken[lane]), scale.size)
                on_steps(len(runs), count, scale.size)
            # A lane that failed goes on for nothing, from its last good picture.
            pairs = zip(failed, pictures, _fetched(state.image), strict=True)
            pictures = [old if lost else new for lost, old, new in pairs]
        return list(zip(runs, pictures, records, constants, strict=False))

    def _calibrated(self, lanes: Sequence[Run]) -> list[Calibration | None]:
        """Each lane's constants, computed once for all that share them."""
        for run in lanes:
            if run.seen not in self._constants:
                self._constants[run.seen] = run.calibration()
        return [self._constants[run.seen] for run in lanes]

    def _prepared(
        self, lanes: Sequence[Run], constants: Sequence[Calibration | None], size: int
    ) -> tuple[Any, Any]:
        """Each lane's own numbers at a scale; and the targets, one for all or one for each."""
        alike = {run.seen: run for run in lanes}
        prepared = {seen: run.prepared(size, "whole") for seen, run in alike.items()}
        own, targets = [], []
        for run, found in zip(lanes, constants, strict=True):
            objective = prepared[run.seen]
            own.append((run.compiled.parts, found or objective.scales))
            targets.append(_divided(objective)[1])
        if self.shared:
            return _placed(_stacked(own), self._split), _placed(targets[0], self._whole)
        return _placed((_stacked(own), _stacked(targets)), self._split)

    def _start(self, image: Any, rates: Any, before: State | None) -> State:
        state: State = start(image, rates, kind=self._kind)
        if before is None or self._kind.parametrization != "pixels":
            return state
        return state._replace(optimizer=carry(before.optimizer, image))

    def _advance(
        self, own: Any, targets: Any, state: State, count: int, rates: Any
    ) -> tuple[State, Float[np.ndarray, "steps lanes"], Float[np.ndarray, "steps lanes terms"]]:
        found = []
        for first in range(0, count, self._kind.length):
            state, losses = advance(
                self._params,
                own,
                targets,
                state,
                _placed(np.int32(count - first), self._whole),
                rates,
                kind=self._kind,
                shared=self.shared,
            )
            found.append(losses)
        totals = np.concatenate([_fetched(losses.total) for losses in found], axis=1)
        terms = np.concatenate([_fetched(losses.terms) for losses in found], axis=1)
        return state, totals.T[:count], terms.swapaxes(0, 1)[:count]


def _divided(prepared: Objective) -> tuple[Any, Any]:
    """What each lane has for itself, and what may be shared."""
    return (prepared.terms, prepared.scales), (prepared.targets, prepared.spreads, prepared.picks)


def _stacked(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack([_plain(leaf) for leaf in leaves]), *trees)


def _plain(leaf: Any) -> np.ndarray:
    array = np.asarray(leaf)
    # Python's numbers are float64 in NumPy.
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _placed(tree: Any, sharding: NamedSharding) -> Any:
    """Arrays on all devices, of other processes too: each process gives what its own hold."""

    def one(leaf: Any) -> Array:
        array = _plain(leaf)
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    return jax.tree.map(one, tree)


def _fetched(array: Array) -> np.ndarray:
    """The whole of an array whose lanes may lie in other processes."""
    if jax.process_count() > 1:
        return np.asarray(multihost_utils.process_allgather(array, tiled=True))
    return np.asarray(array)


@partial(jax.jit, static_argnames="kind")
def start(image: Float[Array, "lanes h w 3"], rates: Float[Array, " lanes"], *, kind: Kind) -> Any:
    """`programs.start` for each lane."""
    return jax.vmap(lambda *lane: programs.start(*lane, kind=kind))(image, rates)


carry = jax.jit(jax.vmap(programs.carry))


@partial(jax.jit, static_argnames=("kind", "shared"), donate_argnames="state")
def advance(
    params: Any,
    own: Any,
    targets: Any,
    state: State,
    count: Any,
    rates: Float[Array, " lanes"],
    *,
    kind: Kind,
    shared: bool,
) -> tuple[State, Losses]:
    """`programs.advance` for each lane; `shared` targets are the same for all."""

    def lane(own: Any, targets: Any, state: State, rate: Any) -> tuple[State, Losses]:
        (terms, scales), (each, spreads, picks) = own, targets
        prepared = Objective(terms, each, scales, spreads, picks)
        return programs.advance(params, prepared, state, count, rate, kind=kind)

    return jax.vmap(lane, in_axes=(0, None if shared else 0, 0, 0))(own, targets, state, rates)
