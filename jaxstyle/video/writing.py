"""Films are written by PyAV: whole or absent, with the times and the audio of the clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import UInt8

from jaxstyle._util import arguments
from jaxstyle._util.files import write_whole
from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.video.clip import Clip
from jaxstyle.video.needs import pyav
from jaxstyle.video.reading import start_of

CONTAINERS = {
    ".mp4": ("mp4", "libx264"),
    ".m4v": ("mp4", "libx264"),
    ".mov": ("mov", "libx264"),
    ".mkv": ("matroska", "libx264"),
    ".webm": ("webm", "libvpx-vp9"),
}
"""The containers that films are written to by extension, and their usual codecs."""
CRF = {"libx264": 17, "libx265": 20, "libvpx-vp9": 24, "libsvtav1": 24}
"""The usual quality of a codec: paint is fine, and shows blocks early."""
_RGB = {"libx264rgb": "rgb24", "ffv1": "bgr0", "png": "rgb24"}
"""Codecs that hold RGB, and in which form."""

Pixels = UInt8[np.ndarray, "h w 3"]
Shown = tuple[Pixels, float, float | None]
"""A frame, when it is shown, and how long if that is known; seconds."""


@dataclass(frozen=True)
class Encoding:
    """How a film's file is written.

    Attributes:
        codec: As FFmpeg names it; None for the container's usual one.
        crf: Constant rate factor, lower for better; None for the codec's usual one.
        lossless: Whether every pixel is kept as it is, in RGB.
    """

    codec: str | None = None
    crf: int | None = None
    lossless: bool = False

    def __post_init__(self) -> None:
        """Check what excludes what.

        Raises:
            ValueError: A value out of its range, or two that exclude each other.
        """
        if self.crf is not None:
            arguments.number("crf", self.crf, int, low=0, high=63)
        if self.lossless and self.crf is not None:
            raise ValueError("expected crf or lossless, got both")
        if self.lossless and self.codec not in (None, *_RGB):
            raise ValueError(f"expected lossless with {', '.join(_RGB)}, got {self.codec}")

    def codec_for(self, path: Path) -> str:
        """Return the codec of a file."""
        if self.codec:
            return self.codec
        return "libx264rgb" if self.lossless else CONTAINERS[path.suffix.lower()][1]


def check_film(path: Path, encoding: Encoding) -> None:
    """Raise before a long run what writing would raise after it.

    Raises:
        ValueError: An extension or a codec that is not known, or that do not go together.
    """
    suffix = path.suffix.lower()
    if suffix not in CONTAINERS:
        raise ValueError(
            f"expected the film as {', '.join(CONTAINERS)}, or a folder for frames, got {path.name}"
            f"{nearest(suffix, CONTAINERS)}"
        )
    if path.is_dir():
        raise ValueError(f"expected a file, {path} is a folder")
    av = pyav()
    name = encoding.codec_for(path)
    try:
        codec = av.codec.Codec(name, "w")
    except Exception:
        known = sorted(n for n in av.codec.codecs_available if n.startswith("lib"))
        raise ValueError(f"no encoder is named {name!r}{nearest(name, known)}") from None
    if codec.type != "video":
        raise ValueError(f"expected the codec of a video, {name} is one of {codec.type}")


def check_parent(path: Path) -> None:
    """Raise a `FileNotFoundError` if there is no folder to write a film into."""
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} into")


def write_film(path: Path, frames: Iterable[Shown], clip: Clip, encoding: Encoding) -> None:
    """Write a film, whole or not at all.

    Args:
        path: Its file; the extension decides the container.
        frames: In their order.
        clip: Whose times, colors, pixels' aspect and audio it has.
        encoding: How it is written.

    Raises:
        ValueError: The codec refuses frames of such a size, or the container the codec.
        OSError: It cannot be written; an earlier one is left as it was.
    """
    write_whole(path, lambda file: _encode(file, path, frames, clip, encoding))


def _encode(
    file: BinaryIO, path: Path, frames: Iterable[Shown], clip: Clip, encoding: Encoding
) -> None:
    av = pyav()
    codec = encoding.codec_for(path)
    output = _Watched(file)
    try:
        with av.open(output, "w", format=CONTAINERS[path.suffix.lower()][0]) as container:
            stream: Any = None
            audio: Iterator[tuple[float, Any]] = iter(())
            waiting: tuple[float, Any] | None = None
            durations: dict[int, float | None] = {}
            latest = -1
            for pixels, seconds, duration in frames:
                if stream is None:
                    stream = _stream(container, codec, pixels, clip, encoding)
                    audio = _audio(container, clip)
                    waiting = next(audio, None)
                number = max(latest + 1, round(seconds / clip.time_base))
                latest = number
                durations[number] = duration
                frame = _frame(pixels, stream, clip)
                frame.pts, frame.time_base = number, clip.time_base
                # Packets of both streams by their times, so that the muxer need hold none.
                while waiting is not None and waiting[0] <= seconds:
                    container.mux_one(waiting[1])
                    waiting = next(audio, None)
                _mux(container, stream, stream.encode(frame), durations, clip)
            if stream is None:
                raise ValueError(f"{clip.name} has no frames")
            _mux(container, stream, stream.encode(None), durations, clip)
            while waiting is not None:
                container.mux_one(waiting[1])
                waiting = next(audio, None)
    except av.error.FFmpegError as error:
        if output.failure:
            raise output.failure from None
        raise ValueError(f"{path}: {codec} cannot write this film: {error.strerror}") from None
    if output.failure:
        raise output.failure


class _Watched:
    """A file for the muxer, which swallows the errors of writing: the first is kept."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.failure: OSError | None = None
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.failure = self.failure or error
            raise


def _stream(container: Any, codec: str, pixels: Pixels, clip: Clip, encoding: Encoding) -> Any:
    if codec not in container.supported_codecs:
        raise ValueError(f"a film of this format holds no {codec}; choose another extension")
    stream = container.add_stream(codec, rate=clip.rate)
    context = stream.codec_context
    height, width = pixels.shape[:2]
    is_rgb = codec in _RGB
    if not is_rgb:
        even = width - width % 2, height - height % 2
        if even != (width, height):
            logger.info(
                f"{codec} takes even sides: the film is {even[0]} × {even[1]}, not {width} × "
                f"{height}"
            )
        width, height = even
    stream.width, stream.height = width, height
    stream.pix_fmt = _RGB.get(codec, "yuv420p")
    context.time_base = clip.time_base
    if clip.aspect != 1:
        context.sample_aspect_ratio = clip.aspect
    colors = clip.colors
    if not is_rgb:
        context.colorspace = colors.matrix_of(pixels.shape[0])
        context.color_range = colors.range or 1
    if colors.primaries != 2:
        context.color_primaries = colors.primaries
    if colors.transfer != 2:
        context.color_trc = colors.transfer
    crf = 0 if encoding.lossless else CRF.get(codec) if encoding.crf is None else encoding.crf
    options = {} if crf is None or codec in ("ffv1", "png") else {"crf": str(crf)}
    if codec == "libvpx-vp9":
        stream.bit_rate = 0  # else it bounds the quality
    context.options = options
    return stream


def _frame(pixels: Pixels, stream: Any, clip: Clip) -> Any:
    av = pyav()
    cropped = np.ascontiguousarray(pixels[: stream.height, : stream.width])
    frame = av.VideoFrame.from_ndarray(cropped, format="rgb24")
    if stream.pix_fmt == "rgb24":
        return frame
    if stream.codec_context.name in _RGB:
        return frame.reformat(format=stream.pix_fmt)
    return frame.reformat(
        format=stream.pix_fmt,
        dst_colorspace=clip.colors.matrix_of(pixels.shape[0]),
        src_color_range=2,
        dst_color_range=clip.colors.range or 1,
        interpolation="BICUBIC",
    )


def _mux(
    container: Any, stream: Any, packets: Any, durations: dict[int, float | None], clip: Clip
) -> None:
    for packet in packets:
        duration = durations.pop(round(packet.pts * packet.time_base / clip.time_base), None)
        if duration:
            packet.duration = max(1, round(duration / packet.time_base))
        container.mux(packet)


def _audio(container: Any, clip: Clip) -> Iterator[tuple[float, Any]]:
    """Add the clip's audio, and return its packets as they are, with their times."""
    if clip.audio is None:
        return iter(())
    av = pyav()
    source = av.open(str(clip.audio))
    streams = {}
    for stream in source.streams.audio:
        if stream.codec_context.name not in container.supported_codecs:
            name = stream.codec_context.name
            logger.warning(f"a film of this format holds no {name}: that audio is left out")
            continue
        streams[stream] = container.add_stream_from_template(stream)
    return _packets(source, streams, clip)


def _packets(source: Any, streams: dict[Any, Any], clip: Clip) -> Iterator[tuple[float, Any]]:
    begin = start_of(source) + clip.span[0]
    try:
        for packet in source.demux(*streams) if streams else ():
            if packet.dts is None:
                continue
            seconds = float(packet.pts * packet.time_base) - start_of(source)
            # What comes before the beginning is what a decoder needs to begin.
            is_early = clip.span[0] > 0 and seconds < clip.span[0] - 1e-6
            if is_early or seconds >= clip.span[1]:
                continue
            shift = round(begin / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = streams[packet.stream]
            yield seconds - clip.span[0], packet
    finally:
        source.close()
