"""Metrics of colors, frequencies, lines and smoothness against their sources' code, written out in
float64, where they once differed from it."""

import jax
import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from support.comparing import agree, ours, single

from jaxstyle.metrics import find
from jaxstyle.objective.regions import select_positions
from jaxstyle.specs import LayerRef

RANDOM = np.random.default_rng(21)
KINDS = pytest.mark.parametrize("kind", ["style", "content"])


def strotss_palette(x, y):
    """Compute STROTSS' cost of two sets of colors: rotated, cosine + √(squared distance / 3)."""
    third, two = 0.577350, (0.788675, -0.211325)
    rotation = np.array([[third] * 3, [-third, *two], [-third, *two[::-1]]])
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)  # it does nothing
    x, y = x @ rotation.T, y @ rotation.T
    cosine = 1 - (x @ y.T) / np.linalg.norm(x, axis=1)[:, None] / np.linalg.norm(y, axis=1)
    squared = (x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T
    cost = cosine + np.sqrt(np.clip(squared, 1e-5, 1e5) / 3)
    return max(cost.min(1).mean(), cost.min(0).mean())


@KINDS
def test_palette_has_the_cost_of_strotss(kind):
    x, y = RANDOM.random((40, 3)), RANDOM.random((40, 3))
    agree("palette", ours("palette", x, y, kind), strotss_palette(x, y), 2e-4)


def test_palette_compares_pixels_not_their_means():
    dots = np.indices((192, 192)).sum(0) % 2
    dots = np.where(dots[..., None], [0.8, 0.2, 0.1], [0.2, 0.6, 0.1]).reshape(-1, 3)
    brown = np.tile([[0.5, 0.4, 0.1]], (192**2, 1))
    key = jax.random.key(2)
    drawn, flat = (find("palette").draw(single(colors), key, 500) for colors in (dots, brown))
    assert drawn.shape == flat.shape == (500, 3)
    # As two colors, one half of the pixels each, against brown.
    agree("palette", ours("palette", drawn, flat), strotss_palette(dots[:2], brown[:1]), 0.02)
    assert ours("palette", drawn, dots[:2]) < 1e-6


def test_palette_has_a_gradient_of_moderate_size_at_black():
    x = single(np.concatenate([np.zeros((5, 3)), RANDOM.random((20, 3))]))
    y = single(0.2 + RANDOM.random((30, 3)))
    gradient = jax.jit(jax.grad(find("palette").distance))(x, y)
    assert 0 < np.abs(gradient).max() < 255 / 25


@pytest.mark.parametrize("name", ["color_histogram", "palette"])
def test_color_metrics_see_exactly_what_is_inside_a_mask(name):
    picture = single(RANDOM.random((64, 64, 3))).at[np.arange(64), np.arange(64)].set([1.0, 0, 0])
    mask = np.tril(np.ones((64, 64), np.float32))
    shapes, metric = {"image": (64, 64)}, find(name)
    (indices,) = select_positions(mask, metric, [LayerRef.parse("image")], shapes)
    seen = picture.reshape(-1, 3)[indices]
    np.testing.assert_array_equal(seen, picture[mask > 0])
    # The diagonal is 64 of the 2,080 pixels inside; of a grid with stand-ins it would be half.
    assert np.mean(np.all(seen == picture[0, 0], axis=1)) == pytest.approx(0.031, abs=1e-3)
    assert ours(name, seen, picture[mask > 0]) < 1e-9


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((8, 8), (16, 16)),
        ((8, 6), (8, 8)),
        ((16, 16), (8, 8)),
        ((1, 7), (9, 40)),
        ((15, 20), (3, 2)),
    ],
)
def test_power_spectra_of_ones_are_equal_whatever_their_sizes(x, y):
    assert ours("power_spectrum", np.ones((*x, 2)), np.ones((*y, 2))) < 1e-10


def test_power_spectrum_cuts_both_pictures_into_blocks_of_one_size():
    def welch(grid, block):
        """Compute SciPy's periodograms of windowed blocks that overlap by half, averaged."""
        window = np.sin(np.pi * (np.arange(block) + 0.5) / block)
        options = {"nperseg": block, "noverlap": block // 2, "window": window, "boundary": None}
        options |= {"padded": False, "scaling": "psd", "detrend": False}
        _, _, along = scipy.signal.stft(grid, axis=1, return_onesided=True, **options)
        _, _, both = scipy.signal.stft(along, axis=0, return_onesided=False, **options)
        return np.sqrt(np.mean(np.abs(both) ** 2, axis=(-1, -2)).transpose(0, 2, 1))

    x, y = RANDOM.random((8, 12, 3)), RANDOM.random((24, 32, 3))
    a, b = welch(x, 8), welch(y, 8)
    agree("power_spectrum", ours("power_spectrum", x, y), np.mean((a - b) ** 2))
    agree("… and back", ours("power_spectrum", y, x), np.mean((a - b) ** 2))


def crowson(image):
    """Compute her nine-point stencil in loops, with 1/3 and 1/12, edge pixels repeated."""
    height, width, _ = image.shape
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")

    def mean(places, down, across):
        return np.mean([(padded[i + down, j + across] - padded[i, j]) ** 2 for i, j in places])

    inside = [(i, j) for i in range(1, height + 1) for j in range(1, width + 1)]
    corners = [(i, j) for i in range(height + 1) for j in range(width + 1)]
    straight = mean(inside, 0, 1) + mean(inside, 1, 0)
    diagonal = mean(corners, 1, 1) + mean([(i, j + 1) for i, j in corners], 1, -1)
    return 2 * (straight / 3 + diagonal / 12)


@pytest.mark.parametrize("shape", [(9, 8, 3), (1, 7, 3), (5, 1, 3)])
def test_total_variation_nine_is_crowsons(shape):
    x = RANDOM.random(shape)
    agree("total_variation_nine", ours("total_variation_nine", x, x, "image"), crowson(x), 1e-5)


def test_total_variation_nine_of_patterns():
    board = np.indices((200, 200)).sum(0)[..., None] % 2 * np.ones(3)
    stripes = np.indices((200, 200))[1][..., None] % 2 * np.ones(3)
    agree("checkerboard", ours("total_variation_nine", board, board, "image"), 4 / 3, 0.01)
    agree("stripes", ours("total_variation_nine", stripes, stripes, "image"), 1.0, 0.01)


def test_laplacian_sees_the_sum_of_the_channels():
    x = RANDOM.random((24, 20, 3))
    shift = RANDOM.random((24, 20))[..., None] * [1, -0.25, -0.75]
    assert ours("laplacian", x + shift, x, "content") < 1e-9
    # The code's convolution has one output channel, of weights that are equal for its three inputs.
    y = RANDOM.random((24, 20, 3))
    kernel = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    pooled = (x - y).reshape(6, 4, 5, 4, 3).mean((1, 3))
    lines = sum(scipy.signal.correlate(pooled[..., c], kernel, "valid") for c in range(3))
    agree("laplacian", ours("laplacian", x, y, "content"), np.mean(lines**2))


def test_self_similarity_draws_the_same_positions_of_both_pictures():
    metric = find("self_similarity", "content")
    x, y = (RANDOM.random((300, 8)) for _ in range(2))
    key = jax.random.key(4)
    drawn = [np.asarray(metric.draw(single(features), key, 50)) for features in (x, y)]
    places = [
        [np.flatnonzero((single(all_) == row).all(1))[0] for row in some]
        for all_, some in zip((x, y), drawn, strict=True)
    ]
    assert places[0] == places[1]
    assert len(set(places[0])) == 50
    expected = ours("self_similarity", x[places[0]], y[places[0]], "content")
    agree("self_similarity", ours("self_similarity", *drawn, "content"), expected, 1e-5)
    # A sample's mean is near that of all.
    agree("… of all", expected, ours("self_similarity", x, y, "content"), 0.1)
