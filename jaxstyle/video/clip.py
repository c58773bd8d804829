"""Clips: frames in their order, with their times, and which of them are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from jaxstyle._util import arguments
from jaxstyle.image.load import ImageLike as Source

DEFAULT_RATE = Fraction(25)
"""Frames a second of pictures that say nothing of time."""


class ClipFrame(NamedTuple):
    """A frame of a clip."""

    image: Source
    seconds: float  # when it is shown, since the beginning
    duration: float | None = None  # how long, if the clip says so


@dataclass(frozen=True)
class Colors:
    """How a file holds colors, by the numbers of ITU-T H.273; 2 and 0 for what it does not say."""

    matrix: int = 2
    primaries: int = 2
    transfer: int = 2
    range: int = 0  # 1 for 16 to 235, 2 for 0 to 255

    def matrix_of(self, height: int) -> int:
        """Return the matrix; of a file that does not say it, what players take for its height."""
        usual = 1 if height >= 720 else 5
        return usual if self.matrix in (0, 2) else self.matrix


@dataclass(frozen=True)
class Clip:
    """Frames to come.

    Attributes:
        name: For messages.
        frames: Gives the frames, once more at each call if `is_repeatable`.
        count: How many there are, about, or None.
        rate: Frames a second, on average.
        time_base: The unit of times in the file, seconds.
        colors: How the file holds colors.
        aspect: Width over height of a pixel.
        audio: The file whose audio goes with the frames, or None.
        span: The part of that file that the frames are of: where it begins and ends, seconds.
        files: What is read.
        names: Of the frames, where they are files.
        is_repeatable: Whether `frames` can be called again.
    """

    name: str
    frames: Callable[[], Iterator[ClipFrame]]
    count: int | None = None
    rate: Fraction = DEFAULT_RATE
    time_base: Fraction = 1 / DEFAULT_RATE
    colors: Colors = Colors()
    aspect: Fraction = Fraction(1)
    audio: Path | None = None
    span: tuple[float, float] = (0.0, float("inf"))
    files: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    is_repeatable: bool = True


@dataclass(frozen=True)
class Selection:
    """Which frames of a clip are taken.

    Attributes:
        start: From so many seconds on.
        end: Up to so many seconds; None for the end.
        every: Each so many-th of them.
        rate: Frames a second: those that are shown then. None for as they come.
    """

    start: float = 0.0
    end: float | None = None
    every: int = 1
    rate: Fraction | None = None
    last: float = field(init=False)

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: One is out of its range, or nothing lies between them.
        """
        arguments.number("start", self.start, low=0)
        arguments.number("every", self.every, int, low=1)
        if self.end is not None:
            arguments.number("end", self.end, low=0, above=True)
        if self.rate is not None:
            arguments.number("fps", float(self.rate), low=0, above=True)
        if self.rate is not None and self.every > 1:
            raise ValueError("expected every or fps, got both")
        object.__setattr__(self, "last", float("inf") if self.end is None else self.end)
        if self.last <= self.start:
            raise ValueError(f"expected end after start, got {self.end} and {self.start}")

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        fps = None if self.rate is None else str(self.rate)
        return {"start": self.start, "end": self.end, "every": self.every, "fps": fps}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Selection:
        """Return the selection that JSON holds."""
        fps = data["fps"]
        rate = None if fps is None else Fraction(fps)
        return cls(data["start"], data["end"], data["every"], rate)

    def of(self, frames: Iterable[Timed]) -> Iterator[Timed]:
        """Select frames; their times are then since `start`."""
        chosen = (f for f in frames if self.start - 1e-6 <= f.seconds < self.last - 1e-6)
        chosen = (frame.later(-self.start) for frame in chosen)
        if self.rate is not None:
            return _at_rate(chosen, self.rate)
        kept = (frame for number, frame in enumerate(chosen) if number % self.every == 0)
        return (f._replace(duration=f.duration and self.every * f.duration) for f in kept)

    def count_of(self, count: int | None, rate: Fraction) -> int | None:
        """Estimate how many of a clip's frames are taken."""
        if count is None:
            return None
        seconds = min(count / float(rate), self.last) - self.start
        kept = seconds * float(self.rate or rate / self.every)
        return max(1, round(kept))

    def rate_of(self, rate: Fraction) -> Fraction:
        """Return how many frames a second are taken of a clip with so many."""
        return self.rate or rate / self.every


class Timed(NamedTuple):
    """A frame that is not converted to a picture yet."""

    seconds: float
    duration: float | None
    image: Callable[[], Source]

    def later(self, seconds: float) -> Timed:
        """Return the frame at another time."""
        return self._replace(seconds=self.seconds + seconds)

    def frame(self) -> ClipFrame:
        """Convert it."""
        return ClipFrame(self.image(), max(0.0, self.seconds), self.duration)


def _at_rate(frames: Iterator[Timed], rate: Fraction) -> Iterator[Timed]:
    """Yield at each multiple of 1/rate the frame that is shown then."""
    number, shown = 0, None
    interval = float(1 / rate)

    def at() -> Timed:
        assert shown is not None
        return shown._replace(seconds=number * interval, duration=interval)

    for frame in frames:
        while shown is not None and number * interval < frame.seconds - 1e-6:
            yield at()
            number += 1
        shown = frame
    if shown is not None:
        until = shown.seconds + (shown.duration or interval)
        while number * interval < until - 1e-6:
            yield at()
            number += 1
