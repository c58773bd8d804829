"""The one loop: scales from coarse to fine, and steps at each, over any stepper.

A single run, a grid and a study are this loop over different steppers. It records losses and
failures; whoever iterates over it decides about progress, checkpoints and when to stop.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from jaxstyle._util.log import logger
from jaxstyle.citations import summary
from jaxstyle.image.geometry import Picture, details, resize
from jaxstyle.transfer import owed
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.geometry import content_shape, displayed, displayed_alpha, with_known
from jaxstyle.transfer.job import Job, resolved_settings
from jaxstyle.transfer.manifest import Facts
from jaxstyle.transfer.result import Result
from jaxstyle.transfer.steppers.stepper import Stepper

UNCHANGED = 1e-6
"""The greatest difference of two pictures that are the same."""

_WATCHED_SECONDS = 0.5


def seconds_when_watched() -> float:
    """Return the seconds between two looks at a run that somebody watches.

    On a CPU a program is one step: so it can be looked at, and stopped, after each. Several
    processes have clocks of their own, and have to take the same steps.
    """
    each_step = jax.default_backend() == "cpu" or jax.process_count() > 1
    return 0.0 if each_step else _WATCHED_SECONDS


class Record:
    """The losses of a run's steps.

    Attributes:
        history: Each term's unweighted loss at every step, by name; and `"total"`, weighted.
        failure: One line on what was not finite and when, or None.
        changed: Whether a step changed the picture, as far as is known.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.changed = False
        self.history: dict[str, list[float]] = {name: [] for name in ("total", *names)}
        self.failure: str | None = None

    @property
    def steps(self) -> int:
        """Taken so far."""
        return len(self.history["total"])

    def add(
        self,
        totals: Float[np.ndarray, " steps"],
        losses: Float[np.ndarray, "steps terms"],
        taken: int,
        size: int,
    ) -> None:
        """Append a chunk of steps."""
        self.history["total"] += totals[:taken].tolist()
        for name, column in zip(self._names, losses.T, strict=True):
            self.history[name] += column[:taken].tolist()
        if taken == len(totals):
            return
        pairs = zip(self._names, losses[taken], strict=True)
        culprits = [name for name, loss in pairs if not math.isfinite(loss)]
        what = f"the loss of {', '.join(culprits)}" if culprits else "the gradient or the update"
        self.failure = (
            f"{what} stopped being finite at step {self.steps + 1} ({size} pixels); "
            "try a smaller learning rate"
        )

    def last(self) -> dict[str, float]:
        """Return each term's loss at the last step."""
        return {name: self.history[name][-1] for name in self._names}


class Chunk(NamedTuple):
    """A point of the loop between two chunks of steps."""

    scale: int  # number of the scale, from 0
    size: int  # its longest side, pixels
    taken: int  # steps taken there
    steps: int  # steps of the chunk
    first: bool  # whether it is the first of its scale in this process, which may have compiled
    state: Any  # the stepper's


@dataclass
class Loop:
    """Scales and steps of some jobs that share their scales.

    Attributes:
        jobs: What is run; several share one stepper.
        steppers: One for each scale.
        constants: Calibration constants of each job.
        records: Losses of each job.
        pictures: The picture of each job, in its bucket; at the end the result.
        lost: The last good pictures of jobs that failed at an earlier scale, by number.
        beginnings: The pictures that the current scale began with, where targets depend on them.
        look_seconds: Between two looks of the host, as far as the pace so far tells, but after no
            more steps than the stepper says; 0: after every step; None: as the stepper says.
        before_scale: Called with the size of each scale before anything of it is computed.
    """

    jobs: Sequence[Job]
    steppers: Sequence[Stepper]
    constants: Sequence[JobConstants]
    records: list[Record] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    lost: dict[int, Picture] = field(default_factory=dict)
    beginnings: list[Picture] = field(default_factory=list)
    look_seconds: float | None = None
    before_scale: Callable[[int], object] | None = None

    def __post_init__(self) -> None:
        """Begin with empty records and the initial pictures."""
        self.records = self.records or [Record(job.names) for job in self.jobs]
        self.pictures = self.pictures or [job.initial for job in self.jobs]

    def run(self, scale: int = 0, taken: int = 0, state: Any = None) -> Iterator[Chunk]:
        """Go through the scales, and yield after every chunk of steps.

        A chunk in which every job failed is the last, and is not yielded. A job that failed beside
        others keeps its last good picture while its lane goes on for nothing.

        Args:
            scale: The scale to begin with.
            taken: Steps that were taken there already.
            state: The stepper's state after them, or after the scale before.
        """
        first_scale = scale
        for scale in range(first_scale, len(self.steppers)):
            begun = taken if scale == first_scale else 0
            if not begun:
                self.lost = {
                    lane: picture
                    for lane, picture in enumerate(self.pictures)
                    if self.records[lane].failure
                }
            if len(self.lost) == len(self.jobs):
                return
            stepper, (size, steps) = self.steppers[scale], self.jobs[0].scales[scale]
            if self.before_scale:
                self.before_scale(size)
            if not begun:
                shape = content_shape(self.jobs[0], size)
                enlarged = [resize(picture, shape, self.jobs[0].wrap) for picture in self.pictures]
                self.beginnings = enlarged if scale and self.jobs[0].needs_beginnings else []
            constants = [constants.at for constants in self.constants]
            prepared = stepper.prepare(size, constants, self.beginnings)
            if not begun:
                pairs = zip(self.jobs, self._detailed(scale, enlarged), strict=True)
                first_pictures = [with_known(job, picture) for job, picture in pairs]
                fresh = stepper.init(first_pictures)
                state = fresh if state is None else stepper.warm_start(state, fresh)
            first, most = begun, stepper.chunk(size)
            length = most if self.look_seconds is None else 1
            while first < steps:
                count, clock = min(length, steps - first), time.perf_counter()
                state, losses = stepper.step(prepared, state, count)
                finite = stepper.counts(state) - first
                if self.look_seconds is not None:
                    pace = (time.perf_counter() - clock) / count
                    length = steps_within(self.look_seconds, pace, most)
                for lane, record in enumerate(self.records):
                    if record.failure is None:
                        columns = losses.totals[:, lane], losses.losses[:, lane]
                        record.add(*columns, int(finite[lane]), size)
                if all(record.failure for record in self.records):
                    break
                yield Chunk(scale, size, first + count, count, first == begun, state)
                first += count
            last_pictures = stepper.pictures(state)
            for lane, record in enumerate(self.records):
                # The beginning of a scale that was resumed is not known.
                record.changed |= begun > 0 or _differ(first_pictures[lane], last_pictures[lane])
            self.pictures = [self.lost.get(lane, p) for lane, p in enumerate(last_pictures)]

    def _detailed(self, scale: int, pictures: list[Picture]) -> list[Picture]:
        """Return the pictures that a scale begins with, from those so far in its size."""
        if scale and scale == len(self.steppers) - 1:
            return pictures
        return [
            picture + details(resize(job.guide.content, picture.shape[:2]))
            if job.settings.details
            else picture
            for job, picture in zip(self.jobs, pictures, strict=True)
        ]


def steps_within(seconds: float, pace: float, most: int) -> int:
    """Return how many steps of `pace` seconds each are taken within some seconds: 1 to `most`.

    >>> steps_within(0.5, 0.1, 10), steps_within(0.5, 2.0, 10), steps_within(0.5, 0.001, 10)
    (5, 1, 10)
    """
    return max(1, min(most, int(seconds / max(pace, 1e-6))))


def _differ(one: Picture, other: Picture) -> bool:
    """Whether two pictures differ by more than the rounding of an average of equal ones."""
    return bool(np.abs(np.asarray(one) - np.asarray(other)).max() > UNCHANGED)


def _warn_of_stillness(job: Job, record: Record) -> None:
    """Say that no step changed the picture, unless there was nothing left to lower."""
    if record.history["total"][-1] == 0:
        return
    advice = f"learning rate than {job.rate:g}" if job.optimizer.takes_rate else "optimizer"
    logger.warning(
        f"the picture did not change in any of {record.steps} steps; try another {advice}"
    )


def make_result(loop: Loop, lane: int, memory: Mapping[str, object], seconds: float) -> Result:
    """Return the result of one job of a loop that has ended, with all that a manifest says."""
    job, record = loop.jobs[lane], loop.records[lane]
    if record.steps and not record.changed and not record.failure:
        _warn_of_stillness(job, record)
    facts: Facts = {
        "settings": resolved_settings(job),
        "scales": [scale._asdict() for scale in job.scales],
        "calibration": loop.constants[lane].plain(),
        "papers": [summary(entry) for entry in owed.of_run(job.settings, job.networks.checksums())],
        "weights": job.networks.checksums(),
        "memory": dict(memory),
        "seconds": round(seconds, 3),
    }
    if job.is_texture:
        facts["texture"] = True
    history = record.history
    if job.earlier is not None:
        facts["continues"] = job.earlier.plain()
        history = job.earlier.followed_by(history)
    image = displayed(job, loop.pictures[lane])
    obstacles, alpha = tuple(job.obstacles), displayed_alpha(job, image)
    return Result(image, history, record.failure, facts, job.inputs, obstacles, alpha=alpha)
