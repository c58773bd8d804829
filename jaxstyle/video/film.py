"""The loop over the frames of a film."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxstyle._util.log import logger
from jaxstyle.image.geometry import Picture
from jaxstyle.image.load import load_image
from jaxstyle.settings import Settings
from jaxstyle.transfer.job import Job, identity
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Source, Sources
from jaxstyle.video.canvas import Canvas, Finished, Known, Painted
from jaxstyle.video.clip import Clip, ClipFrame, Selection
from jaxstyle.video.facts import frame_facts, shared_facts
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.flow import Gray, gray_of
from jaxstyle.video.kept import Kept
from jaxstyle.video.painter import Flows, Painter
from jaxstyle.video.progress import Meter
from jaxstyle.video.schedule import MovingGuides, moving_guides, style_shares

Span = tuple[int, int | None]
"""A part of a clip: its first frame, and the one after its last; None for the end."""
ALL: Span = (0, None)


class Turn(NamedTuple):
    """A frame of one of the passes is done."""

    number: int  # of the frame
    is_whole: bool  # whether it was made as a picture is, from coarse to fine
    image: Picture | None  # as the film shows it, after the last pass


Turns = Generator[Canvas | Turn, Finished | None, None]
"""Yields a frame to be painted, and is sent what painted it, or None to paint it alone; then that
it is done. Of a frame that was painted before only the latter."""


@dataclass(frozen=True)
class FilmFrame:
    """A frame of a film.

    Attributes:
        number: From 0.
        image: The picture, sRGB in [0, 1], float32 rounded to 8 bits as files of films hold it.
        seconds: When it is shown, since the film's beginning.
        duration: How long, if the clip says so.
        facts: What the manifest says of it: whether it is the first of a scene (`cut`), the part
            that the frame before shows (`visible`), `steps`, `losses`, `failure`, `seconds`; of
            one that was painted together with others, the width and the lane of each pass
            (`lanes`).
    """

    number: int
    image: Picture
    seconds: float
    duration: float | None
    facts: Mapping[str, Any]


@dataclass
class Film:
    """A film to be made.

    Attributes:
        clip: What it shows.
        styles: How it is painted.
        settings: Of its pictures.
        film: How its frames follow one another.
        flows: Where optical flow comes from.
        sources: Where pictures and weights come from.
        selection: Which frames of the clip it has.
        times: When each style is shown, seconds; empty for all of them always.
        folder: Where it is kept while it is made, for `resume`; None for nowhere.
        resume: Whether it resumes with what is in the folder.
        meter: To whom chunks of steps are reported.
        width: How many films, or scenes of one, are painted together; None if that is not known.
        shared: What a manifest says of all frames, once the first is read.
        painted: The frames that are done, by number, without their pictures.
    """

    clip: Clip
    styles: Sequence[Source]
    settings: Settings
    film: FilmSettings
    flows: Flows
    sources: Sources
    selection: Selection = field(default_factory=Selection)
    times: tuple[float, ...] = ()
    folder: Path | None = None
    resume: bool = False
    meter: Meter = field(default_factory=Meter)
    width: int | None = None
    shared: dict[str, Any] = field(default_factory=dict)
    painted: dict[int, FilmFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read and write nothing yet."""
        self.painter = Painter(self.film, self.flows)
        self._kept = Kept(self.folder) if self.folder else None
        self._identity: dict[str, Any] = {}
        self._noted: dict[str, Any] = {}
        self._scenes: dict[int, int] = {}  # of each frame the first of its scene
        self._shape: tuple[int, ...] = ()
        self._moving = moving_guides(self.settings)

    def frames(self) -> Generator[FilmFrame, None, None]:
        """Paint the frames one after the other, and yield them in their order.

        Raises:
            ValueError: The clip has no frames or unlike ones, or the folder is of another film.
            OSError: A file cannot be read or written; what is done is kept.
        """
        with ExitStack() as stack:
            if self._kept is None and self.film.passes > 1:
                folder = stack.enter_context(TemporaryDirectory(prefix="jaxstyle-film-"))
                self._kept = Kept(Path(folder))
            for turn in stack.enter_context(closing(self.turns())):
                if isinstance(turn, Canvas):
                    continue
                self.meter.finish([turn.image])
                if turn.image is not None and self.film.passes == 1:
                    yield replace(self.painted[turn.number], image=turn.image)
            if self.film.passes > 1:
                assert self._kept is not None
                for number, frame in self.painted.items():
                    yield replace(frame, image=self._kept.shown(number))

    def open(self) -> Job:
        """Read the first frame of a clip that can be read again, and say what all frames share.

        Returns:
            Its job.

        Raises:
            ValueError: There is none.
        """
        frame = next(self.clip.frames(), None)
        if frame is None:
            raise ValueError(f"{self.clip.name} has no frames")
        settings = self._at(MovingGuides(self.settings, self.selection).next(), frame.seconds)
        job = self._job(_content(frame), settings)
        self._share(job)
        return job

    def grays(self) -> Iterator[Gray]:
        """Read the clip, and yield the luma of each frame in the size of the film."""
        guides = MovingGuides(self.settings, self.selection)
        for frame in self.clip.frames():
            yield gray_of(
                self._job(_content(frame), self._at(guides.next(), frame.seconds)).original
            )

    def digests(self) -> Iterator[str]:
        """Read the clip, and yield the SHA-256 of each frame."""
        return (_digest(_content(frame)) for frame in self.clip.frames())

    def begin(self) -> None:
        """Begin with the folder, after `open`: resume what there is, or begin anew."""
        if self._kept is None:
            return
        noted = self._kept.begin(self._identity, resume=self.resume)
        if noted:
            self._noted, self.width = noted, noted["width"]
            self.painter.layouts = {int(size): one for size, one in noted["layouts"].items()}
            self.painter.constants = {
                int(size): tuple(jnp.asarray(values, jnp.float32) for values in rows)
                for size, rows in noted["constants"].items()
            }

    def turns(self, span: Span = ALL) -> Turns:
        """Go through a part of the clip, a scene or all of it, in all passes."""
        yield from self._forward(span)
        if self.film.passes > 1:
            yield from self._backward(span)

    def _forward(self, span: Span) -> Turns:
        """Paint each frame after the one before."""
        first, end = span
        memory: dict[int, Known] = {}
        guides = MovingGuides(self.settings, self.selection)
        for number, frame in enumerate(self.clip.frames()):
            if number == end:
                break
            guide = guides.next()
            if number < first:
                continue
            settings, content = self._at(guide, frame.seconds), _content(frame)
            self._shape = self._shape or content.shape
            if content.shape != self._shape:
                (tall, wide), (height, width) = content.shape[:2], self._shape[:2]
                raise ValueError(
                    f"expected frames of one size: frame {number + 1} of {self.clip.name} is "
                    f"{wide} × {tall}, the first {width} × {height}"
                )
            if not self.shared:
                self._share(self._job(content, settings))
                self.begin()
            image, facts = yield from self._next(number, first, content, settings, memory)
            self.painted[number] = FilmFrame(
                number, NO_PICTURE, frame.seconds, frame.duration, facts
            )
            is_whole = self._scenes[number] == number or not self.film.warp
            yield Turn(number, is_whole, image)
        if not self._shape:
            raise ValueError(f"{self.clip.name} has no frames")

    def _next(
        self,
        number: int,
        first: int,
        content: Picture,
        settings: Settings,
        memory: dict[int, Known],
    ) -> Generator[Canvas, Finished | None, tuple[Picture | None, dict[str, Any]]]:
        """Paint a frame of the first pass, or take it from what is kept.

        Returns:
            The frame as the film shows it, if this pass is the last; and its facts.
        """
        kept, is_last = self._kept, self.film.passes == 1
        digest = _digest(content)
        done = self._done(number, digest)
        known: Known | None
        image: Picture | None
        if done is not None:
            known, facts = done
            image = kept.shown(number) if kept and is_last else None
        else:
            others = self._others(memory, number, -1)
            if number > first and number - 1 not in memory:
                raise ValueError(f"{self.folder} lacks frame {number}; leave out --resume")
            job = self._job(content, settings)
            painted = yield from self._painted(self.painter.ready(job, number, others))
            known, image = painted.known, painted.image if is_last else None
            facts = frame_facts(painted) | {"sha256": digest}
            facts["cut"] |= first > 0 and number == first
            if facts["cut"]:
                logger.info(f"frame {number + 1} is the first of another scene")
            if kept:
                self._note(kept)
                kept.put(known, image, facts, content=None if is_last else job.original)
        starts = facts["cut"] or number == first
        self._scenes[number] = number if starts else self._scenes[number - 1]
        if known is not None:
            memory[number] = known
        # One more than the next frame needs: the newest may turn out to be damaged.
        forgotten = number - self.film.distances[-1] - 1
        if memory.pop(forgotten, None) is not None and kept and is_last:
            kept.slim(forgotten)
        return image, facts

    def _backward(self, span: Span) -> Turns:
        """Paint each frame once more, from the mean of itself and its moved successor."""
        kept, (first, end) = self._kept, span
        assert kept is not None
        memory: dict[int, Known] = {}
        guides = MovingGuides(self.settings, self.selection)
        numbers = [n for n in sorted(self.painted) if n >= first and (end is None or n < end)]
        given = [guides.next() for _ in range(numbers[-1] + 1)]
        for number in reversed(numbers):
            frame = self.painted[number]
            again = kept.get(number, _SECOND)
            if again is not None and again[0] is not None and kept.picture(number).exists():
                memory[number], facts, image = again[0], again[1], None
            else:
                before = kept.get(number)
                content = kept.content(number)
                if before is None or before[0] is None or content is None:
                    raise ValueError(f"{kept.folder} lacks frame {number + 1}; leave out --resume")
                others = self._others(memory, number, 1)
                if self._scenes.get(number + 1) != self._scenes[number]:
                    others = [None for _ in others]
                job = self._job(content, self._at(given[number], frame.seconds))
                canvas = self.painter.ready(job, number, others, before[0].raw)
                painted = yield from self._painted(canvas)
                facts = frame_facts(painted, before[1])
                self._note(kept)
                kept.put(painted.known, painted.image, facts, _SECOND)
                memory[number], image = painted.known, painted.image
            self.painted[number] = replace(frame, facts=facts)
            yield Turn(number, False, image)

    def _painted(self, canvas: Canvas) -> Generator[Canvas, Finished | None, Painted]:
        """Let a frame be painted, or paint it alone."""
        finished = yield canvas
        if finished is None:
            return self.painter.paint(canvas, self.meter.chunk)
        return self.painter.painted(canvas, finished)

    def _others(self, memory: Mapping[int, Known], number: int, way: int) -> list[Known | None]:
        """Return the frames at the film's distances: those of one scene, the nearest's."""
        scene = self._scenes.get(number + way)
        places = [number + way * distance for distance in self.film.distances]
        return [memory.get(at) if self._scenes.get(at) == scene else None for at in places]

    def _at(self, settings: Settings, seconds: float) -> Settings:
        """Return the settings of a frame at a time."""
        if not self.times:
            return settings
        return replace(settings, style_shares=style_shares(self.times, seconds))

    def _job(self, content: Picture, settings: Settings) -> Job:
        job = make_job(content, self.styles, settings, self.sources)
        self.sources.forget(content)
        # One program for all frames, whatever masks hold that move.
        return replace(job, guide=job.guide._replace(repeats=bool(self._moving)))

    def _share(self, job: Job) -> None:
        """Say what all frames share, and what decides them."""
        self.shared = shared_facts(job, self.settings, self.film, self.times)
        self._identity = identity(job) | {
            "film settings": {**self.film.to_plain(), "times": list(self.times)}
        }

    def _note(self, kept: Kept) -> None:
        """Keep what the first frame has decided for all, and how steps are laid out."""
        constants = {
            str(size): [np.asarray(values).tolist() for values in rows]
            for size, rows in self.painter.constants.items()
        }
        layouts = {str(size): layout for size, layout in self.painter.layouts.items()}
        noted = {"constants": constants, "layouts": layouts, "width": self.width or 1}
        if noted != self._noted:
            kept.note(self._identity, noted)
            self._noted = noted

    def _done(self, number: int, digest: str) -> tuple[Known | None, dict[str, Any]] | None:
        """Return a frame that was painted before the film was interrupted."""
        kept = self._kept
        if kept is None or not self.resume:
            return None
        done = kept.get(number)
        if done is None or (self.film.passes == 1 and not kept.picture(number).exists()):
            return None
        if done[1]["sha256"] != digest:
            raise ValueError(
                f"{kept.folder} is of a film of another clip: frame {number + 1} differs; leave "
                "out --resume to start again"
            )
        return done


def _digest(content: Picture) -> str:
    return hashlib.sha256(np.ascontiguousarray(content).tobytes()).hexdigest()


_SECOND = "-2"
NO_PICTURE = np.zeros((1, 1, 3), np.float32)


def _content(frame: ClipFrame) -> Picture:
    """Return a frame as an array: what it is made of may be anything."""
    image = frame.image
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3:
        return image
    return load_image(image, "a frame")
