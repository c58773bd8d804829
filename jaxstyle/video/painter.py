"""How one frame is painted: from where earlier frames moved to, and held there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool
from scipy.ndimage import gaussian_filter

from jaxstyle._util.log import logger
from jaxstyle.image.geometry import Picture, pad_to_bucket
from jaxstyle.metrics.temporal import temporal
from jaxstyle.objective.calibration import Constants
from jaxstyle.objective.term import Term
from jaxstyle.transfer import memory
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.geometry import displayed
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.loop import Chunk, Loop
from jaxstyle.transfer.scales import Scale
from jaxstyle.transfer.steppers.stepper import Layout
from jaxstyle.transfer.steppers.tiled import single_stepper
from jaxstyle.transfer.steppers.whole import WholeStepper
from jaxstyle.video.canvas import Canvas, Finished, Known, Moved, Painted
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.flow import Flow, Gray, gray_of, move
from jaxstyle.video.trust import Trust, nearest_alone, trust

Flows = Callable[[int, Gray, int, Gray], tuple[Flow, Flow]]
"""From a frame's number and luma, and another's, to the flow towards the other, and back."""
OnChunk = Callable[[Loop, Chunk], object]


@dataclass
class Painter:
    """Prepares the frames of one film, and paints them, by one compiled program.

    Attributes:
        film: How frames follow one another.
        flows: Where optical flow comes from.
        constants: The calibration constants of the first frame, by size, which all frames take.
        layouts: How a step of a frame that is painted alone is laid out, by size.
    """

    film: FilmSettings
    flows: Flows
    constants: dict[int, Constants] = field(default_factory=dict)
    layouts: dict[int, Layout] = field(default_factory=dict)

    def moved(self, number: int, gray: Gray, others: Sequence[Known | None]) -> Moved | None:
        """Move other frames to where this one is; None if there is none, or a cut between.

        Args:
            number: Of the frame.
            gray: Its luma.
            others: The frames at the film's distances, the nearest first; None where there is none.
        """
        if not others or others[0] is None:
            return None
        pictures, trusts = [], []
        nothing = np.zeros(gray.shape, bool), np.zeros(gray.shape, np.float32)
        for other in others:
            if other is None:
                pictures.append(np.zeros((*gray.shape, 3), np.float32))
                trusts.append(Trust(*nothing))
                continue
            backward, shown = self.compared(number, gray, other)
            if trusts:
                shown = shown.where_alike(gray, move(other.gray, backward, order=1))
            trusts.append(shown)
            pictures.append(move(other.raw, backward))
            if len(trusts) == 1 and self.is_cut(trusts[0]):
                return None
        return Moved(pictures, trusts)

    def compared(self, number: int, gray: Gray, other: Known) -> tuple[Flow, Trust]:
        """Return the flow from a frame towards another, and what of it the other shows."""
        backward, forward = self.flows(number, gray, other.number, other.gray)
        return backward, trust(backward, forward)

    def is_cut(self, before: Trust) -> bool:
        """Whether the frame before shows so little of a frame that a scene begins there."""
        return bool(before.visible.mean() < self.film.cut)

    def ready(
        self,
        job: Job,
        number: int,
        others: Sequence[Known | None],
        before: Picture | None = None,
    ) -> Canvas:
        """Prepare a frame.

        Args:
            job: Of the frame as a picture.
            number: Of the frame.
            others: See `moved`.
            before: The frame as an earlier pass left it.
        """
        began = time.perf_counter()
        gray = gray_of(job.original)
        moved = self.moved(number, gray, others) if self.film.warp else None
        has_other = self.film.warp and bool(others) and others[0] is not None
        job = self._job(job, moved, before)
        return Canvas(
            job=job,
            constants=self._constants(job),
            number=number,
            gray=gray,
            moved=moved,
            is_cut=moved is None and has_other,
            is_again=before is not None,
            seconds=time.perf_counter() - began,
        )

    def paint(self, canvas: Canvas, on_chunk: OnChunk = lambda loop, chunk: None) -> Painted:
        """Paint a frame alone.

        Args:
            canvas: The frame.
            on_chunk: Called after each chunk of steps.
        """
        began, job = time.perf_counter(), canvas.job
        loop = Loop([job], self._steppers(job), [canvas.constants])
        for chunk in loop.run():
            on_chunk(loop, chunk)
        return self.painted(canvas, Finished(loop, seconds=time.perf_counter() - began))

    def painted(self, canvas: Canvas, finished: Finished) -> Painted:
        """Return a frame that a loop has painted; of the first one, all others take constants."""
        loop, lane, seconds, place = finished
        job, record, moved = canvas.job, loop.records[lane], canvas.moved
        self.constants = self.constants or canvas.constants.by_size
        if record.failure:
            logger.warning(
                f"frame {canvas.number + 1}: {record.failure}; its last good picture is used"
            )
        raw = _cropped(np.asarray(loop.pictures[lane]), job.original)
        shown = np.round(255 * displayed(job, loop.pictures[lane])) / np.float32(255)
        return Painted(
            known=Known(canvas.number, raw, canvas.gray),
            image=shown,
            is_cut=canvas.is_cut,
            visible=moved.share if moved else 0.0,
            steps=record.steps,
            losses={name: losses[-1] for name, losses in record.history.items() if losses},
            failure=record.failure,
            seconds=canvas.seconds + seconds,
            place=place,
        )

    def calibrate(self, job: Job) -> None:
        """Compute the constants that all frames take, from the job of the first one."""
        constants = JobConstants(self._job(job, None, None))
        for scale in job.scales:
            constants.at(scale.size)
        self.constants = constants.by_size

    def _constants(self, job: Job) -> JobConstants:
        if not self.constants:
            return JobConstants(job)
        constants = JobConstants(replace(job, settings=replace(job.settings, calibration=None)))
        constants.by_size = dict(self.constants)
        return constants

    def _job(self, job: Job, moved: Moved | None, before: Picture | None) -> Job:
        """Return the job of a frame that starts from moved ones and is compared with them."""
        term = Term(
            temporal(self.film.temporal_metric, len(self.film.distances)),
            (),
            weight=self.film.temporal_weight if moved else 0.0,
            positions=0,
        )
        job = replace(job, terms=(*job.terms, term))
        given = job.settings.calibration
        if given is not None:
            # Constants that somebody chose have none for this term: its distance is as it is.
            given = {"temporal": [1.0], **given}  # type: ignore[dict-item]
            job = replace(job, settings=replace(job.settings, calibration=given))
        if moved is None and before is None:
            return job
        start = before if moved is None else _start(job, moved, before)
        assert start is not None
        shape = job.initial.shape[0], job.initial.shape[1]
        targets: dict[int, Any] = {}
        if moved:
            weights = nearest_alone([one.weights for one in moved.trusts])
            # Beyond the frame, in the bucket, its mirror image is held as it is itself.
            targets[len(job.terms) - 1] = (
                np.stack([pad_to_bucket(picture, shape) for picture in moved.pictures]),
                np.stack([pad_to_bucket(weight, shape) for weight in weights]),
            )
        return replace(
            job,
            initial=pad_to_bucket(start, shape),
            scales=(Scale(job.scales[-1].size, self.film.frame_steps),),
            given_targets=targets,
        )

    def _steppers(self, job: Job) -> list[WholeStepper]:
        sizes = [scale.size for scale in job.scales]
        if not self.layouts.keys() >= {*sizes}:
            chosen = memory.plan(job)
            logger.info(str(chosen))
            if chosen.advice and job.settings.memory == "auto":
                raise ValueError(str(chosen))
            # What is known of a size stays: other frames were made so.
            self.layouts = {size: chosen.layout_at(size) for size in sizes} | self.layouts
        return [single_stepper(job, self.layouts[size]) for size in sizes]


def _start(job: Job, moved: Moved, before: Picture | None) -> Picture:
    """Return the picture that a frame starts from.

    Where the nearest frames show what is here, their moved pictures; elsewhere the start of a
    picture on its own, in the colors that are around it, or what an earlier pass made.

    References:
        Ruder et al.: the first pass by their initialization (they take the moved picture
        everywhere), later ones by the blend of their multi-pass algorithm, with δ = 1/2.
    """
    if before is not None:
        visible = moved.trusts[0].weights[..., None]
        return (before + 0.5 * visible * (moved.pictures[0] - before)).astype(np.float32)
    alone = _cropped(job.initial, job.original)
    start, is_known = alone, np.zeros(alone.shape[:2], bool)
    for picture, other in reversed([*zip(moved.pictures, moved.trusts, strict=True)]):
        start = np.where(other.visible[..., None], picture, start)
        is_known |= other.visible
    # Few steps at full size do not give an area the style's colors: it begins with what paint has
    # changed around it.
    changes = spread(start - alone, is_known)
    return np.where(is_known[..., None], start, np.clip(alone + changes, 0, 1)).astype(np.float32)


def spread(values: Picture, is_known: Bool[np.ndarray, "_h _w"]) -> Picture:
    """Return means of the known values around each pixel: of near ones, where there are enough."""
    result = np.zeros_like(values, np.float32)
    weights = is_known.astype(np.float32)
    for part in _REACHES:
        reach = max(1.0, part * max(values.shape[:2]))
        near = gaussian_filter(weights, reach)
        sums = gaussian_filter(weights[..., None] * values, (reach, reach, 0))
        enough = (near > _ENOUGH)[..., None]
        result = np.where(enough, sums / np.maximum(near, _ENOUGH)[..., None], result)
    return result


_REACHES = (0.3, 0.1, 0.03)
"""How far values are spread, standard deviations in parts of the longest side; the last wins."""
_ENOUGH = 0.05
"""The part of what is around that has to be known."""


def _cropped(picture: Picture, original: Picture) -> Picture:
    """Crop a picture from its bucket."""
    return picture[: original.shape[0], : original.shape[1]]
