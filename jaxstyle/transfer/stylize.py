"""`stylize`: two pictures in, one picture out. The file to read first."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from jaxstyle._util import arguments
from jaxstyle._util.log import logger, reported_to
from jaxstyle.settings import CHECKPOINT_SECONDS, Settings
from jaxstyle.specs import is_init
from jaxstyle.transfer import memory
from jaxstyle.transfer.ahead import Ahead
from jaxstyle.transfer.changes import Changes
from jaxstyle.transfer.checkpoint import Checkpoints, RunState, checkpointed
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.geometry import displayed, displayed_alpha
from jaxstyle.transfer.job import Devices, Job, chosen_settings, identity
from jaxstyle.transfer.loop import Chunk, Loop, Record, make_result
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.memory import MemoryPlan
from jaxstyle.transfer.result import Losses, Progress, Result
from jaxstyle.transfer.sources import Source, Sources
from jaxstyle.transfer.steppers.stepper import Layout
from jaxstyle.transfer.steppers.tiled import single_stepper


def stylize(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    on_progress: Callable[[Progress], object] | None = None,
    report: Callable[[str], object] | None = None,
    offline: bool = False,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    resume: bool = False,
    devices: Devices | None = None,
    **changes: Unpack[Changes],
) -> Result:
    """Paint the content like the style.

    Args:
        content: What to show: a file, `"sample:NAME"`, a `PIL.Image`, an array (float in [0, 1] or
            uint8), bytes, or an open file.
        style: How to paint it: likewise; a list or tuple of several.
        settings: Everything that can be chosen; the defaults if not given.
        on_progress: Called between chunks of steps. If it raises, a checkpoint is written first.
        report: Deprecated: the logger `jaxstyle` says what is fetched and noticed.
        offline: Never fetch weights or pictures.
        checkpoint: The picture's file, beside which the run's state is written now and then, for
            `resume`; see `jaxstyle.transfer.checkpoint`. `Result.save` of that file removes them.
        checkpoint_seconds: Between two of them; at least 0, infinity for interruptions alone.
        resume: Resume from the newest checkpoint that is whole, if there is one; to the same bytes
            as without the interruption, on the same machine.
        devices: Divide the picture among devices, which each hold a band of it, and of everything
            computed from it: `"all"`, the first so many, or a list of `jax.devices()`. The result
            is one device's but for rounding.
        changes: Settings by name, on top of `settings`: `stylize(a, b, size=128)`.

    Returns:
        The picture, every term's history, and whether all stayed finite.

    Raises:
        ValueError: A picture or a setting that cannot be used; a checkpoint of another run.
        TypeError: A setting that does not exist; a picture that JAX traces; an argument of another
            kind.
        OSError: A file or weights that are not installed.

    >>> import numpy as np
    >>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    >>> result = stylize(photo, painting, steps=2, scales=1)
    >>> result.image.shape
    (24, 32, 3)
    """
    arguments.functions(on_progress=on_progress, report=report)
    check_run(settings, offline, checkpoint, checkpoint_seconds, resume)
    with reported_to(report):
        sources = Sources(offline=offline)
        job = make_job(content, style, chosen_settings(settings, changes), sources).over(devices)
        checkpoints = checkpoints_of(job, checkpoint, checkpoint_seconds)
        return run_job(job, on_progress=on_progress, checkpoints=checkpoints, resume=resume)


def iterate(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    offline: bool = False,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    resume: bool = False,
    devices: Devices | None = None,
    **changes: Unpack[Changes],
) -> Iterator[Progress]:
    """Run `stylize` step by step: for notebooks, web servers, and stopping rules of your own.

    Closing the iterator cancels the run; a checkpoint is written first, if there is to be one.

    Arguments and errors are those of `stylize`.

    Yields:
        The progress after each chunk of steps. The last element's `result` is what `stylize`
        returns.

    >>> import numpy as np
    >>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    >>> *_, last = iterate(photo, painting, steps=2, scales=1)
    >>> last.step, last.result.finite
    (2, True)
    """
    check_run(settings, offline, checkpoint, checkpoint_seconds, resume)
    sources = Sources(offline=offline)
    job = make_job(content, style, chosen_settings(settings, changes), sources).over(devices)
    checkpoints = checkpoints_of(job, checkpoint, checkpoint_seconds)
    return iterate_job(job, checkpoints=checkpoints, resume=resume)


def plan(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    offline: bool = False,
    devices: Devices | None = None,
    **changes: Unpack[Changes],
) -> MemoryPlan:
    """Return how much memory `stylize` would take with the same arguments, and the layout.

    Nothing runs: the programs are compiled, and say themselves what they need.
    """
    check_run(settings, offline)
    sources = Sources(offline=offline)
    job = make_job(content, style, chosen_settings(settings, changes), sources)
    return memory.plan(job.over(devices))


def run_job(
    job: Job,
    *,
    on_progress: Callable[[Progress], object] | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    layouts: Sequence[Layout] = (),
    look_seconds: float | None = None,
) -> Result:
    """Run a job to its end; see `iterate_job`."""
    with closing(
        iterate_job(
            job, checkpoints=checkpoints, resume=resume, layouts=layouts, look_seconds=look_seconds
        )
    ) as progresses:
        for progress in progresses:
            if progress.result is None and on_progress:
                on_progress(progress)
    assert progress.result is not None
    return progress.result


def iterate_job(
    job: Job,
    *,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    layouts: Sequence[Layout] = (),
    look_seconds: float | None = None,
) -> Generator[Progress, None, None]:
    """Run a job, and yield its progress after each chunk; at the end once more, with the result.

    Args:
        job: What is run.
        checkpoints: Where its state is written, and read from.
        resume: Whether to resume from them.
        layouts: How a step is laid out at each scale (default: the fastest that fits).
        look_seconds: See `Loop`: for who wants to look, or to stop, more often.
    """
    if not job.steps:
        yield _without_steps(job)
        return
    state = _resumed(job, checkpoints) if checkpoints and resume else None
    began = time.perf_counter() - (state.seconds if state else 0.0)
    memory.clear_caches_if_crowded()
    first = state.scale if state else 0
    given = state.layouts if state else tuple(layouts)
    sizes = [scale.size for scale in job.scales]
    with Ahead() as ahead:
        if first + 1 < len(sizes):  # the programs of full size may be compiled for the plan
            ahead.start(single_stepper(job, given[first] if given else "whole"), sizes[first])
        chosen = memory.plan(job, prompt=True)
        logger.info(str(chosen))
        if chosen.advice and job.settings.memory == "auto":
            raise ValueError(str(chosen))
        layouts = given or tuple(map(chosen.layout_at, sizes))
        steppers = [single_stepper(job, layout) for layout in layouts]
        for scale in range(first, len(sizes) if chosen.uncompiled else len(sizes) - 1):
            ahead.start(steppers[scale], sizes[scale], aside=True)
        loop = Loop(
            [job],
            steppers,
            [JobConstants(job)],
            look_seconds=look_seconds,
            before_scale=ahead.finish,
        )
        clock = _Clock(job, began)
        progress = clock.progress(loop, None)
        with closing(checkpointed(loop, checkpoints, state, layouts)) as chunks:
            for chunk in chunks:
                progress = clock.progress(loop, chunk)
                yield progress
    layout: dict[str, object] = {"layout": layouts[-1], "layouts": list(layouts)}
    if job.extract.bands:
        layout["devices"] = job.extract.bands.count
    result = make_result(loop, 0, layout | memory.account(chosen.settled()), clock.seconds)
    step, image, alpha = loop.records[0].steps, result.image, result.alpha
    yield replace(progress, step=step, image=image, alpha=alpha, result=result)


def _without_steps(job: Job) -> Progress:
    """Return the end of a run that takes no steps: its initial picture, in its final colors."""
    if not is_init(job.settings.init, ("patches",)):  # there it is what was asked for
        logger.info("no steps are taken: the picture is the initial one")
    loop = Loop([job], [], [JobConstants(job)])
    clock = _Clock(job, time.perf_counter())
    progress = clock.progress(loop, None)
    result = make_result(loop, 0, {"layouts": []}, clock.seconds)
    return replace(progress, image=result.image, alpha=result.alpha, result=result)


class _Clock:
    """Measures a run, and estimates what is left."""

    def __init__(self, job: Job, began: float) -> None:
        self._job, self._began = job, began
        self._last = time.perf_counter()
        self._pace: float | None = None

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.perf_counter() - self._began

    def progress(self, loop: Loop, chunk: Chunk | None) -> Progress:
        """Return the progress after a chunk, or before all of them."""
        job, record, now = self._job, loop.records[0], time.perf_counter()
        if chunk is None:
            size, image = job.scales[0].size, job.initial
            rate, loss, terms = 0.0, 0.0, {}
        else:
            size, image = chunk.size, loop.steppers[chunk.scale].pictures(chunk.state)[0]
            rate = chunk.steps / (now - self._last)
            loss, terms = record.history["total"][-1], record.last()
            if not chunk.first:
                self._pace = rate * size**2
        self._last = now
        weights = [float(term.weight) for term in job.terms_at(size)]
        latest = _latest(record, chunk.steps if chunk else 0, weights)
        shown = displayed(job, image)
        return Progress(
            step=record.steps,
            steps=job.steps,
            size=size,
            loss=loss,
            terms=terms,
            parts=latest[-1].parts if latest else {},
            seconds=now - self._began,
            rate=rate,
            seconds_left=job.work_left(record.steps) / self._pace if self._pace else None,
            image=shown,
            alpha=displayed_alpha(job, shown),
            latest=latest,
        )


def _latest(record: Record, count: int, weights: Sequence[float]) -> tuple[Losses, ...]:
    """Return the losses of the last steps of a run."""
    names = [name for name in record.history if name != "total"]
    losses = []
    for number in range(record.steps - count, record.steps):
        terms = {name: record.history[name][number] for name in names}
        parts = {name: weight * terms[name] for name, weight in zip(names, weights, strict=True)}
        losses.append(Losses(number + 1, record.history["total"][number], terms, parts))
    return tuple(losses)


def check_run(
    settings: Settings | None,
    offline: bool,
    checkpoint: str | Path | None = None,
    seconds: float = CHECKPOINT_SECONDS,
    resume: bool = False,
) -> None:
    """Check arguments before anything is read."""
    arguments.instance("settings", settings, Settings, optional=True)
    arguments.flags(offline=offline, resume=resume)
    if checkpoint is not None:
        arguments.path("checkpoint", checkpoint)
    elif resume:
        raise ValueError("expected a checkpoint to resume from")
    if seconds != math.inf:
        arguments.number("checkpoint_seconds", seconds, low=0)


def checkpoints_of(job: Job, checkpoint: str | Path | None, seconds: float) -> Checkpoints | None:
    """Return where a run's state is written; None if nowhere."""
    return None if checkpoint is None else Checkpoints(checkpoint, [identity(job)], seconds)


def _resumed(job: Job, checkpoints: Checkpoints) -> RunState | None:
    state = checkpoints.read()
    if state is None:
        logger.info("there is no checkpoint to resume from: starting at the first step")
        return None
    taken = sum(scale.steps for scale in job.scales[: state.scale]) + state.taken
    logger.info(f"resuming after step {taken} of {job.steps}")
    return state
