"""How an order is run: the studio's part between its queue and `jaxstyle.transfer`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from jaxstyle._util.lock import exclusive_lock
from jaxstyle.app.orders import Order
from jaxstyle.app.queue import Runner, Show, StoppedError, View
from jaxstyle.app.rooms import Room
from jaxstyle.app.uploads import path_of
from jaxstyle.grid.stylize_grid import stylize_grid
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import reread, storable
from jaxstyle.image.transparency import WHITE, over
from jaxstyle.settings import Settings
from jaxstyle.transfer import manifest
from jaxstyle.transfer.checkpoint import Checkpoints
from jaxstyle.transfer.continuation import continuation_of, continued_settings
from jaxstyle.transfer.geometry import displayed, displayed_alpha
from jaxstyle.transfer.job import Job, identity
from jaxstyle.transfer.loop import seconds_when_watched
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.manifest import beside
from jaxstyle.transfer.pictures import size_of
from jaxstyle.transfer.progress import GridProgress
from jaxstyle.transfer.result import Progress, Result
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.stylize import iterate_job

CHECKPOINT_SECONDS = 10.0
"""Between two checkpoints: less is lost than on the command line, as a page is closed easily."""

_WITH_RECIPES = ("size", "seed", "memory", "region_labels")
"""What a grid of recipes takes from the table, beside its pictures."""


def runner(*, offline: bool = False) -> Runner:
    """Return what runs orders; `offline`: it fetches neither weights nor samples."""

    def run(room: Room, order: Order, show: Show) -> None:
        sources = Sources(offline=offline)
        if order.sweep:
            _run_grid(room, order, show, offline)
        else:
            _run_single(room, order, show, sources)

    return run


def _run_single(room: Room, order: Order, show: Show, sources: Sources) -> None:
    picture = room.picture(order.name)
    with exclusive_lock(picture):
        job = job_of(room, order, sources)
        checkpoints = Checkpoints(picture, [identity(job)], CHECKPOINT_SECONDS)
        last: Progress | None = None
        result: Result | None = None
        show(_first_view(job, picture if checkpoints.exist else None))
        run = iterate_job(
            job,
            checkpoints=checkpoints,
            resume=checkpoints.exist,
            look_seconds=seconds_when_watched(),
        )
        try:
            with closing(run) as progresses:
                for last in progresses:
                    if last.result is None:
                        show(_view(last))
                    result = last.result
        except StoppedError:
            if last and not beside(picture).exists():
                pixels = storable(picture, last.image, last.alpha)
                manifest.replace_picture(picture, pixels)
            raise
        assert result is not None
        result.save(picture)
    if result.failure:
        raise ValueError(f"{result.failure}; the last good picture is kept")


def job_of(room: Room, order: Order, sources: Sources) -> Job:
    """Return the job of an order that is no grid.

    Raises:
        ValueError: An upload or a setting that cannot be used.
        OSError: A file or weights that are not there.
    """
    content = path_of(room, order.content)
    styles = tuple(path_of(room, stored) for stored in order.styles)
    settings = order.in_room(room)
    if not order.continues:
        return make_job(content, styles, settings, sources)
    start = room.folder / order.continues
    if beside(start).is_file():
        changes = {name: getattr(settings, name) for name in order.changes}
        return continuation_of(start, changes, sources, content, styles).job(sources)
    # A run that was stopped has no manifest: all of its settings are the order's.
    settings = replace(settings, size=size_of(settings))
    settings = continued_settings(settings, {}, start, settings.steps, content, sources)
    return make_job(content, styles, settings, sources)


def _first_view(job: Job, resumed: Path | None) -> View:
    """Return the picture that a run starts from: its programs may be compiled for a minute.

    Of a run that resumes it is the one that it left, if it left one when it was stopped.
    """
    pictures: dict[int, Picture] = {}
    if resumed is None:
        picture = displayed(job, job.initial)
        pictures[0] = over(picture, displayed_alpha(job, picture))
    elif resumed.is_file():
        pictures[0] = reread(resumed, background=WHITE)[0]
    return View(0, job.steps, job.scales[0].size, 0.0, 0.0, None, pictures)


def _view(progress: Progress) -> View:
    return View(
        step=progress.step,
        steps=progress.steps,
        size=progress.size,
        loss=progress.loss,
        seconds=progress.seconds,
        seconds_left=progress.seconds_left,
        pictures={0: over(progress.image, progress.alpha)},
        pace=1 / progress.rate if progress.rate else 0.0,
    )


def _in_common(room: Room, order: Order) -> tuple[Settings | None, dict[str, Any]]:
    """Return what all cells of a grid have in common: settings, or changes of what each recipe has.

    Whole recipes on an axis have programs of their own, which take their turn.
    """
    settings, usual = order.in_room(room), Settings()
    if "recipe" not in order.sweep:
        return settings, {}
    kept = {name: getattr(settings, name) for name in (*_WITH_RECIPES, *order.files)}
    return None, {name: value for name, value in kept.items() if value != getattr(usual, name)}


def _run_grid(room: Room, order: Order, show: Show, offline: bool) -> None:
    """Run a grid; its pictures fill in together."""
    settings, changes = _in_common(room, order)
    folder = room.folder / order.name
    pictures: dict[int, Picture] = {}
    began = time.perf_counter()
    last = View(0, 1, 0, 0.0, 0.0, None)

    def on_pictures(some: Mapping[int, Picture]) -> None:
        pictures.update(some)

    def on_progress(progress: GridProgress) -> None:
        nonlocal last
        last = View(
            step=progress.cells,
            steps=progress.of,
            size=progress.size,
            loss=progress.loss,
            seconds=time.perf_counter() - began,
            seconds_left=progress.seconds_left,
            pictures=dict(pictures),
        )
        show(last)

    stylize_grid(
        path_of(room, order.content),
        [path_of(room, stored) for stored in order.styles],
        settings,
        sweep=cast("Mapping[str, Any]", order.sweep),
        folder=folder,
        resume=True,
        on_pictures=on_pictures,
        on_progress=on_progress,
        offline=offline,
        **changes,
    )
