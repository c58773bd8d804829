"""The same from its parts: features, terms, the objective, the optimizer's step.

All are pure functions, so that any of them can be replaced, and any of them fits into another JAX
program. Shown here as well: a metric of your own.

    python examples/08_by_hand.py [CONTENT STYLE OUT]
"""

import sys
from functools import partial

import jax
import jax.numpy as jnp
import optax

from jaxstyle import Metric, samples, term
from jaxstyle.backbones.extractor import features
from jaxstyle.image.io import read_image, write_image
from jaxstyle.objective.calibration import calibrate, calibration_reference
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.objective.term import layers_of
from jaxstyle.optim import step as optimization
from jaxstyle.weights import registry

given = sys.argv[1:4] or ("sample:valley", "sample:swirls", "by_hand.png")
content, style = (read_image(samples.resolve(name), size=128) for name in given[:2])

# A metric is two pure functions: a summary of the reference, computed once, and the distance of the
# picture's features to it, computed at every step. `positions` gives it one row per position.
strongest = Metric(
    name="strongest",
    kind="style",
    summarize=lambda features: jnp.max(features, axis=0),
    distance=lambda features, target: jnp.mean((jnp.max(features, axis=0) - target) ** 2),
    expects="positions",
    layers=("relu2_1", "relu3_1"),
)

# What is compared, where, and how hard each term pulls.
terms = (
    term("gram", 1.0, ("relu1_1", "relu2_1", "relu3_1", "relu4_1")),
    term(strongest, 0.1),
    term("mse", 0.3, ("relu4_2",), kind="content"),
    term("total_variation", 0.02),
)

# The network computes the layers that the terms need, and nothing above them.
vgg = registry.load("vgg16")
extract = partial(
    features,
    vgg.tensors,
    layers=[str(layer) for layer in layers_of(terms)],
    architecture=vgg.architecture,
    padding="edge",
)

# Targets once; then constants that give every term a gradient of the same size, so that weights
# mean the same for all.
objective = prepare(extract, terms, content, style)
objective = calibrate(extract, objective, calibration_reference(content, style))

# One step: losses and gradient, an update by any optax transformation, and back into [0, 1].
gradient = optimization.with_gradient(partial(evaluate, extract, objective))
adam = optax.adam(0.03, b2=0.99)
step = jax.jit(partial(optimization.take_step, gradient, adam))

state = optimization.init(adam, content)
for number in range(60):
    state, losses = step(state)
    if number % 10 == 0:
        print(f"step {number}: loss {losses.total:.4g}")
write_image(given[2], state.image)
