"""Clips whose flow is known: a sample picture panned, zoomed and turned; a passing object."""

from __future__ import annotations

import numpy as np

from jaxstyle import samples
from jaxstyle.image.io import read_image
from jaxstyle.study.known_flow import KnownFrame, Layer, motion, render


def clips(size: int, frames: int) -> dict[str, list[KnownFrame]]:
    """Render the clips, `size` pixels wide; things move the same part of the frame at any size."""
    height, unit = round(0.75 * size), size / 96
    valley, lighthouse, mosaic = (
        read_image(samples.resolve(f"sample:{name}"), size=round(1.6 * size))
        for name in ("valley", "lighthouse", "mosaic")
    )

    def middle(picture):
        return (picture.shape[0] / 2, picture.shape[1] / 2)

    center = (height / 2, size / 2)
    pan = motion(pan=(0.3 * unit, -1.7 * unit), center=center, begin=middle(valley))
    approach = motion(zoom=1.02, turn=1.0, center=center, begin=middle(lighthouse))
    slow = motion(pan=(0.0, 0.6 * unit), center=center, begin=middle(valley))
    radius = 0.17 * size

    def disc(rows, columns):
        down, right = (np.array([rows, columns]).T - middle(mosaic)).T
        return down**2 + right**2 < radius**2

    passing = motion(
        pan=(0.2 * unit, -2.4 * unit),
        turn=-1.0,
        center=(center[0], 0.75 * size),
        begin=middle(mosaic),
    )
    layers = {
        "pan": [Layer(valley, pan)],
        "zoom and turn": [Layer(lighthouse, approach)],
        "passing object": [Layer(valley, slow), Layer(mosaic, passing, disc)],
    }
    return {name: render(parts, (height, size), frames) for name, parts in layers.items()}
