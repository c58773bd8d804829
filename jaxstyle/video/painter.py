"""How one frame is painted: from where earlier frames moved to, and held there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

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
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.flow import Flow, Gray, gray_of, move
from jaxstyle.video.trust import Trust, nearest_alone, trust

Flows = Callable[[int, Gray, int, Gray], tuple[Flow, Flow]]
"""From a frame's number and luma, and another's, to the flow towards the other, and back."""
OnChunk = Callable[[Loop, Chunk], object]


class Known(NamedTuple):
    """What is kept of a painted frame."""

    number: int
    raw: Picture  # as it was optimized, not cropped to [0, 1], before its colors are restored
    gray: Gray  # of the content


class Moved(NamedTuple):
    """What other frames say of a frame."""

    pictures: list[Picture]  # of each distance, moved here
    trusts: list[Trust]  # and how far it is to be trusted

    @property
    def share(self) -> float:
        """The part of the frame that the nearest one shows."""
        return float(self.trusts[0].visible.mean())


@dataclass(frozen=True)
class Painted:
    """A painted frame.

    Attributes:
        known: What later frames need of it.
        image: As it is shown: sRGB in [0, 1], rounded to 8 bits.
        is_cut: Whether it is the first of a scene.
        visible: The part of it that the frame before shows, 0 to 1; 0 of a film's first frame.
        steps: Taken in all.
        losses: Each term's unweighted loss at the last step, and `"total"`.
        failure: What was not finite, or None.
        seconds: That it took.
    """

    known: Known
    image: Picture
    is_cut: bool
    visible: float
    steps: int
    losses: Mapping[str, float]
    failure: str | None
    seconds: float


@dataclass
class Painter:
    """Paints the frames of one film, by one compiled program.

    Attributes:
        film: How frames follow one another.
        flows: Where optical flow comes from.
        constants: The calibration constants of the first frame, by size, which all frames take.
        layouts: How a step is laid out at each scale.
    """

    film: FilmSettings
    flows: Flows
    constants: dict[int, Constants] = field(default_factory=dict)
    layouts: tuple[Layout, ...] = ()

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
            backward, forward = self.flows(number, gray, other.number, other.gray)
            trusts.append(trust(backward, forward))
            pictures.append(move(other.raw, backward))
            if len(trusts) == 1 and trusts[0].visible.mean() < self.film.cut:
                return None
        return Moved(pictures, trusts)

    def paint(
        self,
        job: Job,
        number: int,
        others: Sequence[Known | None],
        before: Picture | None = None,
        on_chunk: OnChunk = lambda loop, chunk: None,
    ) -> Painted:
        """Paint a frame.

        Args:
            job: Of the frame as a picture.
            number: Of the frame.
            others: See `moved`.
            before: The frame as an earlier pass left it.
            on_chunk: Called after each chunk of steps.
        """
        began = time.perf_counter()
        gray = gray_of(job.original)
        moved = self.moved(number, gray, others) if self.film.warp else None
        job = self._job(job, moved, before)
        loop = Loop([job], self._steppers(job), [self._constants(job)])
        for chunk in loop.run():
            on_chunk(loop, chunk)
        self.constants = self.constants or loop.constants[0].by_size
        record = loop.records[0]
        if record.failure:
            logger.warning(f"frame {number + 1}: {record.failure}; its last good picture is used")
        raw = _cropped(np.asarray(loop.pictures[0]), job.original)
        shown = np.round(255 * displayed(job, loop.pictures[0])) / np.float32(255)
        last = {name: losses[-1] for name, losses in record.history.items() if losses}
        return Painted(
            known=Known(number, raw, gray),
            image=shown,
            is_cut=moved is None and others[:1] != [] and others[0] is not None,
            visible=moved.share if moved else 0.0,
            steps=record.steps,
            losses=last,
            failure=record.failure,
            seconds=time.perf_counter() - began,
        )

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

    def _constants(self, job: Job) -> JobConstants:
        if not self.constants:
            return JobConstants(job)
        constants = JobConstants(replace(job, settings=replace(job.settings, calibration=None)))
        constants.by_size = dict(self.constants)
        return constants

    def _steppers(self, job: Job) -> list[Any]:
        if not self.layouts:
            chosen = memory.plan(job)
            logger.info(str(chosen))
            if chosen.advice and job.settings.memory == "auto":
                raise ValueError(str(chosen))
            self.layouts = tuple(chosen.layout_at(scale.size) for scale in job.scales)
        return [single_stepper(job, layout) for layout in self.layouts[-len(job.scales) :]]


def _start(job: Job, moved: Moved, before: Picture | None) -> Picture:
    """Return the picture that a frame starts from.

    Where the nearest frames show what is here, their moved pictures; elsewhere the start of a
    picture on its own, in the colors that are around it, or what an earlier pass made.

    References:
        Ruder et al., section 4.1 (the first pass; they take the moved picture everywhere), and
        equation 11 with δ = 1/2 (later passes).
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
