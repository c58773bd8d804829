"""A network small enough to reason about, two pictures, and an objective of them."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle.objective.calibration import calibrate, calibration_reference
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.objective.term import term

_RANDOM = np.random.default_rng(5)
CONTENT = jnp.asarray(_RANDOM.random((12, 10, 3)), jnp.float32)
STYLE = jnp.asarray(_RANDOM.random((9, 14, 3)) ** 2, jnp.float32)
_FILTERS = jnp.asarray(_RANDOM.normal(size=(3, 8)), jnp.float32)

TERMS = (
    term("gram", 2.0, ("first", "second"), (3.0, 1.0)),
    term("mse", 0.5, ("second",)),
    term("total_variation", 0.25),
)


def extract(image):
    """Return the features of one 1 × 1 convolution, and every other of them times 50."""
    first = jax.nn.relu(image @ _FILTERS)
    return {"first": first, "second": first[::2, ::2] * 50}


def calibrated_objective():
    """Return the calibrated objective of `TERMS`."""
    objective = prepare(extract, TERMS, CONTENT, STYLE)
    return calibrate(extract, objective, calibration_reference(CONTENT, STYLE))


def losses_of(objective):
    """Return the function from a picture to its losses."""
    return lambda image: evaluate(extract, objective, image)
