"""What changes along a film: the shares of its styles, and masks that are films themselves."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxstyle._util import arguments
from jaxstyle.image.load import ImageLike as Source
from jaxstyle.image.load import load_image
from jaxstyle.settings import MAPS, Settings, guides
from jaxstyle.video.clip import ClipFrame, Selection
from jaxstyle.video.opening import PICTURES, clip_of

_LEAST_SHARE = 1e-6
"""The share of a style that is not shown now: above zero, so that the program stays the same."""


def style_shares(times: Sequence[float], seconds: float) -> tuple[float, ...]:
    """Return how much each style counts at a time: faded linearly from each to the next.

    >>> style_shares((0.0, 2.0), 0.5)
    (0.75, 0.25)

    Args:
        times: When each style is the only one, seconds, ascending.
        seconds: When.
    """
    shares = [
        float(np.interp(seconds, times, [float(k == number) for k in range(len(times))]))
        for number in range(len(times))
    ]
    return tuple(max(share, _LEAST_SHARE) for share in shares)


def check_times(times: Sequence[float], styles: int, settings: Settings) -> tuple[float, ...]:
    """Check when styles are shown.

    Raises:
        ValueError: Another number than of styles, or they do not ascend; or shares are given, too.
    """
    checked = tuple(arguments.number("every time of a style", time, low=0) for time in times)
    if len(checked) != styles:
        raise ValueError(f"expected a time for each of {styles} styles, got {len(checked)}")
    if any(after <= before for before, after in itertools.pairwise(checked)):
        raise ValueError(f"expected the times of styles to ascend, got {list(checked)}")
    if settings.style_shares:
        raise ValueError("expected style_shares or times of styles, got both")
    return checked


class MovingGuides:
    """Masks and maps of a film's settings that are clips, frame by frame.

    A folder, a glob, or a film in the place of a mask's file gives each frame its own.
    """

    def __init__(self, settings: Settings, selection: Selection) -> None:
        """Open them."""
        self._settings = settings
        self._clips: dict[tuple[str, int], Iterator[ClipFrame]] = {
            (name, place): clip_of(file, selection).frames()
            for name, files in guides(settings).items()
            for place, file in enumerate(files)
            if is_moving(file)
        }

    def next(self) -> Settings:
        """Return the settings of the next frame.

        Raises:
            ValueError: A mask has fewer frames than the film.
        """
        if not self._clips:
            return self._settings
        values: dict[str, list[Any]] = {
            name: list(files) for name, files in guides(self._settings).items()
        }
        for (name, place), frames in self._clips.items():
            frame = next(frames, None)
            if frame is None:
                raise ValueError(f"{name} {values[name][place]} has fewer frames than the film")
            values[name][place] = frame.image if name in MAPS else _not_black(frame.image)
        changes: dict[str, Any] = {
            name: files[0] if name in MAPS else tuple(files)
            for name, files in values.items()
            if files
        }
        return replace(self._settings, **changes)


def _not_black(mask: Source) -> Source:
    """Return a mask; one that is black, where something has left the frame, all but black.

    A region holds something, so that the program stays the same: a corner, too faint to be seen.
    """
    pixels = load_image(mask, "a mask")
    if pixels.any():
        return mask
    faint = np.zeros(pixels.shape[:2], np.float32)
    faint[: len(faint) // 8 + 1, : len(faint[0]) // 8 + 1] = 1 / 255
    return faint


def moving_guides(settings: Settings) -> dict[str, str]:
    """Return the masks and maps that are clips, by role: `content_mask#2` the second."""
    return {
        f"{name}#{place + 1}" if place else name: str(file)
        for name, files in guides(settings).items()
        for place, file in enumerate(files)
        if is_moving(file)
    }


def is_moving(file: object) -> bool:
    """Whether a mask is a clip: a folder, a glob, or a file that is no picture."""
    if not isinstance(file, (str, os.PathLike)):
        return False
    path = Path(file)
    is_glob = not path.exists() and any(letter in path.name for letter in "*?[")
    is_film = path.is_file() and path.suffix.lower() in FILMS
    return path.is_dir() or is_film or (is_glob and path.suffix.lower() in PICTURES)


FILMS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".flv")
"""Extensions of films."""
