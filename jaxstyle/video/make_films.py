"""Films from clips: those of one shape together, and what became of each."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import jax

from jaxstyle._util.files import reason
from jaxstyle._util.lock import exclusive_lock
from jaxstyle._util.log import logger
from jaxstyle.transfer.batch import plan_batches
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers.batched import BatchSpec
from jaxstyle.video.canvas import Canvas, Place
from jaxstyle.video.facts import place_in
from jaxstyle.video.film import ALL, Film, Span, Turn, Turns
from jaxstyle.video.kept import unfinished
from jaxstyle.video.make import FilmRun
from jaxstyle.video.progress import Meter, OnProgress
from jaxstyle.video.scenes import scenes_of, spans_of
from jaxstyle.video.together import EXPECTED, Lanes, Task, Together

MOST_LANES = 16
"""Films at a time on one device."""


Status = Literal["made", "finished", "failed"]


class MadeFilm(NamedTuple):
    """What became of a film.

    Attributes:
        clip: What it is of.
        film: Where it lies, or would lie, had it not failed.
        manifest: Likewise.
        status: It was `"made"`; it was `"finished"` before, with the same settings and files; or it
            `"failed"`.
        frames: How many it has.
        failure: Why, in one line; what is done is kept for `resume`.
    """

    clip: str
    film: Path
    manifest: Path
    status: Status
    frames: int = 0
    failure: str | None = None


def make_film(
    run: FilmRun,
    *,
    lanes: int | None = None,
    resume: bool = False,
    on_progress: OnProgress | None = None,
) -> int:
    """Make a film, and its manifest.

    Args:
        run: What it is made of.
        lanes: The most scenes at a time; None for one after the other.
        resume: Resume where it was interrupted.
        on_progress: Called between chunks of steps.

    Returns:
        The number of its frames.

    Raises:
        ValueError: Something cannot be used.
        OSError: Something cannot be read or written; what is done is kept beside the output.
    """
    films = _Films([run], lanes, resume, on_progress)
    films.make()
    if films.errors:
        raise films.errors[0]
    return films.done[0].frames


def make_films(
    runs: Sequence[FilmRun],
    *,
    lanes: int | None = None,
    resume: bool = False,
    on_progress: OnProgress | None = None,
) -> list[MadeFilm]:
    """Make films; one that fails is logged, and the others go on.

    Films of one shape are painted together, each a lane of one program.

    Args:
        runs: What they are made of: with one film's settings, clips and outputs apart.
        lanes: The most films at a time; if there are fewer, scenes of theirs. Default: 16 a device,
            as memory allows, and no scenes.
        resume: Resume where they were interrupted; films that are there, whole, are not made again.
        on_progress: Called between chunks of steps, with the frames of all films.

    Returns:
        What became of each, in order.

    Raises:
        ValueError: None can be made.
    """
    films = _Films(runs, lanes, resume, on_progress)
    films.make()
    if len(films.errors) == len(runs):
        raise ValueError("; ".join(dict.fromkeys(map(reason, films.errors.values()))))
    return [films.done[number] for number in range(len(runs))]


@dataclass
class _Opened:
    """A film whose clip is open."""

    number: int
    run: FilmRun
    film: Film
    finished: list[dict[str, Any]] | None = None  # its frames, if it is there already
    spans: Sequence[Span] = (ALL,)
    left: int = 0  # spans that have not ended

    @property
    def width(self) -> int | None:
        """In how many lanes it was painted before, if it was."""
        if self.finished is None:
            return self.film.width
        place = place_in(self.finished[0], 0)
        return place.width if place else None


class _Films:
    """Films that are made together.

    Attributes:
        done: What became of each, by number.
        errors: Of those that failed.
    """

    def __init__(
        self,
        runs: Sequence[FilmRun],
        lanes: int | None,
        resume: bool,
        on_progress: OnProgress | None,
    ) -> None:
        self.done: dict[int, MadeFilm] = {}
        self.errors: dict[int, Exception] = {}
        self._runs, self._lanes, self._resume = runs, lanes, resume
        self._meter, self._devices = Meter(None, on_progress), jax.devices()
        self._sources = Sources(offline=runs[0].offline)
        # Of several processes the first writes, and each paints the lanes of its devices.
        self._is_first = jax.process_index() == 0

    def make(self) -> None:
        """Make them, those of one shape together."""
        with ExitStack() as locks:
            groups: dict[Hashable, list[_Opened]] = {}
            models: dict[Hashable, Job] = {}
            for number in range(len(self._runs)):
                with self._blamed(number):
                    one, job = self._open(number, locks)
                    key = job.program_key
                    groups.setdefault(key, []).append(one)
                    models.setdefault(key, job)  # one is enough: each holds its pictures
            opened = [one for group in groups.values() for one in group]
            counts = [one.film.clip.count for one in opened]
            if None not in counts:
                self._meter.of = sum(
                    (count or 0) * one.film.film.passes
                    for count, one in zip(counts, opened, strict=True)
                )
            for key, group in groups.items():
                self._make(group, models[key])

    @contextmanager
    def _blamed(self, number: int) -> Iterator[None]:
        try:
            yield
        except EXPECTED as error:
            self._fail(number, error)

    def _open(self, number: int, locks: ExitStack) -> tuple[_Opened, Job]:
        """Open a film's clip, and return it with the job of its first frame."""
        run = self._runs[number]
        clip = run.check()
        folder: Path | None = None
        if self._is_first:
            locks.enter_context(exclusive_lock(run.output))
            folder = unfinished(run.output)
        elif run.film.passes > 1:
            folder = Path(locks.enter_context(TemporaryDirectory(prefix="jaxstyle-film-")))
        film = run.film_of(clip, self._sources, self._meter, folder=folder, resume=self._resume)
        job, one = film.open(), _Opened(number, run, film)
        if self._resume and not run.then:
            one.finished = run.finished(film)
        if one.finished is None:
            film.begin()
        return one, job

    def _make(self, group: Sequence[_Opened], model: Job) -> None:
        """Make films of one program key, of which one has this job for its first frame."""
        if all(one.finished for one in group):
            for one in group:
                self._end(one)
            return
        if self._lanes and self._lanes > len(group):
            for one in group:
                with self._blamed(one.number):
                    one.spans = self._scenes(one)
            group = [one for one in group if one.number not in self.errors]
        tasks = [self._task(one, span) for one in group for span in one.spans]
        width = self._width(group, len(tasks), model)
        for one in group:
            one.left, one.film.width = len(one.spans), width
        Together(tasks, Lanes(width, self._devices), self._meter).run()

    def _scenes(self, one: _Opened) -> Sequence[Span]:
        """Return the scenes of a film, each of which begins anew."""
        if one.finished:
            cuts = [number for number, facts in enumerate(one.finished) if facts["cut"]]
            return spans_of(cuts)
        spans = scenes_of(one.film)
        if len(spans) > 1 and not one.film.painter.constants:
            one.film.painter.calibrate(one.film.open())
        return spans

    def _width(self, group: Sequence[_Opened], count: int, model: Job) -> int:
        """Choose how many films, or scenes, are painted at a time."""
        least = len(self._devices)
        most = self._lanes or MOST_LANES * least
        if min(count, most) < 2 or model.settings.memory.isdigit():
            return 1
        job = group[0].film.painter.ready(model, 0, [None]).job
        before = max(one.width or 0 for one in group)
        spec = BatchSpec(math.ceil(min(before or count, most) / least) * least, shared=False)
        plan = plan_batches([job], None, self._devices, spec)
        logger.info(plan.describe([job] * count, "film" if count == len(group) else "scene"))
        if not plan.fits:
            return 1
        # By halves, so that a little more or less memory does not change it.
        halved = least * 2 ** int(math.log2(plan.width / least))
        return spec.width if plan.width == spec.width else halved

    def _task(self, one: _Opened, span: Span) -> Task:
        def then(canvas: Canvas) -> Place | None:
            facts = one.run.then[canvas.number] if canvas.number < len(one.run.then) else {}
            return place_in(facts, canvas.is_again)

        turns = _turns_before(one, span) if one.finished else one.film.turns(span)
        end, fail = partial(self._end, one), partial(self._fail, one.number)
        return Task(turns, end, fail, then if one.run.then else None)

    def _end(self, one: _Opened) -> None:
        """Write a film whose last scene has ended."""
        one.left -= 1
        if one.left > 0 or one.number in self.errors:
            return
        if one.finished is None and self._is_first:
            one.run.write(one.film)
        frames = len(one.finished or one.film.painted)
        status: Status = "finished" if one.finished else "made"
        run = one.run
        self.done[one.number] = MadeFilm(run.clip, run.output, run.manifest, status, frames)

    def _fail(self, number: int, error: Exception) -> None:
        """Note why a film ends; what is done of it is kept."""
        run = self._runs[number]
        if number in self.errors:
            return
        is_kept = any(unfinished(run.output).glob("*.npz"))
        if isinstance(error, (OSError, ValueError)) and is_kept and "--resume" not in str(error):
            text = f"{reason(error)}; what is done is kept, and --resume continues"
            kind = type(error) if type(error) in (OSError, ValueError) else OSError
            explained = kind(text)
            explained.__cause__ = error
            error = explained
        self.errors[number] = error
        text = reason(error) or type(error).__name__
        line = text if run.clip in text else f"{run.clip}: {text}"
        if len(self._runs) > 1:
            logger.error(line)
        self.done[number] = MadeFilm(run.clip, run.output, run.manifest, "failed", 0, line)


def _turns_before(one: _Opened, span: Span) -> Turns:
    """Have the turns of a film that is there, so that the others are painted as they would be."""
    assert one.finished is not None
    film, (first, end) = one.film.film, span
    numbers = range(len(one.finished))[first:end]
    for number in numbers:
        is_whole = number == first or one.finished[number]["cut"] or not film.warp
        yield Turn(number, is_whole, None)
    for number in reversed(numbers) if film.passes > 1 else ():
        yield Turn(number, False, None)
