"""The same from its parts: features, terms, the objective, the loop. All are pure functions.

python examples/08_by_hand.py [CONTENT STYLE OUT]
"""

import sys
from functools import partial

import jax

from jaxstyle import samples
from jaxstyle.backbones import extractor as networks
from jaxstyle.image.io import read_image, write_image
from jaxstyle.objective import objective
from jaxstyle.optim import step as optimize
from jaxstyle.weights import registry as weights

given = sys.argv[1:4] or ("sample:valley", "sample:swirls", "by_hand.png")
content, style = (read_image(samples.resolve(each), size=128) for each in given[:2])

# What is compared: a metric of your own is a `jaxstyle.metrics.Metric` in place of a name.
terms = (
    objective.term("gram", 1.0, ("relu1_1", "relu2_1", "relu3_1", "relu4_1")),
    objective.term("mse", 0.3, ("relu4_2",), kind="content"),
    objective.term("total_variation", 0.02),
)
vgg = weights.load("vgg16")
extract = partial(
    networks.features,
    vgg.tensors,
    layers=tuple(layer for layer in objective.layers_of(terms) if layer != "image"),
    architecture=vgg.architecture,
    padding="edge",
)

target = objective.prepare(extract, terms, content, style)
target = objective.calibrate(extract, target, objective.calibration_reference(content, style))
measure = optimize.measured(partial(objective.evaluate, extract, target))
transform = optimize.optimizer("adam", 0.03)  # or any transformation of optax
step = jax.jit(partial(optimize.take_step, measure, transform))

state = optimize.start(transform, content)
for number in range(60):
    state, losses = step(state)
    if number % 10 == 0:
        print(f"step {number}: loss {losses.total:.4g}")
write_image(given[2], state.image)
