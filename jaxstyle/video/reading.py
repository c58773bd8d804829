"""Films are read by PyAV, one frame after the other; nothing is decoded as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from jaxstyle._util.counts import counted
from jaxstyle._util.log import logger
from jaxstyle.image.io import check_file
from jaxstyle.image.load import ImageLike as Source
from jaxstyle.video.clip import DEFAULT_RATE, Clip, ClipFrame, Colors, Selection, Timed
from jaxstyle.video.needs import pyav

MICROSECONDS = 1_000_000


def open_clip(path: Path, selection: Selection) -> Clip:
    """Open a film that PyAV can decode.

    Raises:
        ValueError: It is no film, or has no video or frames; PyAV, of the extra `video`, is not
            installed.
        OSError: It cannot be read.
    """
    check_file(path)
    with _opened(path) as container:
        stream = _video_of(container, path)
        rate = Fraction(stream.average_rate or stream.guessed_rate or DEFAULT_RATE)
        count = stream.frames or _frames_by_duration(container, stream, rate)
        first = next(_timed(container, stream, path), None)
        if first is None:
            raise ValueError(f"{path} has no frames")
        context = stream.codec_context
        colors = Colors(
            *(
                int(getattr(context, name) or 0)
                for name in ("colorspace", "color_primaries", "color_trc", "color_range")
            )
        )
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        has_audio = bool(container.streams.audio)
        time_base = Fraction(stream.time_base or 1 / rate)

    def frames() -> Iterator[ClipFrame]:
        with _opened(path) as container:
            stream = _video_of(container, path)
            stream.thread_type = "AUTO"
            is_empty = True
            for frame in selection.of(_timed(container, stream, path)):
                is_empty = False
                yield frame.frame()
            if is_empty:
                raise ValueError(
                    f"{path} has no frame from {selection.start:g} s to {selection.last:g} s"
                )

    return Clip(
        str(path),
        frames,
        selection.count_of(count, rate),
        rate=selection.rate_of(rate),
        time_base=1 / selection.rate if selection.rate else time_base,
        colors=colors,
        aspect=aspect,
        audio=path if has_audio else None,
        span=(selection.start, selection.last),
        files=(path,),
    )


def _opened(path: Path) -> Any:
    av = pyav()
    try:
        return av.open(str(path))
    except av.error.FFmpegError as error:
        if isinstance(error, OSError) and not isinstance(error, ValueError):
            raise
        raise ValueError(f"{path} is not a film that can be read: {error.strerror}") from None


def _video_of(container: Any, path: Path) -> Any:
    # The picture of a record's cover is a stream of one frame beside the audio.
    streams = [s for s in container.streams.video if not _is_cover(s)]
    if not streams:
        raise ValueError(f"{path} has no video stream")
    return streams[0]


def _is_cover(stream: Any) -> bool:
    return "attached_pic" in str(stream.disposition)


def _frames_by_duration(container: Any, stream: Any, rate: Fraction) -> int | None:
    seconds = None
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration:
        seconds = container.duration / MICROSECONDS
    return None if seconds is None else max(1, round(seconds * float(rate)))


def start_of(container: Any) -> float:
    """Return the time at which a container begins, seconds."""
    return (container.start_time or 0) / MICROSECONDS


def _timed(container: Any, stream: Any, path: Path) -> Iterator[Timed]:
    """Yield every frame with its time since the container's beginning.

    A packet that cannot be decoded is left out, and said; the frame before it is shown longer.
    """
    av = pyav()
    begin, latest = start_of(container), 0.0
    interval = float(1 / (stream.average_rate or DEFAULT_RATE))
    damaged = 0
    packets = container.demux(stream)
    number = 0
    while True:
        try:
            packet = next(packets, None)
            decoded = packet.decode() if packet is not None else []
        except av.error.FFmpegError as error:
            if isinstance(error, av.error.EOFError):
                break
            damaged += 1
            if damaged == 1:
                logger.warning(f"{path}: what follows {latest:.2f} s is damaged and left out")
            if damaged > 1000:
                break  # a reader that is stuck at one place
            continue
        if packet is None:
            break
        for frame in decoded:
            seconds = latest + (interval if number else 0.0)
            if frame.pts is not None and frame.time_base:
                seconds = float(frame.pts * frame.time_base) - begin
            lasts = getattr(frame, "duration", None)  # PyAV before 15 does not say it
            duration = lasts and float(lasts * frame.time_base)
            number, latest = number + 1, seconds
            yield Timed(seconds, duration or None, lambda frame=frame: pixels(frame))  # type: ignore[misc]
    if damaged > 1:
        logger.warning(f"{path}: {counted(damaged, 'packet')} in all could not be decoded")


def pixels(frame: Any) -> Source:
    """Return a decoded frame as sRGB, upright, uint8 of shape (height, width, 3)."""
    colors = Colors(matrix=int(frame.colorspace or 2), range=int(frame.color_range or 0))
    converted = frame
    if not frame.format.is_rgb:
        converted = frame.reformat(
            format="rgb24",
            src_colorspace=_matrix(colors.matrix_of(frame.height)),
            src_color_range=colors.range or 1,
            dst_color_range=2,
            interpolation="BICUBIC",
        )
    image = converted.to_ndarray(format="rgb24")
    quarters = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters))


def _matrix(number: int) -> int:
    """Return a matrix as PyAV names those that it knows; BT.601 as the nearest of others."""
    number = {6: 5, 10: 9}.get(number, number)
    return number if number in (1, 4, 5, 7, 9) else 5
