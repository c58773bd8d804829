"""The loop over the frames of a film."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxstyle._util.log import logger
from jaxstyle.citations import summary
from jaxstyle.image.geometry import Picture
from jaxstyle.image.load import load_image
from jaxstyle.settings import GUIDES, Settings
from jaxstyle.transfer import manifest, owed
from jaxstyle.transfer.job import Job, identity, resolved_settings
from jaxstyle.transfer.loop import Chunk, Loop
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Source, Sources
from jaxstyle.video.clip import Clip, ClipFrame, Selection
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.kept import Kept
from jaxstyle.video.painter import Flows, Known, Painted, Painter
from jaxstyle.video.progress import FilmProgress, Meter
from jaxstyle.video.schedule import MovingGuides, moving_guides, style_shares

OnProgress = Callable[[FilmProgress], object]


@dataclass(frozen=True)
class FilmFrame:
    """A frame of a film.

    Attributes:
        number: From 0.
        image: The picture, sRGB in [0, 1], float32 rounded to 8 bits as files of films hold it.
        seconds: When it is shown, since the film's beginning.
        duration: How long, if the clip says so.
        facts: What the manifest says of it: whether it is the first of a scene (`cut`), the part
            that the frame before shows (`visible`), `steps`, `losses`, `failure`, `seconds`.
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
        on_progress: Called between chunks of steps.
        shared: What a manifest says of all frames, once the first is painted.
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
    on_progress: OnProgress | None = None
    shared: dict[str, Any] = field(default_factory=dict)

    def frames(self) -> Generator[FilmFrame, None, None]:
        """Paint the frames, and yield them in their order.

        Raises:
            ValueError: The clip has no frames or unlike ones, or the folder is of another film.
            OSError: A file cannot be read or written; what is done is kept.
        """
        with ExitStack() as stack:
            folder = self.folder
            if folder is None and self.film.passes > 1:
                folder = Path(stack.enter_context(TemporaryDirectory(prefix="jaxstyle-film-")))
            kept = Kept(folder) if folder else None
            painter = Painter(self.film, self.flows)
            self._scenes: dict[int, int] = {}
            self._meter = Meter(self.clip.count, self.film.passes, self.on_progress)
            first = self._forward(painter, kept)
            if self.film.passes == 1:
                yield from first
                return
            assert kept is not None
            frames = [*first]
            self._backward(painter, kept, frames)
            for frame in frames:
                again = kept.get(frame.number, _SECOND)
                assert again is not None
                yield replace(frame, image=kept.shown(frame.number), facts=again[1])

    def _forward(self, painter: Painter, kept: Kept | None) -> Iterator[FilmFrame]:
        """Paint each frame after the one before."""
        memory: dict[int, Known] = {}
        guides = MovingGuides(self.settings, self.selection)
        shape: tuple[int, ...] | None = None
        for number, frame in enumerate(self.clip.frames()):
            settings = self._at(guides.next(), frame.seconds)
            content = _content(frame)
            shape = shape or content.shape
            if content.shape != shape:
                raise ValueError(
                    f"expected frames of one size: frame {number + 1} of {self.clip.name} is "
                    f"{content.shape[1]} × {content.shape[0]}, the first {shape[1]} × {shape[0]}"
                )
            if not number:
                self._begin(self._job(content, settings), painter, kept)
            image, facts = self._next(number, content, settings, painter, kept, memory)
            self._meter.finish(image)
            shown = NO_PICTURE if image is None else image
            yield FilmFrame(number, shown, frame.seconds, frame.duration, facts)
        if shape is None:
            raise ValueError(f"{self.clip.name} has no frames")

    def _next(
        self,
        number: int,
        content: Picture,
        settings: Settings,
        painter: Painter,
        kept: Kept | None,
        memory: dict[int, Known],
    ) -> tuple[Picture | None, dict[str, Any]]:
        """Paint a frame of the first pass, or take it from what is kept.

        Returns:
            The frame as the film shows it, if this pass is the last; and its facts.
        """
        is_last = self.film.passes == 1
        digest = hashlib.sha256(np.ascontiguousarray(content).tobytes()).hexdigest()
        done = self._done(kept, number, digest)
        known: Known | None
        image: Picture | None
        if done is not None:
            known, facts = done
            image = kept.shown(number) if kept and is_last else None
        else:
            others = self._others(memory, number, -1)
            if number and number - 1 not in memory:
                raise ValueError(f"{self.folder} lacks frame {number}; leave out --resume")
            job = self._job(content, settings)
            known, image, facts = self._painted(painter, job, number, others, None)
            facts["sha256"] = digest
            image = image if is_last else None
            if kept:
                if number == 0:
                    self._note(painter, kept)
                kept.put(known, image, facts, content=None if is_last else job.original)
        self._scenes[number] = self._scenes.get(number - 1, 0) + facts["cut"]
        if known is not None:
            memory[number] = known
        # One more than the next frame needs: the newest may turn out to be damaged.
        forgotten = number - self.film.distances[-1] - 1
        if memory.pop(forgotten, None) is not None and kept and is_last:
            kept.slim(forgotten)
        return image, facts

    def _backward(self, painter: Painter, kept: Kept, frames: Sequence[FilmFrame]) -> None:
        """Paint each frame once more, from the mean of itself and its moved successor."""
        memory: dict[int, Known] = {}
        guides = MovingGuides(self.settings, self.selection)
        settings = [self._at(guides.next(), frame.seconds) for frame in frames]
        for frame in reversed(frames):
            number = frame.number
            again = kept.get(number, _SECOND)
            if again is not None and again[0] is not None and kept.picture(number).exists():
                memory[number] = again[0]
                self._meter.finish(None)
                continue
            first = kept.get(number)
            content = kept.content(number)
            if first is None or first[0] is None or content is None:
                raise ValueError(f"{kept.folder} lacks frame {number + 1}; leave out --resume")
            others = self._others(memory, number, 1)
            if self._scenes.get(number + 1) != self._scenes[number]:
                others = [None for _ in others]
            job = self._job(content, settings[number])
            known, shown, facts = self._painted(painter, job, number, others, first[0].raw)
            facts |= {"sha256": first[1]["sha256"], "cut": first[1]["cut"]}
            facts["steps"] += first[1]["steps"]
            facts["seconds"] = round(facts["seconds"] + first[1]["seconds"], 3)
            kept.put(known, shown, facts, _SECOND)
            memory[number] = known
            self._meter.finish(shown)

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
        return job

    def _begin(self, job: Job, painter: Painter, kept: Kept | None) -> None:
        """Say what all frames share, and resume what there is."""
        checksums = job.networks.checksums()
        moving = moving_guides(self.settings)
        # Of what differs from frame to frame: where it comes from, not this frame's.
        fixed = {name: getattr(self.settings, name) for name in ("style_shares", *GUIDES)}
        whole = replace(job, settings=replace(job.settings, **fixed))
        inputs = {role: dict(record) for role, record in job.inputs.items() if role != "content"}
        inputs |= {role: {"path": path} for role, path in moving.items()}
        self.shared = {
            "settings": manifest.plain(resolved_settings(whole)),
            "film": self.film.to_plain(),
            "times": list(self.times),
            "scales": [scale._asdict() for scale in job.scales],
            "inputs": inputs,
            "weights": checksums,
            "papers": [*map(summary, owed.of_film(job.settings, checksums))],
            **manifest.environment(),
        }
        obstacles = [one for one in whole.obstacles if one != "content" and one not in moving]
        if obstacles:
            self.shared["not_replayable"] = obstacles
        if kept is None:
            return
        self._identity: dict[str, Any] = identity(job) | {
            "film settings": {**self.film.to_plain(), "times": list(self.times)}
        }
        noted = kept.begin(self._identity, resume=self.resume)
        if noted:
            painter.layouts = tuple(noted["layouts"])
            painter.constants = {
                int(size): tuple(jnp.asarray(values, jnp.float32) for values in rows)
                for size, rows in noted["constants"].items()
            }

    def _note(self, painter: Painter, kept: Kept) -> None:
        """Keep what the first frame has decided for all."""
        constants = {
            str(size): [np.asarray(values).tolist() for values in rows]
            for size, rows in painter.constants.items()
        }
        kept.note(self._identity, {"constants": constants, "layouts": list(painter.layouts)})

    def _done(
        self, kept: Kept | None, number: int, digest: str
    ) -> tuple[Known | None, dict[str, Any]] | None:
        """Return a frame that was painted before the film was interrupted."""
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

    def _painted(
        self,
        painter: Painter,
        job: Job,
        number: int,
        others: Sequence[Known | None],
        before: Picture | None,
    ) -> tuple[Known, Picture, dict[str, Any]]:
        def on_chunk(loop: Loop, chunk: Chunk) -> None:
            record = loop.records[0]
            self._meter.chunk(
                record.steps, loop.jobs[0].steps, chunk.size, record.history["total"][-1]
            )

        painted = painter.paint(job, number, others, before, on_chunk)
        if painted.is_cut:
            logger.info(f"frame {number + 1} is the first of another scene")
        return painted.known, painted.image, _facts(painted)


_SECOND = "-2"
NO_PICTURE = np.zeros((1, 1, 3), np.float32)


def _content(frame: ClipFrame) -> Picture:
    """Return a frame as an array: what it is made of may be anything."""
    image = frame.image
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3:
        return image
    return load_image(image, "a frame")


def _facts(painted: Painted) -> dict[str, Any]:
    return {
        "cut": painted.is_cut,
        "visible": round(painted.visible, 4),
        "steps": painted.steps,
        "losses": dict(painted.losses),
        "failure": painted.failure,
        "seconds": round(painted.seconds, 3),
    }
