"""Methods against torch in float64, from the original weights: losses, gradients, first steps."""

import pytest
from support.against_references import Errors, cases, error_of_steps, errors
from support.reference_cases import FOLDER, file_of

from jaxstyle.recipes import RECIPES

CASES = list(cases())
# Another scale of a method has other weights, and the same programs.
LONG = (
    *("strotss/code", "style_transfer_pytorch/code", "mmd/gaussian", "sliced_wasserstein/pytorch"),
    *("nnst/code", "multiscale_texture/code", "neural_style/pytorch", "gatys_texture/code"),
    *("novak_nikulin/paper", "mmd/linear", "swag/code", "shifted_gram/paper", "spectrum/code"),
)
"""Methods whose programs take longest to compile, or that differ little from another."""
SLOW = pytest.mark.slow
SELECTED = [
    pytest.param(case, marks=SLOW) if case.scale or case.name in LONG else case for case in CASES
]


def test_every_method_has_a_reference():
    methods = {
        f"{recipe.name}/{variant}"
        for recipe in RECIPES.values()
        for variant, method in recipe.methods.items()
        # A texture's recipe has the method of another, whose reference is its own.
        if not any(
            method.weights is one.weights
            for other in RECIPES.values()
            if other.name == recipe.name.removesuffix("_texture") != recipe.name
            for one in other.methods.values()
        )
    }
    assert {case.name for case in CASES} == methods
    assert {file_of(name) for name in methods} == set(FOLDER.iterdir())


@pytest.mark.parametrize("case", SELECTED, ids=lambda case: "-".join(map(str, case)))
def test_loss_and_gradient(case):
    # A single value of a window may still be another.
    limits = Errors(loss=1e-4, median=1e-4, largest=5e-3)
    made = errors(case, limits)
    assert made.loss < limits.loss
    assert made.median < limits.median
    assert made.largest < limits.largest


# What steps add to losses and gradients is an optimizer, and where it begins.
QUICK = ("gatys/normalized", "gatys/notebook", "gatys_control/luminance", "moments/code")
STEPPED = [
    case if case in [(name, "vgg16", 0) for name in QUICK] else pytest.param(case, marks=SLOW)
    for case in CASES
]


@pytest.mark.parametrize("case", STEPPED, ids=lambda case: "-".join(map(str, case)))
def test_first_steps(case):
    made = error_of_steps(case)
    if made is None:
        pytest.skip("its line search is another")
    assert made.off < made.limit
