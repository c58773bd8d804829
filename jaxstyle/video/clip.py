"""Clips: frames in their order, with their times, from whatever holds them."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from jaxstyle._util import arguments
from jaxstyle.image.framing import shape_of
from jaxstyle.image.load import ImageLike as Source
from jaxstyle.image.load import load_image

DEFAULT_RATE = Fraction(25)
"""Frames a second of pictures that say nothing of time."""
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
"""Extensions of the pictures in a folder that are its frames."""


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


def clip_of(
    source: str | os.PathLike[str] | Iterable[Source], selection: Selection | None = None
) -> Clip:
    """Open a clip.

    Args:
        source: A file that PyAV opens; a folder, whose pictures are the frames, sorted as people
            number them; a glob of pictures; or pictures in any form.
        selection: Which frames are taken; all if not given.

    Raises:
        ValueError: It has no frames, or pictures of unlike sizes, or one is missing.
        OSError: It cannot be read.
    """
    selection = selection or Selection()
    if not isinstance(source, (str, os.PathLike)):
        return _of_pictures(source, selection)
    path = Path(source)
    if path.is_dir():
        files = [p for p in path.iterdir() if p.suffix.lower() in PICTURES and p.is_file()]
        return _of_files(files, str(path), selection)
    if not path.exists() and any(letter in path.name for letter in "*?["):
        return _of_files([*path.parent.glob(path.name)], str(path), selection)
    from jaxstyle.video.reading import open_clip  # needs PyAV

    return open_clip(path, selection)


def _of_pictures(pictures: Iterable[Source], selection: Selection) -> Clip:
    held = isinstance(pictures, Sequence)
    if held and not len(pictures):  # type: ignore[arg-type]
        raise ValueError("expected frames, got none")
    interval = float(1 / DEFAULT_RATE)

    def frames() -> Iterator[ClipFrame]:
        timed = (
            Timed(number * interval, interval, lambda picture=picture: picture)  # type: ignore[misc]
            for number, picture in enumerate(pictures)
        )
        return (frame.frame() for frame in selection.of(timed))

    count = len(pictures) if held else None  # type: ignore[arg-type]
    return Clip(
        "the frames",
        frames,
        selection.count_of(count, DEFAULT_RATE),
        rate=selection.rate_of(DEFAULT_RATE),
        time_base=1 / selection.rate_of(DEFAULT_RATE),
        is_repeatable=held,
    )


def _of_files(files: list[Path], name: str, selection: Selection) -> Clip:
    if not files:
        raise ValueError(f"{name} holds no pictures: {', '.join(PICTURES)}")
    files.sort(key=natural)
    _check_numbers(files)
    shapes = {shape_of(files[0])}
    for path in files[1:]:
        if shape_of(path) not in shapes:
            (height, width), (tall, wide) = *shapes, shape_of(path)
            raise ValueError(
                f"expected frames of one size: {files[0]} is {width} × {height}, {path} is "
                f"{wide} × {tall}"
            )
    # A rate only says how fast the pictures follow one another.
    rate = selection.rate or DEFAULT_RATE
    selection = Selection(selection.start, selection.end, selection.every)
    interval = float(1 / rate)
    timed = [
        Timed(number * interval, interval, lambda path=path: load_image(path))  # type: ignore[misc]
        for number, path in enumerate(files)
    ]
    chosen = [*selection.of(timed)]
    names = tuple(path.stem for path in files)
    has_names = len({*names}) == len(names)
    places = {round((one.seconds + selection.start) / interval) for one in chosen}
    if not chosen:
        raise ValueError(f"{name} has no frame from {selection.start:g} s to {selection.last:g} s")
    return Clip(
        name,
        lambda: (frame.frame() for frame in chosen),
        len(chosen),
        rate=selection.rate_of(rate),
        time_base=1 / rate,
        files=tuple(files),
        names=tuple(n for k, n in enumerate(names) if k in places) if has_names else (),
    )


def natural(path: Path) -> tuple[object, ...]:
    """Return what sorts names as people number them: 2 before 10.

    >>> [path.name for path in sorted(map(Path, ("f10.png", "f2.png")), key=natural)]
    ['f2.png', 'f10.png']
    """
    parts = re.split(r"(\d+)", path.name)
    return (*((int(p), "") if p.isdecimal() else (-1, p) for p in parts), path.name)


def _check_numbers(files: Sequence[Path]) -> None:
    """Refuse a folder in which a number is missing between others.

    The numbers may begin anywhere, and go by any step that most of them have.
    """
    numbers = [_numbers(path) for path in files]
    alike = len({len(one) for one in numbers}) == 1 and numbers[0]
    if len(files) < 3 or not alike:
        return
    varying = [k for k in range(len(numbers[0])) if len({one[k] for one in numbers}) > 1]
    if len(varying) != 1:
        return
    column = [one[varying[0]] for one in numbers]
    steps = [after - before for before, after in itertools.pairwise(column)]
    usual = max(sorted({*steps}), key=steps.count)
    for before, after, step in zip(files, files[1:], steps, strict=False):
        if step > usual:
            raise ValueError(
                f"a frame is missing between {before} and {after.name}: number "
                f"{_numbers(before)[varying[0]] + usual}"
            )


def _numbers(path: Path) -> list[int]:
    return [int(text) for text in re.findall(r"\d+", path.stem)]
