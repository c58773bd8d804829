"""Optimizers by name, and objects in place of names."""

import optax
import pytest

from jaxstyle.optim import optimizers
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
