"""A network small enough to reason about, two pictures, and an objective of them."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle.backbones.record import Backbone, Convolution
from jaxstyle.objective.calibration import calibrate, calibration_reference
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.objective.term import term
from jaxstyle.weights.cache import Weights

_RANDOM = np.random.default_rng(5)
CONTENT = jnp.asarray(_RANDOM.random((12, 10, 3)), jnp.float32)
STYLE = jnp.asarray(_RANDOM.random((9, 14, 3)) ** 2, jnp.float32)
_FILTERS = _RANDOM.normal(size=(3, 8)).astype(np.float32)

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

    @jax.jit  # one program, in place of one for each operation
    def calibrated():
        objective = prepare(extract, TERMS, CONTENT, STYLE)
        return calibrate(extract, objective, calibration_reference(CONTENT, STYLE))

    return calibrated()


def losses_of(objective):
    """Return the function from a picture to its losses."""
    return lambda image: evaluate(extract, objective, image)


def _forward(net, x):
    first = nn.relu(nn.Dense(8, name="conv")(x))
    features = {"first": first, "second": first[::2, ::2] * 50}
    return {layer: features[layer] for layer in net.layers}


_RECORD = Backbone(
    "toy",
    _forward,
    (Convolution("conv", 1, 3, 8, layers=("first", "second")),),
    counterparts={f"relu{block}_{k}": "first" for block in range(1, 6) for k in (1, 2)},
)
_IDENTITY = {"kernel": np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
_CONV = {"kernel": _FILTERS, "bias": np.zeros(8, np.float32)}
WEIGHTS = Weights("toy", _RECORD, "0", {"preprocess": _IDENTITY, "conv": _CONV})
"""The network of `extract` as somebody's own backbone."""
