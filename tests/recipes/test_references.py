"""Methods against torch in float64, from the original weights: losses, gradients, first steps."""

import jax
import numpy as np
import pytest
from support.fetching import needed
from support.reference_cases import (
    BACKBONES,
    FILE,
    PICTURES,
    SIDE,
    STEPS,
    content,
    places,
    start,
    style,
)

import jaxstyle
from jaxstyle import recipes
from jaxstyle.objective.objective import evaluate
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers.whole import WholeStepper

CASES = [(name, backbone) for name, backbones in BACKBONES.items() for backbone in backbones]


@pytest.fixture(scope="module")
def expected():
    return dict(np.load(FILE))


def settings(name, backbone):
    needed(backbone)
    return recipes.settings(recipe=name, backbone=backbone, size=SIDE, scales=1)


@pytest.mark.parametrize(("name", "backbone"), CASES)
def test_loss_and_gradient(name, backbone, expected):
    job = make_job(content(), style(), settings(name, backbone), Sources())
    prepared = WholeStepper(job).prepare(SIDE, [JobConstants(job).at])

    @jax.jit
    def loss(image):
        def total(image):
            return evaluate(lambda image: job.extract(job.params, image), prepared, image).total

        return jax.value_and_grad(total)(image)

    for number, picture in enumerate(PICTURES):
        value, gradient = loss(picture())
        key = f"{name} {backbone} {number}"
        np.testing.assert_allclose(value, expected[f"{key} loss"], rtol=1e-4)
        sampled = np.asarray(gradient).ravel()[places(gradient.size)]
        difference = np.abs(sampled - expected[f"{key} gradient"])
        # Where two values of a window are equal up to rounding, pooling sends it elsewhere.
        assert np.median(difference) < 1e-4 * expected[f"{key} size"]
        assert difference.max() < 5e-3 * expected[f"{key} size"]


@pytest.mark.parametrize(("name", "backbone"), CASES)
def test_first_steps(name, backbone, expected):
    result = jaxstyle.stylize(
        content(),
        style(),
        settings(name, backbone),
        **{"steps": STEPS[name], "init": start(), "details": False},
    )
    moved = expected[f"{name} {backbone} moved"]
    difference = result.image.ravel()[places(result.image.size)] - np.clip(
        expected[f"{name} {backbone} steps"], 0, 1
    )
    # Adam's and RMSprop's first steps are as long for the smallest gradient as for the largest.
    share = 1e-2 if STEPS[name] > 1 else 1e-3
    assert np.sqrt(np.mean(difference**2)) < share * moved + 1e-7
