"""Batches: jobs of one program key, as many at a time as there is memory for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxstyle.transfer import memory
from jaxstyle.transfer.ahead import Ahead
from jaxstyle.transfer.checkpoint import Checkpoints, checkpointed
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.job import Job, identity
from jaxstyle.transfer.loop import Chunk, Loop, make_result
from jaxstyle.transfer.manifest import Manifest
from jaxstyle.transfer.result import Result
from jaxstyle.transfer.steppers.batched import BatchedStepper, BatchSpec


class BatchPlan(NamedTuple):
    """How some jobs are divided into batches."""

    width: int  # jobs at a time: a multiple of the number of devices
    shared: bool  # whether targets are held once, for all
    # memory at the peak of so many, bytes, by the compiled program's own account; of one device, or
    # of them all where they share it (CPUs)
    peak: int
    available: int  # bytes that the process may take
    fits: bool  # whether there is memory for even the narrowest batch

    def describe(self, jobs: Sequence[Job], unit: str = "cell") -> str:
        """Return the plan for some jobs in words; `unit` is what each of them makes."""
        count, width = len(jobs), self.width
        chunks = -(-count // width)
        rows, columns = jobs[0].original.shape[:2]
        return (
            f"{count} {unit if count == 1 else f'{unit}s'} of {columns} × {rows}, "
            f"{width} {'lane' if width == 1 else 'lanes'} at a time in {chunks} "
            f"{'batch' if chunks == 1 else 'batches'}, about {self.peak / memory.GIB:.2f} GiB "
            f"of memory at the peak, of {self.available / memory.GIB:.1f} GiB available"
        )


def plan_batches(
    jobs: Sequence[Job],
    widest: int | None,
    devices: Sequence[Any],
    previous: BatchSpec | None = None,
) -> BatchPlan:
    """Choose the width of batches: the greatest that fits, or the least if none does.

    Args:
        jobs: All of one program key.
        widest: The most jobs at a time.
        devices: Where lanes are placed.
        previous: The batches in which some of these jobs were run before. Rounding depends on it:
            with the same one the bytes are the same.
    """
    keys = {job.target_key for job in jobs}
    shared = len(keys) == 1 and (previous is None or previous.shared)
    wanted = previous.width if previous else len(jobs)
    least, limit = len(devices), memory.available()
    room = memory.SHARE * limit
    width = -(-min(wanted, widest or wanted) // least) * least
    while True:
        stepper = BatchedStepper([jobs[0]] * width, devices, shared=shared)
        peak = memory.peak_of(stepper, jobs[0].scales[-1].size)
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
    return BatchPlan(width, shared, peak, limit, fits)


def checkpoints_in(folder: Path, lanes: Sequence[Job]) -> Checkpoints:
    """Return the checkpoints of a batch in a folder, named after all that decides its bytes."""
    identities = [identity(job) for job in lanes]
    digest = hashlib.sha256(json.dumps(identities, sort_keys=True).encode()).hexdigest()
    return Checkpoints(folder / f"batch-{digest[:16]}", identities)


def clear_checkpoints(folder: Path) -> None:
    """Remove a folder's checkpoints of batches that will not be resumed."""
    for path in folder.glob("batch-*.checkpoint*"):
        path.unlink(missing_ok=True)


def lanes_of(batch: Sequence[Job | None], width: int) -> list[Job]:
    """Fill the lanes of a batch.

    A job keeps its lane, on which its rounding depends; lanes without a job get a copy of another.
    """
    filler = next(job for job in reversed(batch) if job is not None)
    return [job or filler for job in batch] + [filler] * (width - len(batch))


def run_batch(
    lanes: Sequence[Job],
    devices: Sequence[Any],
    *,
    shared: bool,
    constants: dict[Hashable, JobConstants],
    on_chunk: Callable[[Loop, Chunk], object],
    checkpoints: Checkpoints | None = None,
    look_seconds: float | None = None,
) -> Loop:
    """Run the jobs of a batch to their end.

    Args:
        lanes: One job for each lane.
        devices: Where lanes are placed.
        shared: Whether targets are held once, for all.
        constants: Calibration constants by target key; those that are missing are added.
        on_chunk: Called after each chunk of steps. If it raises, a checkpoint is written first.
        checkpoints: Where to write the batch's state, and to resume it from.
        look_seconds: See `Loop`.

    Returns:
        The loop, which holds records and pictures by lane.
    """
    is_first = not constants  # whose programs the others share
    for job in lanes:
        if job.target_key not in constants:
            constants[job.target_key] = JobConstants(job)
    stepper = BatchedStepper(lanes, devices, shared=shared)
    steppers = [stepper] * len(lanes[0].scales)
    kept = [constants[job.target_key] for job in lanes]
    state = checkpoints.read() if checkpoints else None
    with Ahead() as ahead:
        # Several processes compile in one order.
        if is_first and jax.process_count() == 1:
            for scale in lanes[0].scales[state.scale if state else 0 :]:
                ahead.start(stepper, scale.size, aside=True)
        loop = Loop(lanes, steppers, kept, look_seconds=look_seconds, before_scale=ahead.finish)
        with closing(checkpointed(loop, checkpoints, state)) as chunks:
            for chunk in chunks:
                on_chunk(loop, chunk)
    return loop


def result_of(loop: Loop, lane: int, plan: BatchPlan, seconds: float) -> Result:
    """Return the result of one job of a batch; `seconds` are its part of the batch's duration."""
    layout = {"layout": "lanes", "lanes": plan.width, "shared": plan.shared, "lane": lane}
    return make_result(loop, lane, layout | memory.account(plan), seconds)


def batch_of(facts: Manifest) -> BatchSpec | None:
    """Return the batch in which a picture was made; None if it was alone."""
    lanes: dict[str, Any] = facts["memory"]
    if "shared" not in lanes:
        return None
    return BatchSpec(lanes["lanes"], lanes["shared"], lanes.get("lane", 0))
