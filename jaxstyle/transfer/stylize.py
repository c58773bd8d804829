"""`stylize`: two pictures in, one picture out. The file to read first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxstyle.image.geometry import Picture, resize
from jaxstyle.optim.step import State
from jaxstyle.settings import CHECKPOINT_SECONDS, Settings
from jaxstyle.transfer import memory
from jaxstyle.transfer.checkpoint import Checkpoints, RunState
from jaxstyle.transfer.job import Record, Run, Source, Sources, chosen_settings
from jaxstyle.transfer.programs import Layout


class Progress(NamedTuple):
    """What a run tells between chunks.

    Attributes:
        step: Steps taken over all scales.
        steps: Steps that there will be.
        size: Longest side of the scale at work, pixels.
        loss: The weighted total at the last step.
        terms: Each term's unweighted loss by name.
        parts: Each term's part of `loss`, weighted: they add up to it.
        seconds: Since the run began.
        rate: Steps per second, in the last chunk.
        seconds_left: An estimate: a step costs in proportion to its pixels. None before a chunk
            that compiled nothing.
        image: The picture as it stands.
    """

    step: int
    steps: int
    size: int
    loss: float
    terms: dict[str, float]
    parts: dict[str, float]
    seconds: float
    rate: float
    seconds_left: float | None
    image: Picture

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1, by steps."""
        return self.step / max(1, self.steps)

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f"  {self.seconds_left:.0f} s left"
        parts = " + ".join(f"{name} {value:.3g}" for name, value in self.parts.items())
        return (
            f"step {self.step}/{self.steps}  {self.size} px{left}  loss {self.loss:.4g} = {parts}"
        )


class Stylized(NamedTuple):
    """What `stylize` returns.

    Attributes:
        image: The picture, sRGB in [0, 1], float32.
        history: Each term's unweighted loss at every step, by name; and `"total"`, weighted.
        finite: False if a loss, gradient or pixel stopped being finite: `image` is then the last
            good picture, and `failure` says where it happened.
        failure: One line on what was not finite and when, or None.
        facts: What a manifest needs: settings with every default filled in, calibration constants,
            scales, weights and their SHA-256, seconds.
    """

    image: Picture
    history: dict[str, list[float]]
    finite: bool
    failure: str | None
    facts: dict[str, Any]


def stylize(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    on_progress: Callable[[Progress], object] | None = None,
    report: Callable[[str], None] | None = None,
    offline: bool = False,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    resume: bool = False,
    **changes: Any,
) -> Stylized:
    """Make the content look as if it were painted like the style.

    Args:
        content: What to show: a file, `"sample:NAME"`, or an array in [0, 1].
        style: How to paint it: likewise; a list or tuple of several.
        settings: Everything that can be chosen; the defaults if not given.
        on_progress: Called between chunks of steps. Where it raises `KeyboardInterrupt` a
            checkpoint is written first.
        report: Told, in lines, what is fetched and what was noticed.
        offline: Never fetch weights or pictures.
        checkpoint: The picture's file, beside which to write where the run stands now and then, for
            `resume`; see `jaxstyle.checkpoint`. Remove them (`Checkpoints.clear`) when the picture
            is written.
        checkpoint_seconds: Between two of them.
        resume: Go on from the newest checkpoint that is whole, if there is one; to the same bytes
            as without the interruption, on the same machine.
        changes: Settings by name, on top of `settings`: `stylize(a, b, size=128)`.

    Returns:
        The picture, every term's history, and whether all stayed finite.

    Raises:
        ValueError: A picture or a setting that cannot be used; a checkpoint of another run.
        TypeError: A setting that does not exist.
        OSError: A file or weights that are not here.

    >>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    >>> made = stylize(photo, painting, steps=2, scales=1)
    >>> made.image.shape
    (24, 32, 3)
    """
    sources = Sources(report=report, offline=offline)
    run = Run(content, style, chosen_settings(settings, changes), sources)
    kept = None
    if checkpoint is not None:
        kept = Checkpoints(checkpoint, sources.report, checkpoint_seconds)
    elif resume:
        raise ValueError("expected a checkpoint to resume from")
    return work(
        run, on_progress=on_progress, report=sources.report, checkpoints=kept, resume=resume
    )


def work(
    run: Run,
    *,
    on_progress: Callable[[Progress], object] | None = None,
    report: Callable[[str], None],
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    layouts: Sequence[Layout] = (),
) -> Stylized:
    """Go through a run's scales, coarse to fine; see `stylize`.

    Args:
        run: All that is needed.
        on_progress: Called between chunks of steps.
        report: Told what was noticed.
        checkpoints: Where to write where the run stands.
        resume: Whether to go on from there.
        layouts: Of a step at each scale; as memory allows if not given.
    """
    before = checkpoints.read(run) if checkpoints and resume else None
    began = time.perf_counter() - (before.seconds if before else 0.0)
    memory.clear_caches_if_crowded()
    compiled = run.compiled
    chosen = run.plan()
    report(str(chosen))
    if chosen.advice and run.settings.memory == "auto":
        raise ValueError(str(chosen))
    layouts = tuple(layouts or (chosen.layout_at(scale.size) for scale in run.scales))
    image, first_scale, taken = run.initial, 0, 0
    state: State | None = None
    record = Record(compiled.names)
    pace: float | None = None
    if not run.steps:
        report("no steps are taken: the picture is the one to start from")
    if before:
        first_scale, taken, state, record.history, constants, layouts, _ = before
    else:
        constants = run.calibration()
    for place, scale in list(enumerate(run.scales))[first_scale:]:
        layout = layouts[place]
        objective = run.prepared(scale.size, layout)
        objective = replace(objective, scales=constants or objective.scales)
        if not taken:
            first_image = jnp.asarray(resize(image, run.shape(scale.size)))
            state = compiled.start(first_image, run.rate, state)
        assert state is not None  # a checkpoint is written after steps
        chunk = compiled.chunk(layout, scale.size)
        for first in range(taken, scale.steps, chunk):
            chunk_began = time.perf_counter()
            count = min(chunk, scale.steps - first)
            state, totals, losses = compiled.advance(objective, state, count, run.rate, layout)
            record.add(totals, losses, int(state.step) - first, scale.size)
            if record.failure:
                break
            now = time.perf_counter()
            history, spent = record.history, now - began
            standing = RunState(place, first + count, state, history, constants, layouts, spent)
            if checkpoints:
                checkpoints.offer(run, standing)
            if on_progress:
                rate_now = count / (now - chunk_began)
                if first > taken:  # the first of a scale may have compiled
                    pace = rate_now * scale.size**2
                terms = record.last()
                weights = (float(part.weight) for part in compiled.parts)
                told = Progress(
                    step=record.steps,
                    steps=run.steps,
                    size=scale.size,
                    loss=history["total"][-1],
                    terms=terms,
                    parts={n: w * terms[n] for n, w in zip(terms, weights, strict=True)},
                    seconds=spent,
                    rate=rate_now,
                    seconds_left=run.work_left(record.steps) / pace if pace else None,
                    image=run.shown(np.asarray(state.image)),
                )
                try:
                    on_progress(told)
                except KeyboardInterrupt:
                    if checkpoints:
                        checkpoints.keep(run, standing)
                    raise
        image, taken = np.asarray(state.image), 0
        if record.failure:
            break
    facts = run.facts(constants) | {
        "memory": {
            "layout": layouts[-1],
            "layouts": list(layouts),
            "predicted": chosen.peak,
            "measured": memory.peak(),
            "available": chosen.available,
        },
        "seconds": round(time.perf_counter() - began, 3),
    }
    failure = record.failure
    return Stylized(run.shown(image), record.history, failure is None, failure, facts)


def plan(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    report: Callable[[str], None] | None = None,
    offline: bool = False,
    **changes: Any,
) -> memory.Plan:
    """How much memory `stylize` would take with the same arguments, and how it would do a step.

    Nothing runs: the programs are compiled, and say themselves what they need.
    """
    sources = Sources(report=report, offline=offline)
    return Run(content, style, chosen_settings(settings, changes), sources).plan()
