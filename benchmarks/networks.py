"""The cost of a step on each network, and the error of its features.

For each network: Gram at its five usual style layers and mean squared error at its content layer,
the gradient with respect to the picture; medians, alternating, relative to vgg16. Errors are the
largest of all layers against torch in float64 (tests/data/features_reference.npz).

python benchmarks/networks.py [SIZE [ROUNDS]]      writes benchmarks/networks.md
"""

import logging
import platform
import statistics
import sys
import time
from datetime import date
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle import samples
from jaxstyle.backbones.extractor import features
from jaxstyle.image.io import read_image
from jaxstyle.objective.build import extractor_for, terms_from_settings
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.settings import Settings
from jaxstyle.weights.network_cache import NetworkCache

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.reference_picture import picture  # noqa: E402

SINGLE = ("vgg16", "vgg16-caffe", "vgg19-normalized", "resnet18", "resnet50", "alexnet")
RUNS = {name: {"backbone": name} for name in SINGLE}
RUNS["resnet50 + vgg19-normalized"] = {
    "style_backbone": "resnet50",
    "content_backbone": "vgg19-normalized",
}
RUNS["resnet50 smoothed (swag)"] = {
    "backbone": "resnet50",
    "metric": (("gram~relative/6", 1.0),),
}

logging.basicConfig(level=logging.INFO, format="%(message)s")
size, rounds = (int(word) for word in (*sys.argv[1:], *("256", "9")[len(sys.argv) - 1 :]))
content = jnp.asarray(read_image(samples.resolve("sample:lighthouse"), size=size))
style = jnp.asarray(read_image(samples.resolve("sample:swirls"), size=size))
networks = NetworkCache()


def gradient_of(settings):
    """Return a compiled gradient of the whole objective, to be timed."""
    terms = terms_from_settings(settings, networks)
    extract, params = extractor_for(terms, networks, padding=settings.padding)
    objective = jax.jit(lambda p: prepare(partial(extract, p), terms, content, style))(params)

    @jax.jit
    def gradient(params, objective, image):
        return jax.grad(lambda x: evaluate(partial(extract, params), objective, x).total)(image)

    return partial(gradient, params, objective, content)


def worst_errors():
    """Return for each network the largest relative error of a layer, over its settings."""
    reference = np.load(ROOT / "tests" / "data" / "features_reference.npz")
    worst = {}
    for name, pooling, padding in sorted({tuple(key.split("/")[:3]) for key in reference}):
        if name not in SINGLE:
            continue
        backbone = networks.backbone(name)
        how = {"architecture": backbone, "pooling": pooling, "padding": padding}
        run = jax.jit(partial(features, layers=backbone.layers, **how))
        for layer, value in run(networks[name].tensors, picture()).items():
            value = np.asarray(value)
            places = np.random.default_rng(len(layer)).integers(0, value.size, 48)
            expected = reference[f"{name}/{pooling}/{padding}/{layer}"]
            error = np.linalg.norm(value.ravel()[places] - expected) / np.linalg.norm(expected)
            worst[name] = max(worst.get(name, (0, "")), (error, layer))
    return worst


gradients = {name: gradient_of(Settings(**chosen)) for name, chosen in RUNS.items()}
seconds = {name: [] for name in RUNS}
for gradient in gradients.values():
    gradient().block_until_ready()
for _ in range(rounds):
    for name, gradient in gradients.items():
        began = time.perf_counter()
        gradient().block_until_ready()
        seconds[name].append(time.perf_counter() - began)
base, errors = seconds["vgg16"], worst_errors()
lines = [
    "# Networks: the cost of a step, and errors",
    "",
    f"{date.today()}, {jax.devices()[0].device_kind} ({platform.machine()}), "
    f"jax {jax.__version__}, "
    f"{size} pixels, {rounds} rounds, alternating; padding edge. Errors: the worst layer's, "
    "relative, against torch in float64. Made by benchmarks/networks.py.",
    "",
    "| network | step, relative to vgg16 | worst error | at |",
    "|---|---|---|---|",
]
for name, times in seconds.items():
    ratio = statistics.median(t / b for t, b in zip(times, base, strict=True))
    error, layer = errors.get(name, (None, ""))
    lines.append(f"| {name} | {ratio:.2f} | {f'{error:.1e}' if error else ''} | {layer} |")
report = "\n".join(lines) + "\n"
print(report)
(ROOT / "benchmarks" / "networks.md").write_text(report)
