"""Pictures that tile: a run does not know where they begin."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.small import CONTENT, STYLE

import jaxstyle
from jaxstyle.image.geometry import resize
from jaxstyle.objective.objective import evaluate
from jaxstyle.optim.parametrization import parametrization
from jaxstyle.texture.settings import texture_settings
from jaxstyle.transfer.geometry import content_shape, references_at
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers import whole

RANDOM = np.random.default_rng(12)
BOTH = (True, True)
SHIFT = (16, -48)  # also of the windows of spectrum_projection
PHOTO = RANDOM.random((64, 96, 3)).astype(np.float32)
SHALLOW = {
    **{"metric": "gram@relu1_1,relu2_1", "content_metric": "mse@relu2_1", "steps": 3},
    **{"smoothness": 0.1, "content_weight": 0.5, "size": 96},
}


def rolled(picture):
    return np.roll(np.asarray(picture), SHIFT, (0, 1))


@pytest.mark.parametrize("shape", [(32, 48), (48, 64), (128, 192)])
def test_resizing_goes_on_over_the_edge(shape):
    # A roll by a whole number of positions of both grids.
    factor = shape[0] / 64, shape[1] / 96
    moved = [round(by * ratio) for by, ratio in zip(SHIFT, factor, strict=True)]
    if shape == (48, 64):  # 64 of 96 columns are two thirds: 48 columns are 32
        moved = [12, -32]
        turned = resize(np.roll(PHOTO, (16, -48), (0, 1)), shape, BOTH)
    else:
        turned = resize(rolled(PHOTO), shape, BOTH)
    expected = np.roll(resize(PHOTO, shape, BOTH), moved, (0, 1))
    np.testing.assert_allclose(turned, expected, atol=1e-5)
    # Far from the edges it is what it was.
    inside = (slice(8, -8),) * 2
    np.testing.assert_allclose(
        resize(PHOTO, shape, BOTH)[inside], resize(PHOTO, shape)[inside], atol=1e-6
    )


@pytest.mark.parametrize(
    "name", ["laplacian", pytest.param("laplacian_8", marks=pytest.mark.slow), "fourier"]
)
def test_coordinates_wrap(name):
    shape = (64, 96, 3)
    space = parametrization(name, shape, BOTH)
    # A preconditioned step: to coordinates by the transpose, and back.
    step = jax.jit(lambda x: space.decode(jax.vjp(space.decode, space.encode(x))[1](x)[0]))
    by = (0, 0) if name == "laplacian_8" else (32, -64)
    expected = np.roll(step(PHOTO), by, (0, 1))
    turned = step(jnp.roll(PHOTO, by, (0, 1)))
    np.testing.assert_allclose(turned, expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(space.decode(space.encode(PHOTO)), PHOTO, atol=1e-5)


def loss_of(job, size):
    """Return the loss and its gradient at a scale, as a run computes them."""
    stepper = whole.WholeStepper(job)
    prepared = stepper.targets(size)
    features = stepper.spec.extract

    @jax.jit
    def loss(image):
        def total(x):
            return evaluate(lambda y: features(job.params, y), prepared, x).total

        return jax.value_and_grad(total)(image)

    return loss


DEEP = ("relaxed_emd+covariance+gaussian_wasserstein@image+patch+power_spectrum", 0)


@pytest.mark.parametrize(
    ("metric", "padding"),
    [
        ("gram@relu1_1,relu2_1+relaxed_emd@relu1_1,relu2_1", "edge"),
        pytest.param(DEEP[0], "zeros", marks=pytest.mark.slow),
        pytest.param("gram+spectrum_projection+translated_gram", "wrap", marks=pytest.mark.slow),
    ],
)
def test_a_rolled_texture_has_the_same_loss_and_the_rolled_gradient(metric, padding):
    settings = texture_settings(
        None,
        {"metric": metric, "padding": padding, "tile": "both", "size": "96x64", "positions": 0}
        | {"smoothness": 0.1},
    )
    job = make_job(None, [STYLE], settings, Sources())
    assert content_shape(job, 96) == (64, 96)
    loss = loss_of(job, 96)
    (value, gradient), (again, turned) = loss(PHOTO), loss(rolled(PHOTO))
    assert abs(again - value) < 1e-5 * value
    np.testing.assert_allclose(turned, rolled(gradient), atol=1e-4 * float(np.abs(gradient).max()))


def test_a_tileable_photograph_is_painted_wherever_it_begins():
    settings = {**SHALLOW, "calibrate": False, "tile": "both", "scales": 2, "optimizer": "sgd"}
    settings |= {"learning_rate": 1e-5, "scale_factor": 1.5}
    result = jaxstyle.stylize(PHOTO, STYLE, **settings)
    assert [scale["size"] for scale in result.facts["scales"]] == [64, 96]
    moved = np.abs(result.image - PHOTO).max()
    assert moved > 1e-3
    # At the coarse scale, 48 × 64, these are 12 rows and 32 columns.
    shift = (16, -48)
    turned = jaxstyle.stylize(np.roll(PHOTO, shift, (0, 1)), STYLE, **settings)
    gap = np.abs(turned.image - np.roll(result.image, shift, (0, 1)))
    assert gap.max() < 0.02 * moved


def test_sides_become_whole_units_which_is_said(caplog):
    caplog.set_level(logging.INFO)
    settings = jaxstyle.Settings(tile="x", size=48, steps=1, metric="gram@relu1_1")
    job = make_job(CONTENT[:, :44], STYLE, settings, Sources())
    assert job.original.shape[:2] == (40, 48)
    assert "the picture is 48 × 40, not 44 × 40" in caplog.text
    assert job.wrap == (False, True)
    # The other side keeps its bucket.
    assert job.guide.content.shape[:2] == (42, 48)
    _, styles = references_at(job, 48)[:2]
    assert styles[0].shape[1] == 48
    deep = make_job(
        CONTENT, STYLE, jaxstyle.Settings(tile="both", metric="gram@pool5", size=48), Sources()
    )
    assert deep.unit == 32
    assert deep.original.shape[:2] == (32, 64)


@pytest.mark.slow
def test_the_gradient_at_the_seam_is_as_elsewhere():
    settings = texture_settings(
        None, {"metric": "gram", "tile": "both", "size": 128, "positions": 0, "smoothness": 0.1}
    )
    job = make_job(None, [STYLE], settings, Sources())
    loss = loss_of(job, 128)
    at_seam, inside = [], []
    for _ in range(6):
        gradient = np.asarray(loss(RANDOM.random((128, 128, 3)).astype(np.float32))[1])
        # Pixels beside the seam, and those beside another border of cells of the deepest layer.
        squares = (gradient**2).mean(2)
        for plane in (squares, squares.T):
            at_seam.append(plane[:, [-1, 0]].mean())
            others = [k for start in range(16, 128, 16) for k in (start - 1, start)]
            inside.append(plane[:, others].mean())
    ratio = np.sqrt(np.mean(at_seam) / np.mean(inside))
    print(f"root mean square at the seam over inside: {ratio:.3f}")
    assert abs(ratio - 1) < 0.05


@pytest.mark.slow
def test_positions_are_drawn_over_the_edge_too():
    layers = "relu1_1,relu2_1"
    settings = {
        **{"metric": f"relaxed_emd@{layers}", "content_metric": f"hypercolumn_similarity@{layers}"},
        **{"positions": 64, "steps": 2, "scales": 1, "size": 48},
    }
    tiled = jaxstyle.stylize(CONTENT, STYLE, tile="both", **settings)
    assert tiled.finite
    assert tiled.image.shape == (48, 48, 3)
    assert tiled.history["total"][-1] != tiled.history["total"][0]
