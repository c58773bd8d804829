"""Methods against torch in float64, from the original weights: losses, gradients, first steps."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from support.fetching import needed
from support.reference_cases import FOLDER, PICTURES, SIDE, content, file_of, places, start, style

import jaxstyle
from jaxstyle import recipes
from jaxstyle.objective.objective import evaluate
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers.whole import WholeStepper


def _cases():
    for recipe in recipes.RECIPES.values():
        for variant in recipe.methods:
            name = f"{recipe.name}/{variant}"
            if file_of(name).exists():
                with np.load(file_of(name)) as made:
                    cases = {tuple(key.split()[:2]) for key in made if key != "taken"}
                yield from ((name, backbone, int(scale)) for backbone, scale in sorted(cases))


CASES = list(_cases())
WITHOUT = {"nnst/code"}
"""Methods that are checked in parts, elsewhere."""


def settings(name, backbone, scale):
    """The settings of one scale of a method, as if that were all there is."""
    needed(backbone)
    given = recipes.settings(recipe=name, backbone=backbone, size=SIDE, scales=1, scale_steps=())
    constants = recipes.method(name).constants([(SIDE, SIDE)] * (scale + 1))
    last = {term: rows[-1] for term, rows in constants.items()}
    return replace(given, calibration=last)


def test_every_method_has_a_reference():
    methods = {f"{r.name}/{variant}" for r in recipes.RECIPES.values() for variant in r.methods}
    assert {name for name, _, _ in CASES} == methods - WITHOUT
    assert {file_of(name) for name in methods - WITHOUT} == set(FOLDER.iterdir())


@pytest.mark.parametrize(("name", "backbone", "scale"), CASES)
def test_loss_and_gradient(name, backbone, scale):
    expected = dict(np.load(file_of(name)))
    job = make_job(content(), style(), settings(name, backbone, scale), Sources())
    prepared = WholeStepper(job).prepare(SIDE, [JobConstants(job).at])

    @jax.jit
    def loss(image):
        def total(image):
            return evaluate(lambda image: job.extract(job.params, image), prepared, image).total

        return jax.value_and_grad(total)(image)

    for number, picture in enumerate(PICTURES):
        value, gradient = loss(picture())
        key = f"{backbone} {scale} {number}"
        np.testing.assert_allclose(value, expected[f"{key} loss"], rtol=1e-4)
        sampled = np.asarray(gradient).ravel()[places(gradient.size)]
        difference = np.abs(sampled - expected[f"{key} gradient"])
        # Where two values of a window are equal up to rounding, pooling sends it elsewhere.
        assert np.median(difference) < 1e-4 * expected[f"{key} size"]
        assert difference.max() < 5e-3 * expected[f"{key} size"]


@pytest.mark.parametrize(("name", "backbone", "scale"), CASES)
def test_first_steps(name, backbone, scale):
    expected = dict(np.load(file_of(name)))
    steps = int(expected["taken"])
    result = jaxstyle.stylize(
        content(),
        style(),
        settings(name, backbone, scale),
        **{"steps": steps, "final_steps": None, "init": start(), "details": False},
    )
    key = f"{backbone} {scale}"
    difference = result.image.ravel()[places(result.image.size)] - np.clip(
        expected[f"{key} steps"], 0, 1
    )
    # Adam's and RMSprop's first steps are as long for the smallest gradient as for the largest.
    share = 1e-2 if steps > 1 else 1e-3
    assert np.sqrt(np.mean(difference**2)) < share * expected[f"{key} moved"] + 1e-7
