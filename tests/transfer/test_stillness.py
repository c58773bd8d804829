"""A run that moves nothing says so, and a step that leads too far is shortened, however far."""

import logging

import numpy as np
import pytest
from support.small import CONTENT, ONE_LAYER, OTHER, STYLE

import jaxstyle

STILL = "the picture did not change in any of"


def warnings(caplog):
    return [line for line in caplog.messages if STILL in line]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_a_very_long_step_is_shortened(caplog, optimizer):
    """Its squares are more than float32 holds."""
    settings = {**ONE_LAYER, "optimizer": optimizer, "learning_rate": 1e30}
    result = jaxstyle.stylize(CONTENT, STYLE, **settings)
    change = np.abs(result.image - CONTENT).max()
    assert 0.01 < change <= 0.05 * ONE_LAYER["steps"] + 1e-6
    assert result.finite
    assert not warnings(caplog)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"average": 0.5},
        pytest.param({"size": 96, "scales": 2, "enlarge": True}, marks=pytest.mark.slow),
        {"optimizer": "adam"},
    ],
    ids=str,
)
def test_no_movement_is_said(caplog, settings):
    settings = {**ONE_LAYER, **settings, "learning_rate": 1e-30}
    jaxstyle.stylize(CONTENT, STYLE, **settings)
    assert len(warnings(caplog)) == 1
    assert "steps; try another learning rate than 1e-30" in warnings(caplog)[0]


def test_of_each_cell_of_a_grid(caplog):
    sweep = {"learning_rate": [1e-30, 1.0, 1e-29]}
    jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **ONE_LAYER | {"steps": 1})
    assert len(warnings(caplog)) == 2


FLAT = np.full((40, 48, 3), 0.5, np.float32)


@pytest.mark.parametrize(
    ("content", "style", "settings"),
    [
        (CONTENT, STYLE, {}),
        (CONTENT, STYLE, {"steps": 0}),
        (CONTENT, STYLE, {"steps": 0, "init": OTHER}),
        (FLAT, FLAT, {"init_noise": 0.0}),
        (CONTENT, CONTENT, {"smoothness": 0.0, "content_weight": 1.0}),
    ],
    ids=["usual", "no steps", "no steps from a picture", "nothing to do", "at its goal"],
)
def test_no_false_alarms(caplog, content, style, settings):
    caplog.set_level(logging.INFO)
    jaxstyle.stylize(content, style, **ONE_LAYER | settings)
    assert not warnings(caplog)


def test_a_resumed_run_does_not_know(tmp_path, caplog):
    settings = {**ONE_LAYER, "steps": 12, "learning_rate": 1e-30}
    more = {"checkpoint": tmp_path / "a.png", "checkpoint_seconds": 0}
    progresses = jaxstyle.iterate(CONTENT, STYLE, **settings, **more)
    next(progresses)
    progresses.close()
    jaxstyle.stylize(CONTENT, STYLE, **settings, **more, resume=True)
    assert not warnings(caplog)
