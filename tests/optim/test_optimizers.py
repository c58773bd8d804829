"""Optimizers by name, and objects in place of names."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.reference_optimizers import CASES, FILE, START, TAKEN, valley

from jaxstyle.optim import optimizers
from jaxstyle.optim.lbfgs import lbfgs
from jaxstyle.optim.optimizers import OPTIMIZERS, Optimizer
from jaxstyle.settings import Settings, kind_of


def test_names():
    for name, optimizer in OPTIMIZERS.items():
        assert optimizers.find(name) is optimizer
        assert optimizer.name == name
        assert isinstance(optimizer.make(optimizer.learning_rate), optax.GradientTransformation)
    assert kind_of("optimizer").choices == tuple(OPTIMIZERS)


def test_a_wrong_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'adam'"):
        optimizers.find("adm")


def test_a_record_and_a_transformation_stand_for_themselves():
    record = Optimizer("mine", optax.sgd, 0.5)
    assert optimizers.find(record) is record
    transformation = optax.adamw(0.1)
    made = optimizers.find(transformation)
    assert made.make(made.learning_rate) is transformation
    # Equal ones share compiled programs.
    assert made == optimizers.find(transformation)
    assert hash(made) == hash(optimizers.find(transformation))
    for optimizer in (record, transformation):
        assert Settings(optimizer=optimizer).optimizer is optimizer


def test_hyperparameters_take_the_place_of_defaults():
    adam = optimizers.find("adam", (("b2", 0.999), ("eps", 1e-5)))
    assert adam == optimizers.find("adam", (("b2", 0.999), ("eps", 1e-5)))
    gradient, start = jnp.full(3, 1e-5), jnp.zeros(3)
    for made, expected in (
        (adam.transformation(0.1), optax.adam(0.1, b2=0.999, eps=1e-5)),
        (optimizers.find("lbfgs", (("memory_size", 3),)).transformation(1.0), lbfgs(1.0, 3)),
    ):
        theirs, ours = (t.update(gradient, t.init(start), start)[0] for t in (expected, made))
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="adam has no parameter 'beta'; it has b1"):
        optimizers.find("adam", (("beta", 0.9),))
    with pytest.raises(ValueError, match="it has none"):
        optimizers.find(optax.sgd(0.1), (("momentum", 0.9),))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("case", "name", "parameters"),
    [
        ("LBFGS", "lbfgs_plain", {"memory_size": 4}),
        ("RMSprop", "rmsprop", {"decay": 0.99}),
        ("Adam", "adam", {"b2": 0.999}),
        ("Adam, b2 0.99", "adam", {}),
    ],
)
def test_steps_are_those_of_torch(case, name, parameters):
    transform = optimizers.find(name, tuple(parameters.items())).transformation(CASES[case][0])
    point = jnp.asarray(START)
    state = transform.init(point)
    expected = dict(zip(TAKEN, json.loads(FILE.read_text())[case], strict=True))

    @jax.jit
    def step(point, state):
        gradient = jax.grad(valley)(point, jnp)
        updates, state = transform.update(gradient, state, point)
        return point + updates, state

    for number in range(1, max(TAKEN) + 1):
        point, state = step(point, state)
        if number in expected:
            np.testing.assert_allclose(point, expected[number], rtol=1e-7, atol=1e-9)
    assert valley(point, np) < valley(START, np)
