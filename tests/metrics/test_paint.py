"""Paint precision and coverage: against brute force in float64, and on faults that eyes see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist

from jaxstyle.metrics import find, paint
from jaxstyle.objective.judge import judge

RANDOM = np.random.default_rng(21)
PRECISION, COVERAGE = (find(f"paint_{name}", "style") for name in ("precision", "coverage"))


def painted(height, width, seed):
    """Return strokes: smoothed noise in two colors, as a painting of one hand for all seeds."""
    noise = np.random.default_rng(seed).standard_normal((height, width))
    stroke = gaussian_filter(noise, (1, 4), mode="wrap")[..., None] / 0.2
    cold, warm = np.array([0.2, 0.3, 0.7]), np.array([0.8, 0.7, 0.2])
    return np.clip(cold + (warm - cold) / (1 + np.exp(-3 * stroke)), 0, 1).astype(np.float32)


STYLE, PICTURE = painted(64, 80, 1), painted(48, 64, 2)


@jax.jit
def _measured(picture, style):
    return [metric.distance(picture, metric.summarize(style)) for metric in (PRECISION, COVERAGE)]


def measured(picture, style=STYLE):
    return [float(value) for value in _measured(jnp.asarray(picture, jnp.float32), style)]


slopes = jax.jit(jax.grad(lambda x, y: PRECISION.distance(x, PRECISION.summarize(y))))


def cut(image, step, side=7):
    """Return square patches, one by one."""
    height, width = (length - side + 1 for length in image.shape[:2])
    corners = [(i, j) for i in range(0, height, step) for j in range(0, width, step)]
    return np.array([image[i : i + side, j : j + side] for i, j in corners])


def halved(image):
    image = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    return (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4


def brute(asked, among, mean, coverage):
    """Compute the definition, pair by pair, in float64."""
    asked, among = (np.asarray(image, np.float64) for image in (asked, among))
    values = []
    for step in (7, 4, 2):
        if min(*asked.shape[:2], *among.shape[:2]) < 7:
            break
        rows = [
            (part - (1 - mean) * part.mean((1, 2), keepdims=True)).reshape(len(part), -1)
            for part in (cut(asked, step), cut(among, 1))
        ]
        values.append(np.mean(cdist(*rows).min(1) / np.sqrt(147)))
        asked, among = halved(asked), halved(among)
    return np.mean(values)


@pytest.mark.parametrize("mean", [1.0, 0.0])
@pytest.mark.parametrize("shapes", [((30, 41), (29, 33)), ((30, 41), (13, 20))])
def test_both_agree_with_brute_force(shapes, mean):
    x, y = (RANDOM.random((*shape, 3)).astype(np.float32) for shape in shapes)
    for metric, asked, among in ((PRECISION, x, y), (COVERAGE, y, x)):
        distance = jax.jit(lambda x, y, m=metric: m.distance(x, m.summarize(y), mean=mean))
        value = distance(x, y)
        expected = brute(asked, among, mean, metric is COVERAGE)
        assert float(value) == pytest.approx(expected, rel=1e-5)


def test_the_gradient_is_that_of_fixed_matches():
    x, y = PICTURE[:7, :7], STYLE[:20, :20]
    among = cut(y, 1).reshape(-1, 147)
    nearest = among[np.argmin(cdist(x.reshape(1, -1), among))].reshape(x.shape)
    gradient = slopes(x, y)
    difference = x - nearest
    expected = difference / (147 * np.sqrt(np.mean(difference**2)))
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-7)


FAULTS = {
    "grain": lambda x: x + 0.06 * RANDOM.standard_normal(x.shape),
    "halos": lambda x: x + 1.5 * (x - gaussian_filter(x, (1.5, 1.5, 0))),
    "a foreign color": lambda x: np.concatenate([x[:, :24, ::-1], x[:, 24:]], axis=1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_painting_does_not_have_is_seen(fault):
    faulty = np.clip(FAULTS[fault](PICTURE), 0, 1).astype(np.float32)
    for name in ("paint_precision", "brushwork"):
        judged = judge(name)
        clean, worse = (float(judged(picture, STYLE)) for picture in (PICTURE, faulty))
        print(f"{name}, {fault}: {clean:.4f} to {worse:.4f}")
        assert worse > 1.03 * clean


def test_a_part_of_the_painting_is_precise_and_covers_it_only_in_part():
    precision, coverage = measured(STYLE[:48, :64])
    assert precision < 1e-3 < 0.02 < coverage
    flat = np.full_like(PICTURE, STYLE.mean((0, 1)))
    assert measured(flat)[1] > 1.3 * measured(PICTURE)[1]


def test_every_pixel_but_a_rim_has_a_gradient():
    assert np.all(np.any(np.asarray(slopes(PICTURE, STYLE))[:42, :63] != 0, axis=-1))


def test_sides_shorter_than_a_patch():
    x, y = RANDOM.random((2, 5, 40, 3)).astype(np.float32)
    assert min(measured(x, y)) > 0.1
    assert measured(y, y) == pytest.approx([0, 0], abs=1e-4)


def test_sizes_stop_where_no_patch_fits():
    assert [len(paint.pyramid(jnp.zeros((side, 99, 3)))) for side in (6, 13, 14, 27, 28, 99)] == [
        *(1, 1, 2, 2, 3, 3)
    ]


FITTED = {
    "preprocess": {"kernel": RANDOM.standard_normal((3, 3)), "bias": RANDOM.standard_normal(3)},
    "conv1": {
        "kernel": RANDOM.standard_normal((11, 11, 3, 5)) / 20,
        "bias": RANDOM.standard_normal(5) / 5,
    },
}


@pytest.mark.parametrize("shapes", [((30, 41), (37, 29)), ((13, 40), (5, 20))])
def test_brushwork_agrees_with_the_definition(shapes):
    x, y = pictures = [RANDOM.random((*shape, 3)).astype(np.float32) for shape in shapes]
    values = []
    for size in range(2 if min(map(min, shapes)) >= 14 else 1):
        rows = []
        for picture in pictures:
            image = np.asarray(picture, np.float64)
            for _ in range(size):
                image = halved(image)
            image = np.pad(image, [(0, max(0, 11 - n)) for n in image.shape[:2]] + [(0, 0)], "edge")
            image = image @ FITTED["preprocess"]["kernel"] + FITTED["preprocess"]["bias"]
            patches = cut(image, 4, 11)
            responses = np.einsum("nijc,ijcf->nf", patches, FITTED["conv1"]["kernel"])
            rows.append(np.maximum(responses + FITTED["conv1"]["bias"], 0))
        values.append(np.mean(cdist(*rows, "cosine").min(1)))
    fitted = jax.tree.map(lambda tensor: jnp.asarray(tensor, jnp.float32), FITTED)
    value = jax.jit(find("brushwork").distance)(x, y, fitted=fitted)
    assert float(value) == pytest.approx(np.mean(values), rel=1e-3)
