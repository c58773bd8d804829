"""Label maps in all forms, and what is none."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxstyle.image.labels import load_labels

TRUTH = np.zeros((60, 80), np.uint8)
TRUTH[:, 40:] = 1
TRUTH[44:] = 2
COLORS = np.array([(0, 0, 0), (250, 20, 20), (40, 60, 230)], np.uint8)


def encoded(image, form="PNG", **options):
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        file, form, **options
    )
    return file.getvalue()


def palette():
    image = Image.fromarray(TRUTH)
    image.putpalette(COLORS.tobytes())
    return image


@pytest.mark.parametrize(
    ("image", "names"),
    [
        (TRUTH, ["0", "1", "2"]),
        (TRUTH.astype(np.uint16) * 1000, ["0", "1000", "2000"]),
        (TRUTH * 127, ["0", "127", "254"]),
        (np.repeat(TRUTH[..., None], 3, 2), ["0", "1", "2"]),
        (palette(), ["0", "1", "2"]),
        (COLORS[TRUTH], ["#000000", "#fa1414", "#283ce6"]),
    ],
    ids=["numbers", "16 bits", "gray", "RGB numbers", "palette", "colors"],
)
def test_every_form_is_read_as_its_labels(image, names):
    labels = load_labels(encoded(image))
    assert [str(label) for label in labels.labels] == names
    np.testing.assert_array_equal(labels.indices, TRUTH)
    assert labels.chosen() == (1, 2)
    counts = np.bincount(TRUTH.ravel()) / TRUTH.size
    np.testing.assert_allclose([label.share for label in labels.labels], counts)
    np.testing.assert_array_equal(labels.mask(2), TRUTH == 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_arrays_of_numbers(dtype):
    np.testing.assert_array_equal(load_labels(TRUTH.astype(dtype)).indices, TRUTH)


@pytest.mark.parametrize(
    ("form", "options"),
    [("JPEG", {"quality": 20}), ("JPEG", {"quality": 85}), ("WEBP", {"quality": 30})],
)
def test_noise_of_compression_is_no_label(form, options):
    labels = load_labels(encoded(COLORS[TRUTH], form, **options))
    assert len(labels.labels) == 3
    # But for the two pixels beside an edge that chroma blurs.
    assert (labels.indices == TRUTH).mean() > 0.97
    assert labels.chosen(["#283ce6", "#fa1414"]) == (2, 1)


def test_soft_edges_take_the_color_beside_them():
    large = Image.fromarray(COLORS[TRUTH]).resize((320, 240), Image.Resampling.BICUBIC)
    labels = load_labels(encoded(large.rotate(7, Image.Resampling.BICUBIC)))
    assert len(labels.labels) == 3
    hard = Image.fromarray(TRUTH).resize((320, 240), Image.Resampling.NEAREST).rotate(7)
    assert (labels.indices == np.asarray(hard)).mean() > 0.97


def test_uniform_noise_is_no_label():
    noise = np.random.default_rng(0).integers(-5, 6, (*TRUTH.shape, 3))
    noisy = np.clip(COLORS[TRUTH].astype(int) + noise, 0, 255).astype(np.uint8)
    labels = load_labels(noisy)
    assert len(labels.labels) == 3
    np.testing.assert_array_equal(labels.indices, TRUTH)


def test_transparent_ground_is_no_label():
    image = np.dstack([COLORS[TRUTH], np.where(TRUTH > 0, 255, 0).astype(np.uint8)])
    labels = load_labels(encoded(image))
    assert [str(label) for label in labels.labels] == ["#fa1414", "#283ce6"]
    np.testing.assert_array_equal(labels.indices, TRUTH.astype(int) - 1)


def test_labels_by_name():
    colors, numbers = load_labels(encoded(COLORS[TRUTH])), load_labels(encoded(palette()))
    assert colors.chosen(["#000", "#FA1414"]) == (0, 1)
    assert numbers.chosen(["#fa1414", "0"]) == (1, 0)  # of a palette, by color as well
    assert numbers.listing() == "0 (37%, background), 1 (37%, #fa1414), 2 (27%, #283ce6)"
    for names, words in (
        (["7"], r"there is no label 7 among 0 \(37%"),
        (["#00ff00"], "there is no label #00ff00"),
        (["1", "#fa1414"], "every label once"),
    ):
        with pytest.raises(ValueError, match=words):
            numbers.chosen(names)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.random.default_rng(1).integers(0, 256, (50, 60, 3)).astype(np.uint8), "colors"),
        (np.add.outer(np.arange(100), np.arange(120)).astype(np.uint8), "levels|colors"),
        (np.arange(6000).reshape(60, 100).astype(np.uint16), "it has 6000 levels"),
    ],
    ids=["noise", "gradient", "numbers"],
)
def test_what_is_no_label_map_is_refused_with_the_reason(image, words):
    with pytest.raises(ValueError, match=rf"cannot read the map: it has \d+ ({words})|{words}"):
        load_labels(encoded(image), "the map")


def test_a_photograph_is_refused():
    from jaxstyle import samples

    with pytest.raises(ValueError, match=r"it has \d+ colors: expected a label map of flat colors"):
        load_labels(samples.resolve("sample:valley"))


@pytest.mark.parametrize("array", [np.zeros((4, 5)) + 0.5, np.zeros(3), np.zeros((3, 4, 2))])
def test_other_arrays_are_refused(array):
    with pytest.raises(ValueError, match="expected the label map as numbers of classes"):
        load_labels(array)
