"""`StyleLoss`: the objective's numbers, under every transformation, in other libraries' loops."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax.tree_util import GetAttrKey, tree_map_with_path
from PIL import Image
from support.toy import CONTENT, STYLE, WEIGHTS, extract

from jaxstyle import StyleLoss, judge
from jaxstyle.objective.calibration import calibrate, calibration_reference
from jaxstyle.objective.objective import evaluate, prepare

STYLE_ONLY = StyleLoss.of("gram@first,second=2+moments=0.5", backbone=WEIGHTS)
LOSS = StyleLoss.of(
    "gram@first,second=2+cosine@second", "mse@second=0.5", "total_variation=0.25", backbone=WEIGHTS
)
IMAGES = np.random.default_rng(3).random((2, 3, *CONTENT.shape)).astype(np.float32)
IMAGE, OTHER = IMAGES[0, :2]


def features(image):
    return {f"toy:{layer}": values for layer, values in extract(image).items()}


def objective_of(content, calibrated):
    """Return the objective of the same terms, calibrated at `CONTENT`."""
    objective = prepare(features, LOSS.terms, content, STYLE)
    if not calibrated:
        return objective
    example = prepare(features, LOSS.terms, CONTENT, STYLE)
    reference = calibration_reference(CONTENT, STYLE)
    return replace(objective, scales=calibrate(features, example, reference).scales)


class TestValues:
    def test_of_targets_from_whatever_holds_a_picture(self):
        pixels = np.asarray(STYLE * 255).astype(np.uint8)
        wanted = LOSS.init(LOSS.params, pixels / np.float32(255), content=CONTENT)
        for held in (pixels, Image.fromarray(pixels)):
            targets = LOSS.init(LOSS.params, held, content=CONTENT)
            jax.tree.map(np.testing.assert_array_equal, targets, wanted)

    @pytest.mark.parametrize("calibrated", [False, True])
    def test_of_an_objective(self, calibrated):
        targets = calibrated_targets() if calibrated else LOSS.init(LOSS.params, STYLE)
        total, parts = jax.jit(LOSS)(LOSS.params, targets, IMAGE, OTHER)
        expected = jax.jit(partial(evaluate, features))(objective_of(OTHER, calibrated), IMAGE)
        assert parts.keys() == {"gram", "cosine", "mse", "total_variation"}
        names = ("gram", "cosine", "mse", "total_variation")
        np.testing.assert_allclose([parts[name] for name in names], expected.terms, rtol=1e-4)
        np.testing.assert_allclose(total, expected.total, rtol=1e-4)

    def test_of_judges(self):
        loss = StyleLoss.of("gram+moments", padding="zeros", backbone=WEIGHTS)
        _, parts = jax.jit(loss)(loss.params, loss.init(loss.params, STYLE), IMAGE)
        for name, value in parts.items():
            expected = judge(name, backbone=WEIGHTS)(IMAGE, STYLE)
            np.testing.assert_allclose(value, expected, rtol=1e-4)

    def test_of_terms_of_one_name(self):
        loss = StyleLoss.of("cosine@second=2", "cosine@first=3", backbone=WEIGHTS)
        total, parts = jax.jit(loss)(loss.params, loss.init(loss.params, STYLE), IMAGE, OTHER)
        assert parts.keys() == {"cosine", "cosine#2"}
        np.testing.assert_allclose(total, 2 * parts["cosine"] + 3 * parts["cosine#2"], rtol=1e-5)
        for name, kind, layer, reference in (
            ("cosine", "style", "second", STYLE),
            ("cosine#2", "content", "first", OTHER),
        ):
            expected = judge("cosine", kind=kind, layers=[layer], backbone=WEIGHTS)
            np.testing.assert_allclose(parts[name], expected(IMAGE, reference), rtol=1e-4)

    def test_contents_are_needed_by_content_terms(self):
        with pytest.raises(ValueError, match="expected contents"):
            LOSS(LOSS.params, LOSS.init(LOSS.params, STYLE), IMAGE)


@cache
def calibrated_targets():
    return LOSS.init(LOSS.params, STYLE, content=CONTENT)


def total_of(images, contents):
    return LOSS(LOSS.params, calibrated_targets(), images, contents)[0]


class TestTransformations:
    def test_leading_axes_are_averaged(self):
        single = jax.jit(total_of)
        expected = [[single(image, image[::-1]) for image in row] for row in IMAGES]
        assert single(IMAGES[0], IMAGES[0, :, ::-1]) == pytest.approx(
            np.mean(expected[0]), rel=1e-5
        )
        assert single(IMAGES, IMAGES[:, :, ::-1]) == pytest.approx(np.mean(expected), rel=1e-5)
        rows = jax.jit(jax.vmap(total_of))(IMAGES, IMAGES[:, :, ::-1])
        np.testing.assert_allclose(rows, np.mean(expected, axis=1), rtol=1e-5)

    def test_gradients_are_those_of_the_objective(self):
        objective = objective_of(OTHER, calibrated=True)
        expected = jax.jit(jax.grad(lambda image: evaluate(features, objective, image).total))
        gradient = jax.jit(jax.grad(total_of))(IMAGES[0], np.stack([OTHER] * 3))
        for ours, image in zip(gradient, IMAGES[0], strict=True):
            np.testing.assert_allclose(3 * ours, expected(image), rtol=1e-3, atol=1e-4)

    def test_targets_of_several_styles(self):
        styles = jnp.stack([STYLE, STYLE**2, STYLE[::-1]])
        init = jax.vmap(lambda style: STYLE_ONLY.init(STYLE_ONLY.params, style))
        values = jax.vmap(lambda targets: STYLE_ONLY(STYLE_ONLY.params, targets, IMAGE)[0])
        totals = jax.jit(lambda styles: values(init(styles)))(styles)
        for total, style in zip(totals, styles, strict=True):
            targets = STYLE_ONLY.init(STYLE_ONLY.params, style)
            expected = STYLE_ONLY(STYLE_ONLY.params, targets, IMAGE)[0]
            np.testing.assert_allclose(total, expected, rtol=1e-4)

    def test_weights_are_leaves(self):
        traces = []

        @jax.jit
        def total(loss, targets):
            traces.append(1)
            return loss(loss.params, targets, IMAGE)[0]

        def doubled(path, leaf):
            return 2 * leaf if path[-1] == GetAttrKey("weight") else leaf

        targets = STYLE_ONLY.init(STYLE_ONLY.params, STYLE)
        other = tree_map_with_path(doubled, STYLE_ONLY)
        assert [part.weight for part in other.terms] == [4.0, 1.0]
        ratio = total(other, targets) / total(STYLE_ONLY, targets)
        assert float(ratio) == pytest.approx(2, rel=1e-5)
        assert len(traces) == 1


SHARDED = """
import json
import jax, jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from support.toy import STYLE
from jaxstyle import StyleLoss

assert len(jax.devices()) == 2
loss = StyleLoss.of("gram@relu1_1", "mse@relu1_1")
images = jnp.linspace(0, 1, 4 * 16 * 16 * 3).reshape(4, 16, 16, 3)
targets = loss.init(loss.params, STYLE)
step = jax.jit(jax.value_and_grad(lambda x: loss(loss.params, targets, x, x**2)[0]))
mesh = Mesh(jax.devices(), ("batch",))
where = NamedSharding(mesh, PartitionSpec("batch"))
total, gradient = step(jax.device_put(images, where))
assert gradient.sharding.is_equivalent_to(where, 4)
expected, slopes = step(images)
print(json.dumps([float(total), float(expected), float(jnp.abs(gradient - slopes).max()),
                  float(jnp.abs(slopes).max())]))
"""


def test_a_batch_can_be_sharded():
    folders = (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    changed = {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    process = subprocess.run(
        [sys.executable, "-c", SHARDED],
        env={**os.environ, **changed, "PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=True,
    )
    total, expected, gap, largest = json.loads(process.stdout)
    assert total == pytest.approx(expected, rel=1e-5)
    assert largest > 0
    assert gap < 1e-5 * largest


class TestTrainingLoops:
    photos = np.random.default_rng(0).random((2, 16, 16, 3)).astype(np.float32)

    @pytest.fixture
    def total(self):
        loss = StyleLoss.of("gram@relu1_1", "mse@relu1_1=0.3")
        targets = loss.init(loss.params, jnp.linspace(0, 1, 768).reshape(16, 16, 3))
        return lambda pictures: loss(loss.params, targets, pictures, self.photos)[0]

    def test_a_linen_model_learns(self, total):
        model = nn.Sequential([nn.Conv(4, (3, 3)), nn.relu, nn.Conv(3, (3, 3)), nn.sigmoid])
        params = model.init(jax.random.key(0), self.photos)
        optimizer = optax.adam(0.01)

        @jax.jit
        def train(params, state):
            def loss(params):
                return total(model.apply(params, self.photos))

            value, gradients = jax.value_and_grad(loss)(params)
            updates, state = optimizer.update(gradients, state)
            return optax.apply_updates(params, updates), state, value

        state, values = optimizer.init(params), []
        for _ in range(3):
            params, state, value = train(params, state)
            values.append(float(value))
        assert values[2] < values[1] < values[0]

    def test_an_nnx_model_learns(self, total):
        class Painter(nnx.Module):
            def __init__(self, rngs):
                self.first = nnx.Conv(3, 4, (3, 3), rngs=rngs)
                self.second = nnx.Conv(4, 3, (3, 3), rngs=rngs)

            def __call__(self, pictures):
                return nnx.sigmoid(self.second(nnx.relu(self.first(pictures))))

        model = Painter(nnx.Rngs(0))
        optimizer = optax.adam(0.01)

        @nnx.jit
        def train(model, state):
            value, gradients = nnx.value_and_grad(lambda model: total(model(self.photos)))(model)
            params = nnx.state(model, nnx.Param)
            updates, state = optimizer.update(gradients, state, params)
            nnx.update(model, optax.apply_updates(params, updates))
            return state, value

        state, values = optimizer.init(nnx.state(model, nnx.Param)), []
        for _ in range(3):
            state, value = train(model, state)
            values.append(float(value))
        assert values[2] < values[1] < values[0]
