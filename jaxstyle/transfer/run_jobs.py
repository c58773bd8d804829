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
from jaxstyle.kinds import is_list
from jaxstyle.transfer import memory
from jaxstyle.transfer.batch import BatchPlan, lanes_of, plan_batches, result_of, run_batch
from jaxstyle.transfer.checkpoint import Checkpoints
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.progress import Meter, OnProgress
from jaxstyle.transfer.result import Result
from jaxstyle.transfer.steppers.batched import BatchSpec
from jaxstyle.transfer.stylize import run_job


def run_jobs(
    jobs: Sequence[Job],
    *,
    done: Sequence[bool] = (),
    lanes: int | None = None,
    devices: Sequence[jax.Device] | None = None,
    on_progress: OnProgress | None = None,
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
            yield from _run_batches(jobs, numbers, waiting, plan, devices, meter, checkpoints)
            continue
        for number in (number for number in numbers if waiting[number]):
            logger.log(level, f"{name}: one {unit} at a time")
            job, kept = jobs[number], checkpoints([jobs[number]]) if checkpoints else None
            on_chunk, resume = meter.single(job), kept is not None and kept.exist
            yield number, run_job(job, on_progress=on_chunk, checkpoints=kept, resume=resume)
            meter.finish(1)


def _run_batches(
    jobs: Sequence[Job],
    numbers: Sequence[int],
    waiting: Sequence[bool],
    plan: BatchPlan,
    devices: Sequence[jax.Device],
    meter: Meter,
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
            on_chunk=meter.batch(len(wanted)),
            checkpoints=kept,
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
        meter.finish(len(wanted))


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
