"""Size and shape: parametrizations, tiles, memory, buckets, and what is carried up a scale."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxstyle
from jaxstyle.backbones import extractor as networks
from jaxstyle.cli.main import main as cli
from jaxstyle.image.geometry import bucket_of, crop_from_bucket, pad_to_bucket
from jaxstyle.image.io import write_image
from jaxstyle.objective.objective import Losses
from jaxstyle.optim import parametrization
from jaxstyle.optim import step as optimize
from jaxstyle.transfer import memory, tiles
from jaxstyle.transfer import stylize as transfer
from jaxstyle.weights import registry as weights

RNG = np.random.default_rng(7)
ROUGH = RNG.random((60, 96, 3)).astype(np.float32)
_Y, _X = np.mgrid[0:72, 0:96] / 96
SMOOTH = np.stack([_X, _Y, 0.5 + 0.4 * np.sin(9 * _X * _Y)], -1).astype(np.float32)
SMALL = {"size": 64, "steps": 3, "scales": 1}


class TestParametrizations:
    @pytest.mark.parametrize("name", parametrization.PARAMETRIZATIONS)
    @pytest.mark.parametrize("shape", [(24, 32, 3), (17, 33, 3), (1, 5, 3)])
    def test_a_picture_comes_back(self, name, shape):
        space = parametrization.parametrization(name, shape)
        image = RNG.random(shape).astype(np.float32)
        there = space.encode(image)
        np.testing.assert_allclose(space.decode(there), image, atol=2e-6)
        # Linear: the optimizer's updates can be decoded alone.
        other = np.asarray(space.encode(image[::-1]))
        np.testing.assert_allclose(
            space.decode(2 * there - other), 2 * image - image[::-1], atol=2e-5
        )

    def test_fourier_is_lucids_formula(self):
        # The formula with NumPy's whole spectrum, in float64.
        height, width = 12, 14
        noise = RNG.standard_normal((height, width, 3))
        frequencies = np.hypot(
            np.fft.fftfreq(height)[:, None], np.abs(np.fft.fftfreq(width)[None, :])
        )
        gain = 1 / np.maximum(frequencies, 1 / max(height, width))
        gain /= np.sqrt(np.mean(gain**2))
        colors = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
        colors /= np.sqrt(np.mean(np.sum(colors**2, 1)))
        whole = np.fft.fft2(noise, axes=(0, 1)) * gain[..., None]
        expected = np.fft.ifft2(whole, axes=(0, 1)).real @ colors.T
        half = np.sqrt(2) * np.fft.rfft2(noise, axes=(0, 1), norm="ortho")
        space = parametrization.fourier((height, width, 3))
        coordinates = np.concatenate([half.real.ravel(), half.imag.ravel()]).astype(np.float32)
        np.testing.assert_allclose(space.decode(coordinates), expected, atol=1e-5)

    def test_a_laplacian_level_is_what_its_half_does_not_say(self):
        space = parametrization.laplacian((16, 24, 3))
        flat = np.full((16, 24, 3), 0.3, np.float32)
        there = np.asarray(space.encode(flat))
        fine = 16 * 24 * 3
        np.testing.assert_allclose(there[:fine], 0, atol=1e-6)
        # A flat picture is all in the smallest level.
        assert np.count_nonzero(np.abs(there) > 1e-6) == 1 * 2 * 3
        with pytest.raises(ValueError, match="did you mean 'laplacian'"):
            parametrization.parametrization("laplacan", (4, 4, 3))

    @pytest.mark.parametrize("name", ["laplacian", "fourier"])
    def test_the_lowest_point_of_a_bowl_is_found(self, name):
        shape = (8, 10, 3)
        space = parametrization.parametrization(name, shape)
        lowest = RNG.uniform(0.3, 0.7, shape).astype(np.float32)

        def loss(image):
            value = jnp.sum((image - lowest) ** 2)
            return Losses(value, value[None])

        for optimizer, rate in (("lbfgs", 1.0), ("adam", 0.01)):
            transform = optimize.optimizer(optimizer, rate)
            step = jax.jit(
                lambda state, transform=transform: optimize.take_step(
                    optimize.measured(loss), transform, state, space
                )[0]
            )
            state = optimize.start(transform, np.full(shape, 0.5, np.float32), space)
            for _ in range(200):
                state = step(state)
            assert np.sqrt(np.mean((state.image - lowest) ** 2)) < 0.015

    @pytest.mark.parametrize("name", ["laplacian", "fourier"])
    def test_a_run(self, name):
        made = jaxstyle.stylize(SMOOTH, ROUGH, parametrization=name, **SMALL)
        assert made.finite
        assert made.history["total"][-1] < 0.9 * made.history["total"][0]


class TestTheNextScale:
    def test_moments_are_moved_as_gradients_are(self):
        # On a linear slope, whose gradient goes by 1/pixels, Adam's moments have known values.
        coarse, fine = np.ones((4, 6, 3), np.float32), jnp.ones((8, 12, 3))
        transform = optimize.optimizer("adam", 0.01)
        state = transform.init(jnp.asarray(coarse))
        expected = transform.init(fine)
        for _ in range(3):
            _, state = transform.update(jnp.asarray(coarse) / coarse.size, state, coarse)
            _, expected = transform.update(fine / fine.size, expected, fine)
        carried = optimize.carried(state, fine)
        for ours, theirs in zip(jax.tree.leaves(carried), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5)
        for name in ("sgd", "momentum", "rmsprop"):
            other = optimize.optimizer(name, 0.01)
            state = optimize.carried(other.init(jnp.asarray(coarse)), fine)
            assert jax.tree.map(jnp.shape, state) == jax.tree.map(jnp.shape, other.init(fine))

    def test_lbfgs_knows_the_valley_already(self):
        # A narrow valley, its steepness the same at all sizes: what was learnt below serves above.
        def loss(image):
            y = jnp.linspace(0, 1, image.shape[0])[:, None, None]
            value = jnp.mean((1 + 30 * y) * (image - 0.4 - 0.2 * y) ** 2)
            return Losses(value, value[None])

        transform = optimize.optimizer("lbfgs", 1.0)
        step = jax.jit(lambda s: optimize.take_step(optimize.measured(loss), transform, s)[0])
        state = optimize.start(transform, np.full((16, 8, 3), 0.9, np.float32))
        for _ in range(8):
            state = step(state)
        finer = np.full((32, 16, 3), 0.9, np.float32)
        fresh = optimize.start(transform, finer)
        knowing = fresh._replace(optimizer=optimize.carried(state.optimizer, jnp.asarray(finer)))
        for _ in range(12):
            fresh, knowing = step(fresh), step(knowing)
        assert loss(knowing.image).total < 0.5 * loss(fresh.image).total

    def test_a_memory_of_nothing_is_no_memory(self):
        transform = optax.with_extra_args_support(optimize.optimizer("lbfgs", 1.0))
        fresh = transform.init(jnp.ones((4, 4, 3)))
        carried = optimize.carried(fresh, jnp.ones((8, 8, 3)))
        assert not carried.carried
        assert not np.any(carried.inner.diff_params_memory)
        updates, _ = transform.update(jnp.ones((8, 8, 3)), carried, jnp.ones((8, 8, 3)))
        assert np.isfinite(updates).all()

    def test_steps_for_each_scale(self):
        made = jaxstyle.stylize(
            SMOOTH, ROUGH, size=96, scale_steps=(2, 1), scale_factor=1.5, style_layers=("relu1_1",)
        )
        assert made.facts["scales"] == [{"size": 64, "steps": 2}, {"size": 96, "steps": 1}]
        with pytest.raises(ValueError, match="have only 1 of at least 64"):
            jaxstyle.stylize(SMOOTH, ROUGH, size=96, scale_steps=(2, 1), scale_factor=2)


class TestBuckets:
    def test_what_is_laid_in_is_lifted_out(self):
        for shape in [(37, 64), (64, 64), (1, 64), (64, 3)]:
            picture = RNG.random((*shape, 3)).astype(np.float32)
            whole = bucket_of(*shape)
            laid = pad_to_bucket(picture, whole)
            assert laid.shape == (*whole, 3)
            part = (shape[0] / whole[0], shape[1] / whole[1])
            np.testing.assert_array_equal(crop_from_bucket(laid, part), picture)

    def test_another_shape_of_the_bucket_compiles_nothing(self):
        compiled = []

        def heard(name, *_, **__):
            if name.endswith("backend_compile_duration"):
                compiled.append(name)

        first, second = (RNG.random((*shape, 3)) for shape in ((52, 80), (55, 80)))
        few = {"size": 80, "steps": 2, "scales": 2, "style_layers": ("relu1_1",)}
        jaxstyle.stylize(first, ROUGH, **few)
        jax.monitoring.register_event_duration_secs_listener(heard)
        try:
            made = jaxstyle.stylize(second, ROUGH[2:, :94], **few, seed=3, content_weight=0.5)
            assert not compiled
            assert made.image.shape == (55, 80, 3)
            jaxstyle.stylize(second[:40], ROUGH, **few)
            assert compiled  # the listener hears
        finally:
            jax.monitoring.unregister_event_duration_listener(heard)


class TestTiles:
    @pytest.mark.parametrize("side", [64, 100, 101, 333])
    @pytest.mark.parametrize("stride", [1, 4, 16])
    def test_each_pixel_has_one_tile_that_sees_enough(self, side, stride):
        before, after = 13, 22
        found = tiles.spans(side, 100, before, after, stride)
        assert [each.first for each in found][1:] == [each.end for each in found][:-1]
        assert (found[0].first, found[-1].end) == (0, side)
        for each in found:
            assert each.start % stride == each.first % stride == 0
            assert each.length <= 100 + stride
            assert each.start == 0 or each.first - each.start >= before
            assert each.start + each.length == side or (
                each.start + each.length - each.end >= after
            )

    def test_too_small_a_tile_is_told(self):
        with pytest.raises(ValueError, match="at least 64 are needed"):
            tiles.spans(200, 40, 16, 32, 16)

    @pytest.mark.parametrize(
        ("name", "layers", "pooling", "padding"),
        [
            ("vgg16", ("relu1_1", "conv3_2", "relu4_1"), "max", "edge"),
            ("vgg16", ("relu2_1", "relu3_1"), "hanning", "zeros"),
            ("alexnet", ("relu1", "relu3"), "max", "reflect"),
        ],
    )
    def test_features_and_gradient_are_the_wholes(self, name, layers, pooling, padding):
        params = {name: weights.load(name).tensors}
        image = jnp.asarray(RNG.random((211, 170, 3)), jnp.float32)
        extract = networks.extractor(
            [f"{name}:{layer}" for layer in layers], {name: name}, pooling=pooling, padding=padding
        )
        whole, pull = jax.vjp(jax.jit(extract), params, image)
        parts = tiles.features(extract, params, image, 160)
        assert len(tiles.tiling(extract, image.shape, 160).tiles) > 1
        for layer, expected in whole.items():
            size = np.abs(expected).max()
            np.testing.assert_allclose(parts[layer], expected, atol=1e-6 * size)
        slopes = {
            layer: jnp.asarray(RNG.standard_normal(each.shape), jnp.float32)
            for layer, each in whole.items()
        }
        expected = pull(slopes)[1]
        start = jnp.ones_like(image)
        found = tiles.pull_back(extract, params, image, slopes, start, 160) - 1
        size = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, atol=2e-6 * size)

    # Gram, moments and covariance are sums over positions; sorted and paired positions are not.
    @pytest.mark.parametrize(
        "metric",
        [
            *("gram", "covariance", "moments", "histogram"),
            pytest.param("contextual", marks=pytest.mark.slow),
        ],
    )
    def test_a_tiled_step_is_the_whole_step(self, metric):
        few = {
            **{"size": 112, "steps": 1, "scales": 1, "optimizer": "sgd", "smoothness": 0.1},
            "style_layers": ("relu2_1", "relu3_1"),
            **{"content_layers": ("relu3_1",), "metric": ((metric, 1.0),)},
        }
        # Nine tiles of one shape.
        content, style = RNG.random((2, 112, 112, 3))
        layouts = ("whole", "64", "recompute") if metric == "gram" else ("whole", "64")
        made = {
            layout: jaxstyle.stylize(content, style, memory=layout, **few) for layout in layouts
        }
        whole = made.pop("whole")
        moved = np.abs(whole.image - content).max()
        assert moved > 1e-3
        for other in made.values():
            assert other.history["total"][0] == pytest.approx(whole.history["total"][0], rel=1e-4)
            # Tiles of Winograd lie elsewhere: rounding, and here and there a ReLU on its edge.
            gap = np.abs(other.image - whole.image)
            assert gap.max() < 1e-2 * moved
            assert np.sqrt(np.mean(gap**2)) < 5e-4 * moved


def run(*words):
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(word) for word in words])
    return stopped.value.code


class TestMemory:
    @pytest.fixture
    def files(self, tmp_path):
        for name, picture in (("content", SMOOTH), ("style", ROUGH)):
            write_image(tmp_path / f"{name}.png", picture)
        return tmp_path

    def test_the_plan_says_what_the_run_says(self, files, capsys):
        words = ["stylize", files / "content.png", files / "style.png", "--size", 64, "--scales", 1]
        assert run(*words, "--plan", "--quiet") == 0
        told = capsys.readouterr().out
        assert re.search(r"64 × 48, whole: about \d+\.\d\d GiB of memory at the peak, of", told)
        assert not (files / "out.png").exists()
        assert run(*words, "--steps", 1, "-o", files / "out.png") == 0
        assert "64 × 48, whole: about" in capsys.readouterr().err
        facts = json.loads((files / "out.json").read_text())["memory"]
        assert facts["layout"] == "whole"
        assert 0 < facts["predicted"] < facts["available"]

    @pytest.mark.skipif(not memory.MAPS.exists(), reason="memory maps of a process are Linux's")
    def test_programs_are_let_go_before_a_process_has_too_many_memory_maps(self, monkeypatch):
        doubled = jax.jit(lambda x: 2 * x)
        assert doubled(1.0) == 2
        assert not memory.clear_caches_if_crowded()
        kept = doubled._cache_size()
        assert kept == 1
        count = len(memory.MAPS.read_text().splitlines())
        few = SimpleNamespace(read_text=lambda: str(2 * count - 2))
        monkeypatch.setattr(memory, "MOST_MAPS", few)
        assert memory.clear_caches_if_crowded()
        assert doubled._cache_size() == 0
        assert doubled(1.0) == 2

    @pytest.mark.slow
    def test_the_prediction_is_what_is_taken(self):
        # In a process of its own: the highest memory of one is never forgotten.
        program = """
import jaxstyle, json, numpy as np
content, style = np.random.default_rng(0).random((2, 384, 512, 3), np.float32)
made = jaxstyle.stylize(content, style, size=512, scale_steps=(1,), memory="whole")
print(json.dumps(made.facts["memory"]))
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        assert found["measured"] == pytest.approx(found["predicted"], rel=0.15)

    def test_a_leaner_layout_is_taken_where_there_is_less(self, monkeypatch):
        few = {"size": 160, "scales": 2, "steps": 1, "style_layers": ("relu2_1",)}
        few["content_layers"] = ("relu2_1",)
        image = np.tile(ROUGH, (3, 2, 1))
        plans = {
            layout: jaxstyle.transfer.plan(image, image, memory=layout, **few)
            for layout in ("whole", "recompute", "96")
        }
        now = memory.used()
        peaks = {layout: each.peak - now for layout, each in plans.items()}
        assert peaks["96"] < peaks["whole"]

    def test_what_does_not_fit_is_told(self, files, capsys, monkeypatch):
        monkeypatch.setattr(memory, "available", lambda: 2**20)
        words = ["stylize", files / "content.png", files / "style.png", "--scales", 1]
        out = ("--steps", 1, "-o", files / "out.png", "--quiet")
        assert run(*words, *out, "--size", 64) == 2
        assert capsys.readouterr().err.endswith("that does not fit\n")
        assert not (files / "out.png").exists()
        # Of what the step takes there is a half: what is advised does fit.
        needs = transfer.plan(files / "content.png", files / "style.png", size=64, scales=1).peak
        now = memory.used()
        monkeypatch.setattr(memory, "used", lambda: now)
        monkeypatch.setattr(memory, "available", lambda: int((now + needs) / 2 / memory.SHARE))
        assert run(*words, *out, "--size", 64) == 2
        advised = re.search(r"that does not fit; --size (\d+) should", capsys.readouterr().err)[1]
        assert run(*words, *out, "--size", advised) == 0

    @pytest.mark.parametrize("wrong", ["much", "-4", "1.5"])
    def test_a_wrong_layout_is_told(self, wrong):
        with pytest.raises(ValueError, match="expected memory to be auto"):
            jaxstyle.Settings(memory=wrong)
