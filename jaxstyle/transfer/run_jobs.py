"""Many jobs: those of one program key are lanes of one program, the others take their turn."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType

import jax

from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle._util.log import logger
from jaxstyle.image.geometry import Picture
from jaxstyle.kinds import is_list
from jaxstyle.transfer import memory
from jaxstyle.transfer.batch import BatchPlan, lanes_of, plan_batches, result_of, run_batch
from jaxstyle.transfer.checkpoint import Checkpoints
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.geometry import displayed
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.loop import Chunk, Loop, seconds_when_watched
from jaxstyle.transfer.progress import Meter, OnProgress
from jaxstyle.transfer.result import Progress, Result
from jaxstyle.transfer.steppers.batched import BatchSpec
from jaxstyle.transfer.stylize import run_job

OnPictures = Callable[[Mapping[int, Picture]], object]
"""Takes the pictures so far of the jobs that are run now, by the jobs' numbers."""


def run_jobs(
    jobs: Sequence[Job],
    *,
    done: Sequence[bool] = (),
    lanes: int | None = None,
    devices: Sequence[jax.Device] | None = None,
    on_progress: OnProgress | None = None,
    on_pictures: OnPictures | None = None,
    previous: Mapping[Hashable, BatchSpec] = MappingProxyType({}),
    checkpoints: Callable[[Sequence[Job]], Checkpoints] | None = None,
    unit: str = "cell",
    level: int = logging.INFO,
) -> Generator[tuple[int, Result], None, None]:
    """Run jobs, those of one program key together.

    Args:
        jobs: One for each cell.
        done: Which of them are not to be run; they keep their place in the batches.
        lanes: The most jobs at a time.
        devices: Where to spread lanes (default: all devices, of all processes).
        on_progress: Called between chunks of steps.
        on_pictures: Likewise, and before that; about every half second, or after every step.
        previous: In which batches others of a program key were run before.
        checkpoints: Gives the checkpoints of a batch.
        unit: What a job makes, in the lines that are logged.
        level: Of these lines.

    Yields:
        Each job's number and result, as it is done.

    Raises:
        ValueError: Less than one lane, or no device.
    """
    check_lanes(lanes, devices)
    waiting = [not skip for skip in done] or [True] * len(jobs)
    groups: dict[Hashable, list[int]] = {}
    for number, job in enumerate(jobs):
        groups.setdefault(job.program_key, []).append(number)
    groups = {key: ns for key, ns in groups.items() if any(waiting[n] for n in ns)}
    meter = Meter([jobs[number] for number, waits in enumerate(waiting) if waits], on_progress)
    looks = _Looks(jobs, waiting, meter, on_pictures)
    devices = devices or jax.devices()
    for place, (key, numbers) in enumerate(groups.items()):
        memory.clear_caches_if_crowded()
        name = f"program {place + 1} of {len(groups)}" if len(groups) > 1 else "one program"
        group = [jobs[number] for number in numbers]
        plan = None
        if group[0].steps and not group[0].settings.memory.isdigit():
            plan = plan_batches(group, lanes, devices, previous.get(key))
            wanted = [jobs[number] for number in numbers if waiting[number]]
            logger.log(level, f"{name}: {plan.describe(wanted, unit)}")
        if plan and plan.fits:
            yield from _run_batches(jobs, numbers, waiting, plan, devices, looks, checkpoints)
            continue
        for number in (number for number in numbers if waiting[number]):
            logger.log(level, f"{name}: one {unit} at a time")
            job, kept = jobs[number], checkpoints([jobs[number]]) if checkpoints else None
            resume = kept is not None and kept.exist
            yield (
                number,
                run_job(
                    job,
                    on_progress=looks.single(number),
                    checkpoints=kept,
                    resume=resume,
                    look_seconds=looks.seconds,
                ),
            )
            meter.finish(1)


class _Looks:
    """What happens between two chunks of steps."""

    def __init__(
        self,
        jobs: Sequence[Job],
        waiting: Sequence[bool],
        meter: Meter,
        on_pictures: OnPictures | None,
    ) -> None:
        self._jobs, self._waiting = jobs, waiting
        self.meter, self.on_pictures = meter, on_pictures
        self.seconds = seconds_when_watched() if on_pictures else None

    def batch(self, numbers: Sequence[int]) -> Callable[[Loop, Chunk], None]:
        """Return what is called after each chunk of a batch of jobs."""
        wanted = {lane: number for lane, number in enumerate(numbers) if self._waiting[number]}
        on_progress = self.meter.batch(len(wanted))

        def on_chunk(loop: Loop, chunk: Chunk) -> None:
            if self.on_pictures:
                pictures = loop.steppers[chunk.scale].pictures(chunk.state)
                self.on_pictures(
                    {n: displayed(self._jobs[n], pictures[lane]) for lane, n in wanted.items()}
                )
            on_progress(loop, chunk)

        return on_chunk

    def single(self, number: int) -> Callable[[Progress], None]:
        """Return what is called after each chunk of a job that runs alone."""
        on_progress = self.meter.single(self._jobs[number])

        def on_chunk(progress: Progress) -> None:
            if self.on_pictures:
                self.on_pictures({number: progress.image})
            on_progress(progress)

        return on_chunk


def _run_batches(
    jobs: Sequence[Job],
    numbers: Sequence[int],
    waiting: Sequence[bool],
    plan: BatchPlan,
    devices: Sequence[jax.Device],
    looks: _Looks,
    checkpoints: Callable[[Sequence[Job]], Checkpoints] | None,
) -> Iterator[tuple[int, Result]]:
    """Run the jobs of one program key, `plan.width` at a time."""
    constants: dict[Hashable, JobConstants] = {}
    for first in range(0, len(numbers), plan.width):
        batch = numbers[first : first + plan.width]
        wanted = [number for number in batch if waiting[number]]
        if not wanted:
            continue
        began = time.perf_counter()
        lanes = lanes_of([jobs[n] if waiting[n] else None for n in batch], plan.width)
        kept = checkpoints(lanes) if checkpoints else None
        loop = run_batch(
            lanes,
            devices,
            shared=plan.shared,
            constants=constants,
            on_chunk=looks.batch(batch),
            checkpoints=kept,
            look_seconds=looks.seconds,
        )
        seconds = (time.perf_counter() - began) / len(wanted)
        try:
            for lane, number in enumerate(batch):
                if waiting[number]:
                    yield number, result_of(loop, lane, plan, seconds)
        except GeneratorExit:
            if kept:
                kept.write_last()  # pictures that nobody took are not lost
            raise
        if kept:
            kept.clear()
        looks.meter.finish(len(wanted))


def check_lanes(lanes: int | None, devices: Sequence[jax.Device] | None) -> None:
    """Raise unless there is a lane or more, and every device is one, once."""
    if lanes is not None:
        arguments.number("lanes", lanes, int, low=1)
    if devices is None:
        return
    if not is_list(devices) or not all(isinstance(device, jax.Device) for device in devices):
        raise TypeError(f"expected devices as a list of jax.Device, got {shown(devices)}")
    if not len(devices) or len({*devices}) < len(devices):
        raise ValueError(f"expected at least one device, and each once, got {shown(devices)}")
