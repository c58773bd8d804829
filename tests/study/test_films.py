"""Judges of films, by their definitions."""

import numpy as np
import pytest

from jaxstyle.objective.judge import judge
from jaxstyle.study.films import stillness, warping_error

RANDOM = np.random.default_rng(2)


def panned(picture, pixels):
    """Return a frame that shows `picture` moved right, the flow back, and what it shows of it."""
    frame = RANDOM.random(picture.shape).astype(np.float32)
    frame[:, pixels:] = picture[:, :-pixels]
    flow = np.zeros((*picture.shape[:2], 2), np.float32)
    flow[..., 0] = -pixels
    visible = np.ones(picture.shape[:2], bool)
    visible[:, :pixels] = False
    return frame, flow, visible


def test_warping_error():
    before = RANDOM.random((32, 40, 3)).astype(np.float32)
    frame, flow, visible = panned(before, 3)
    assert warping_error(frame, before, flow, visible) == pytest.approx(0, abs=1e-12)
    changed = frame + RANDOM.normal(0, 0.1, frame.shape).astype(np.float32)
    expected = np.mean((changed[:, 3:].astype(float) - before[:, :-3]) ** 2)
    assert warping_error(changed, before, flow, visible) == pytest.approx(expected, rel=1e-6)
    assert warping_error(frame, before, flow, np.zeros_like(visible)) == 0


@pytest.mark.slow
def test_stillness():
    before = RANDOM.random((32, 40, 3)).astype(np.float32)
    frame, flow, visible = panned(before, 3)
    again, _, _ = panned(frame, 3)
    nothing = np.zeros_like(flow), np.zeros_like(visible)
    still = stillness(
        [before, frame, again], [nothing[0], flow, flow], [nothing[1], visible, visible]
    )
    # What is not visible is compared with itself.
    assert still == pytest.approx((0, 0), abs=1e-6)
    lighter = np.clip(frame + 0.2, 0, 1)
    changed = stillness([before, lighter], [nothing[0], flow], [nothing[1], visible])
    moved = lighter.copy()
    moved[:, 3:] = before[:, :-3]
    assert changed.lpips == pytest.approx(float(judge("lpips")(lighter, moved)), rel=1e-4)
    assert changed.warping_error == pytest.approx(
        np.mean((lighter[:, 3:] - before[:, :-3]) ** 2), rel=1e-5
    )
