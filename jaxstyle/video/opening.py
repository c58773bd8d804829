"""A clip from whatever holds it: a film, a folder of pictures, or pictures in any form."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from jaxstyle.image.framing import shape_of
from jaxstyle.image.load import ImageLike as Source
from jaxstyle.image.load import load_image
from jaxstyle.video.clip import DEFAULT_RATE, Clip, ClipFrame, Selection, Timed
from jaxstyle.video.reading import open_clip

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
"""Extensions of the pictures in a folder that are its frames."""


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
