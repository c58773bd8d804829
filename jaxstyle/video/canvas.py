"""A frame of a film before, while and after it is painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from jaxstyle.image.geometry import Picture
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.loop import Loop
from jaxstyle.video.flow import Gray
from jaxstyle.video.trust import Trust


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


class Place(NamedTuple):
    """A lane in which a frame is painted."""

    width: int  # of how many
    lane: int  # which


class Finished(NamedTuple):
    """A loop that has painted a frame."""

    loop: Loop
    lane: int = 0  # which of the loop's jobs is the frame's
    seconds: float = 0.0  # the frame's part of its duration
    place: Place | None = None  # where it was painted; None for alone


@dataclass(frozen=True)
class Canvas:
    """A frame that is ready to be painted.

    Attributes:
        job: Of the frame, with what it starts from and is compared with.
        constants: Its calibration constants.
        number: Of the frame.
        gray: Its luma.
        moved: What other frames say of it; None if there is none, or a cut between.
        is_cut: Whether a cut is why.
        is_again: Whether an earlier pass painted it, too.
        seconds: That it took to get ready.
    """

    job: Job
    constants: JobConstants
    number: int
    gray: Gray
    moved: Moved | None
    is_cut: bool
    is_again: bool
    seconds: float

    @property
    def is_whole(self) -> bool:
        """Whether it is made as a picture is, from coarse to fine."""
        return self.moved is None and not self.is_again


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
        seconds: That it took; of frames that are painted together, its part.
        place: In which lane it was painted; None if alone.
    """

    known: Known
    image: Picture
    is_cut: bool
    visible: float
    steps: int
    losses: Mapping[str, float]
    failure: str | None
    seconds: float
    place: Place | None = None
