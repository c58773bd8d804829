"""Metrics of content and of pictures against independent references: SciPy, scikit-image, or the
paper's formula in float64 NumPy. Run with -s to see the relative errors."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.spatial
import scipy.special
import skimage.metrics
from support.comparing import SAME, X, agree, cosines, ours, ours_directly

from jaxstyle.metrics.structure import gmsd, ms_ssim, psnr, ssim

RANDOM = np.random.default_rng(12)
PICTURE = scipy.ndimage.gaussian_filter(RANDOM.random((190, 200, 3)), (2, 2, 0))
PICTURE = (PICTURE - PICTURE.min()) / (PICTURE.max() - PICTURE.min())
NOISY = np.clip(PICTURE + 0.05 * RANDOM.standard_normal(PICTURE.shape), 0, 1)


def test_mse_mae_huber_cosine():
    d = X - SAME
    agree("mse", ours("mse", X, SAME, "content"), np.mean(d**2))
    agree("mae", ours("mae", X, SAME, "content"), np.mean(np.abs(d)))
    agree("huber", ours("huber", X, SAME, "content"), scipy.special.huber(1, d).mean())
    expected = np.mean([scipy.spatial.distance.cosine(*rows) for rows in zip(X, SAME, strict=True)])
    agree("cosine", ours("cosine", X, SAME, "content"), expected)


def test_self_similarity():
    d, t = cosines(X, X), cosines(SAME, SAME)
    expected = np.abs(d / d.sum(0) - t / t.sum(0)).mean() * len(X)
    value = ours("self_similarity", X, SAME, "content")
    agree("self_similarity", value, expected)
    assert value == pytest.approx(ours("self_similarity", 3 * X, SAME, "content"), rel=1e-4)


def test_laplacian():
    def lines(picture):
        pooled = picture.reshape(5, 4, 6, 4, 3).mean((1, 3))
        return -scipy.ndimage.laplace(pooled.sum(2))[1:-1, 1:-1]

    x, y = RANDOM.random((20, 24, 3)), RANDOM.random((20, 24, 3))
    agree("laplacian", ours("laplacian", x, y, "content"), np.mean((lines(x) - lines(y)) ** 2))


def magnitude(plane):
    return np.hypot(*(scipy.ndimage.prewitt(plane, axis, mode="nearest") / 3 for axis in (0, 1)))


def test_edges():
    x, y = RANDOM.random((20, 24, 3)), RANDOM.random((20, 24, 3))
    a, b = (np.stack([magnitude(p[..., c]) for c in range(3)], -1) for p in (x, y))
    agree("edges", ours("edges", x, y, "content"), np.mean((a - b) ** 2))


def test_psnr():
    expected = skimage.metrics.peak_signal_noise_ratio(PICTURE, NOISY, data_range=1)
    value = ours_directly(psnr, PICTURE, NOISY)
    agree("psnr", value, expected, 1e-2)
    assert ours_directly(psnr, PICTURE, PICTURE) == pytest.approx(40)
    agree("… as a loss", 40 - ours("psnr", PICTURE, NOISY, "content"), value, 1e-5)


def skimage_ssim(x, y, **options):
    return skimage.metrics.structural_similarity(
        x,
        y,
        data_range=1,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        win_size=11,
        **options,
    )


def test_ssim():
    # scikit-image crops half a window at each border, as a valid convolution does.
    expected = skimage_ssim(PICTURE, NOISY)
    agree("ssim", ours_directly(ssim, PICTURE, NOISY), expected)
    agree("… as a loss", 1 - ours("ssim", PICTURE, NOISY, "content"), expected)


def test_ssim_of_opposites_is_minus_one():
    # A checkerboard around zero is its own opposite: the symmetric case of dm_pix's test.
    board = (np.indices((32, 32)).sum(0) % 2 * 2.0 - 1)[..., None]
    assert ours_directly(ssim, board, -board) == pytest.approx(-1, abs=2e-3)


def test_ms_ssim():
    def halved(image):
        height, width, _ = image.shape
        cut = image[: height // 2 * 2, : width // 2 * 2]
        return (cut[::2, ::2] + cut[1::2, ::2] + cut[::2, 1::2] + cut[1::2, 1::2]) / 4

    def contrast(x, y):
        def blur(image):
            return scipy.ndimage.gaussian_filter(image, (1.5, 1.5, 0), truncate=3.5)[5:-5, 5:-5]

        variances = blur(x * x) - blur(x) ** 2 + blur(y * y) - blur(y) ** 2
        return ((2 * (blur(x * y) - blur(x) * blur(y)) + 9e-4) / (variances + 9e-4)).mean((0, 1))

    x, y, expected = PICTURE, NOISY, 1
    for weight in (0.0448, 0.2856, 0.3001, 0.2363):
        expected = expected * contrast(x, y) ** weight
        x, y = halved(x), halved(y)
    last = np.array([skimage_ssim(x[..., [c]], y[..., [c]]) for c in range(3)])
    expected = np.mean(expected * last**0.1333)
    agree("ms_ssim", ours_directly(ms_ssim, PICTURE, NOISY), expected)


def test_gmsd():
    planes = []
    for picture in (PICTURE, NOISY):
        plane = picture @ [0.299, 0.587, 0.114]
        planes.append(magnitude(plane.reshape(95, 2, 100, 2).mean((1, 3))))
    c = 170 / 255**2
    similarity = (2 * planes[0] * planes[1] + c) / (planes[0] ** 2 + planes[1] ** 2 + c)
    agree("gmsd", ours_directly(gmsd, PICTURE, NOISY), similarity.std())


def test_total_variations():
    x = RANDOM.random((9, 8, 3))
    across, down = np.diff(x, axis=1), np.diff(x, axis=0)
    agree(
        "total_variation",
        ours("total_variation", x, x, "image"),
        np.mean(across**2) + np.mean(down**2),
    )
    agree(
        "total_variation_absolute",
        ours("total_variation_absolute", x, x, "image"),
        np.mean(np.abs(across)) + np.mean(np.abs(down)),
    )
    power = np.mean(np.hypot(across[:-1], down[:, :-1]) ** 1.25)
    agree("total_variation_power", ours("total_variation_power", x, x, "image"), power)


def test_total_variation_of_a_checkerboard_is_two():
    board = (np.indices((128, 128)).sum(0) % 2)[..., None] * np.ones(3)
    assert ours("total_variation", board, board, "image") == 2.0
    assert ours("total_variation", np.zeros((1, 1, 3)), board, "image") == 0.0
