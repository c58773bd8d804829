"""Parametrizations: exact, linear, and as their papers have them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxstyle
from jaxstyle.objective.objective import Losses
from jaxstyle.optim import optimizers, step
from jaxstyle.optim.parametrization import PARAMETRIZATIONS, fourier, laplacian, parametrization

RANDOM = np.random.default_rng(7)


@pytest.mark.parametrize("name", PARAMETRIZATIONS)
@pytest.mark.parametrize("shape", [(24, 32, 3), (17, 33, 3), (1, 5, 3)])
def test_decoding_inverts_encoding_and_is_linear(name, shape):
    space = parametrization(name, shape)
    encode, decode = jax.jit(space.encode), jax.jit(space.decode)
    image = RANDOM.random(shape).astype(np.float32)
    coordinates = encode(image)
    np.testing.assert_allclose(decode(coordinates), image, atol=2e-6)
    # Linear: the optimizer's updates can be decoded alone.
    others = np.asarray(encode(image[::-1]))
    np.testing.assert_allclose(decode(2 * coordinates - others), 2 * image - image[::-1], atol=2e-5)


def test_fourier_is_lucids_formula():
    # The formula with NumPy's whole spectrum, in float64.
    height, width = 12, 14
    noise = RANDOM.standard_normal((height, width, 3))
    frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.abs(np.fft.fftfreq(width)[None, :]))
    gain = 1 / np.maximum(frequencies, 1 / max(height, width))
    gain /= np.sqrt(np.mean(gain**2))
    colors = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    colors /= np.sqrt(np.mean(np.sum(colors**2, 1)))
    whole = np.fft.fft2(noise, axes=(0, 1)) * gain[..., None]
    expected = np.fft.ifft2(whole, axes=(0, 1)).real @ colors.T
    half = np.sqrt(2) * np.fft.rfft2(noise, axes=(0, 1), norm="ortho")
    coordinates = np.concatenate([half.real.ravel(), half.imag.ravel()]).astype(np.float32)
    space = fourier((height, width, 3))
    np.testing.assert_allclose(space.decode(coordinates), expected, atol=1e-5)


def test_a_laplacian_level_is_what_its_half_lacks():
    flat = np.full((16, 24, 3), 0.3, np.float32)
    coordinates = np.asarray(laplacian((16, 24, 3)).encode(flat))
    np.testing.assert_allclose(coordinates[: 16 * 24 * 3], 0, atol=1e-6)
    # A flat picture is all in the smallest level.
    assert np.count_nonzero(np.abs(coordinates) > 1e-6) == 1 * 1 * 3


def test_an_unknown_name_raises():
    with pytest.raises(ValueError, match="did you mean 'laplacian'"):
        parametrization("laplacan", (4, 4, 3))


@pytest.mark.parametrize("name", ["laplacian", "fourier"])
@pytest.mark.parametrize(("optimizer", "rate"), [("lbfgs", 1.0), ("adam", 0.01)])
def test_the_minimum_of_a_bowl_is_found(name, optimizer, rate):
    shape = (8, 10, 3)
    space = parametrization(name, shape)
    lowest = RANDOM.uniform(0.3, 0.7, shape).astype(np.float32)

    def bowl(image, _):
        value = jnp.sum((image - lowest) ** 2)
        return Losses(value, value[None])

    transform = optimizers.find(optimizer).make(rate)
    gradient_of = step.with_gradient(bowl)
    advance = jax.jit(lambda state: step.take_step(gradient_of, transform, state, rules)[0])
    rules = step.Rules(space)
    state = step.init(transform, np.full(shape, 0.5, np.float32), rules)
    for _ in range(200):
        state = advance(state)
    assert np.sqrt(np.mean((state.image - lowest) ** 2)) < 0.015


@pytest.mark.parametrize("name", ["laplacian", "fourier"])
def test_a_run_lowers_the_loss(name):
    y, x = np.mgrid[0:72, 0:96] / 96
    content = np.stack([x, y, 0.5 + 0.4 * np.sin(9 * x * y)], -1).astype(np.float32)
    result = jaxstyle.stylize(
        content,
        RANDOM.random((40, 48, 3)).astype(np.float32),
        parametrization=name,
        **{"size": 48, "steps": 8, "scales": 1},
        **{"style_layers": ("relu1_1",), "content_layers": ("relu1_1",)},
        **{"metric": "moments", "content_metric": "mse", "content_weight": 0.3},
    )
    assert result.finite
    assert result.history["total"][-1] < 0.9 * result.history["total"][0]
