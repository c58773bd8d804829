"""Clips that tests make: a pattern that pans, as arrays, frames in files, and films."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

PAN = 2
"""Pixels to the left by which the pattern moves in each frame."""


def panned(count, shape=(40, 48)):
    """Return frames of a smooth pattern that moves `PAN` pixels to the left in each."""
    random = np.random.default_rng(3)
    size = (shape[0], shape[1] + PAN * count)
    # Mostly gray: films hold colors at half of the resolution.
    gray, color = gaussian_filter(random.random((*size, 1)), (2, 2, 0)), random.random((*size, 3))
    wide = gray / gray.std() + 0.3 * gaussian_filter(color, (4, 4, 0)) / color.std()
    wide = (wide - wide.min()) / (wide.max() - wide.min())
    frames = [wide[:, PAN * k : PAN * k + shape[1]] for k in range(count)]
    return [np.round(255 * frame).astype(np.uint8) for frame in frames]


def write_clip(path, frames, times=None, rate=25, *, rotation=0, audio=False, **colors):
    """Write a film with PyAV alone: not with what is tested.

    Args:
        path: Its file.
        frames: uint8 arrays.
        times: In units of 1/1000 s; every 1/rate if not given.
        rate: Frames a second.
        rotation: Degrees counterclockwise by which players turn it.
        audio: Whether it has a tone of half a second.
        colors: `colorspace`, `color_range`, … of the codec.
    """
    av = pytest.importorskip("av", reason="needs the extra video")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.options = {"crf": "4"}
        stream.codec_context.time_base = Fraction(1, 1000)
        for name, value in colors.items():
            setattr(stream.codec_context, name, value)
        if rotation:
            stream.set_display_rotation(rotation)
        tone = _tone(av, container) if audio else []
        times = times or [round(1000 * k / rate) for k in range(len(frames))]
        for pixels, time in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format="yuv420p",
                dst_colorspace=colors.get("colorspace", 5),
                src_color_range=2,
                dst_color_range=colors.get("color_range", 1),
            )
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for packet in tone:
            container.mux(packet)


def _tone(av, container):
    stream = container.add_stream("aac", rate=16_000, layout="mono")
    packets = []
    for k in range(8):
        places = np.arange(1024 * k, 1024 * (k + 1))
        wave = (8000 * np.sin(places / 10)).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        frame.sample_rate, frame.pts = 16_000, 1024 * k
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def packets(path, kind="audio"):
    """Return the packets of a film's streams of a kind: times in seconds, and bytes."""
    av = pytest.importorskip("av", reason="needs the extra video")
    with av.open(str(path)) as container:
        streams = [s for s in container.streams if s.type == kind]
        return [
            (float(p.pts * p.time_base), bytes(p))
            for p in container.demux(*streams)
            if p.dts is not None
        ]
