"""Every metric on a picture that is divided among devices: its loss and gradient, beside one's.

Run by tests/transfer/test_devices.py in a process with eight virtual devices, as
`python -m support.on_devices METRIC …`; prints a line of JSON for each. With --wrap the picture
continues at its opposite edges.
"""

import json
import sys
from dataclasses import replace
from functools import partial

import jax
import numpy as np

from jaxstyle.backbones.bands import Bands
from jaxstyle.metrics import METRICS
from jaxstyle.objective.build import build_term, extractor_for
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.specs import MetricSpec
from jaxstyle.weights.network_cache import NetworkCache

LAYERS = ("relu1_1", "relu2_1")
NETWORKS = NetworkCache()
WRAP = (True, True) if "--wrap" in sys.argv else (False, False)
PICTURES = np.random.default_rng(0).random((3, 64, 48, 3)).astype(np.float32)


def compared(kind, name):
    """Return the differences of loss and gradient on 8 devices, and whether it gathers."""
    metric = METRICS[kind][name]
    has_own = metric.weights or metric.layers[0] == "image" or ":" in metric.layers[0]
    layers = () if has_own else LAYERS
    term = build_term(MetricSpec(name), kind, NETWORKS, backbone="vgg16", layers=layers)
    loss, gradient, _ = evaluated(term, 1)
    other, slope, gathers = evaluated(term, 8)
    return {
        "loss": abs(other - loss) / max(abs(loss), 1e-12),
        "gradient": float(np.linalg.norm(slope - gradient) / max(np.linalg.norm(gradient), 1e-30)),
        "gathers": gathers,
    }


def evaluated(term, count):
    """Return a term's loss and gradient on so many devices, and whether they gather anything."""
    term = replace(term, wrap=WRAP)
    extract, params = extractor_for([term], NETWORKS, wrap=WRAP)
    if count > 1:
        bands = Bands.over(jax.devices()[:count])
        extract, params = replace(extract, bands=bands), bands.weights(params)

    def run(params, image, content, style):
        features = partial(extract, params)
        of_styles = partial(extract.of_styles, params)
        given = (term,), content, style, jax.random.key(0)
        objective = prepare(features, *given, extract_style=of_styles)

        def total(image):
            return evaluate(features, objective, extract.divided(image, image.shape)).total

        loss, gradient = jax.value_and_grad(total)(image)
        return loss, extract.divided(gradient, image.shape)

    compiled = jax.jit(run).lower(params, *PICTURES).compile()
    loss, gradient = compiled(params, *PICTURES)
    assert len({str(shard.index) for shard in gradient.addressable_shards}) == count
    gathers = any(word in compiled.as_text() for word in ("all-gather", "all-to-all"))
    return float(loss), np.asarray(gradient), gathers


if __name__ == "__main__":
    for kind, metrics in METRICS.items():
        for name in metrics:
            if not {*sys.argv[1:]} - {"--wrap"} or name in sys.argv:
                facts = {"metric": name, "kind": kind} | compared(kind, name)
                print(json.dumps(facts), flush=True)
