"""Judges of films: does what a film shows stay still where it should?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxstyle.image.geometry import Picture
from jaxstyle.objective.judge import judge
from jaxstyle.video.flow import Flow, move


class Stillness(NamedTuple):
    """How far frames are from the ones before, moved along the true flow; 0 is best.

    Attributes:
        warping_error: The mean squared difference where both frames show the same, of values in
            [0, 1].
        lpips: LPIPS between a frame and the moved one, which is the frame itself where the other
            does not show it.
    """

    warping_error: float
    lpips: float


def warping_error(
    frame: Picture, before: Picture, backward: Flow, visible: Bool[np.ndarray, "h w"]
) -> float:
    """Compute the mean squared difference between a frame and the moved one before it.

    Args:
        frame: The frame.
        before: The one before it.
        backward: The flow from the frame towards the one before.
        visible: Where that one shows the same.

    References:
        Ruder, Dosovitskiy & Brox (arXiv 1604.08610), section 6: the squared difference between the
        stylized frame and the warped one on Sintel, where it is not occluded. Deviation: colors
        are in [0, 1].
    """
    if not visible.any():
        return 0.0
    apart = np.square(frame - move(before, backward, order=1), dtype=np.float64)
    return float(apart[visible].mean())


def stillness(
    frames: Sequence[Picture],
    flows: Sequence[Flow],
    visible: Sequence[Bool[np.ndarray, "h w"]],
    *,
    offline: bool = False,
) -> Stillness:
    """Average the judges over all frames but the first.

    Args:
        frames: Of the film.
        flows: Of each frame towards the one before; the first frame's does not count.
        visible: Where the frame before shows the same, likewise.
        offline: Never fetch weights.
    """
    lpips = judge("lpips", offline=offline)
    errors: list[tuple[float, float]] = []
    for number in range(1, len(frames)):
        frame, before = frames[number], frames[number - 1]
        error = warping_error(frame, before, flows[number], visible[number])
        moved = np.clip(move(before, flows[number], order=1), 0, 1)
        moved = np.where(visible[number][..., None], moved, frame)
        errors.append((error, float(lpips(frame, moved))))
    means: Float[np.ndarray, " 2"] = np.mean(errors, axis=0) if errors else np.zeros(2)
    return Stillness(*map(float, means))
