"""Masks and styles that are thin, tiny or nearly empty: in proportion, and never in silence."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from support.small import STYLE

from jaxstyle.image.geometry import bucket_of, fit_within
from jaxstyle.image.load import load_image
from jaxstyle.objective import guidance, places
from jaxstyle.settings import Settings

RNG = np.random.default_rng(0)


def photo(height, width):
    return RNG.random((height, width, 3)).astype(np.float32)


def mask_of(content, size, mask, styles=(STYLE,), **settings):
    """Return the guide of a content that is reduced to some size, under a mask."""
    reduced = load_image(content, size=size)
    chosen = Settings(content_mask=(mask,), **settings)
    return reduced, guidance.gather(chosen, reduced, list(styles), size)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((100, 3000), 256), ((3000, 100), 256), ((10, 2900), 64), ((1, 900), 48), ((333, 1000), 50)],
)
@pytest.mark.parametrize("of", ["content", "half", "reduced"])
def test_a_mask_of_its_contents_proportions_fits(shape, size, of):
    lengths = {"content": max(shape), "half": max(shape) // 2, "reduced": size}
    mask = np.ones(fit_within(*shape, lengths[of]), np.float32)
    reduced, guide = mask_of(photo(*shape), size, mask)
    assert guide.content.shape[:2] == bucket_of(*reduced.shape[:2])


@pytest.mark.parametrize("mask", [(100, 2000), (150, 3000), (3000, 100), (64, 64)])
def test_a_mask_of_other_proportions_is_refused(mask):
    with pytest.raises(ValueError, match="in the proportions of its picture"):
        mask_of(photo(100, 3000), 256, np.ones(mask, np.float32))


@pytest.mark.parametrize("scale", [1, 4, 16, 15.6])
@pytest.mark.parametrize("shape", [(176, 256), (165, 256), (9, 256), (60, 64), (47, 50)])
def test_a_mask_lies_where_its_content_does(shape, scale):
    """Its lower half, at any size of the mask, is half of the content within its bucket."""
    height, width = (round(side * scale) for side in shape)
    height += scale > 1  # one row more: the mask's proportions would be another bucket's
    half = np.zeros((height, width), np.float32)
    half[: height // 2] = 1
    _, guide = mask_of(photo(*shape), 256, half)
    padded = guide.regions[0].content
    first = padded[:, 0].argmin() / len(padded) * len(guide.content)
    assert abs(first - shape[0] / 2) <= 1.01


@pytest.mark.parametrize("shape", [(10, 1000), (1000, 10), (3, 256), (1, 700), (16, 4250)])
@pytest.mark.parametrize("least", [0, 16])
def test_a_thin_style_keeps_its_proportions(caplog, shape, least):
    places.log_once.cache_clear()
    style = load_image(photo(*shape), size=256, least=least)
    guide = guidance.gather(Settings(), photo(48, 48), [style], 256)
    assert min(guide.styles[0].shape[:2]) >= 16
    (kept,) = guide.style_shapes
    assert sorted(kept)[0] / sorted(kept)[1] == pytest.approx(
        min(style.shape[:2]) / max(style.shape[:2]), abs=1 / max(kept)
    )
    if min(kept) < 16:  # what is added mirrors what is there
        assert "it is mirrored to sides of 16 or more" in caplog.text
        rows, columns = (slice(side, 2 * side) for side in kept)
        along = guide.styles[0][rows] if kept[0] < 16 else guide.styles[0][:, columns]
        axis = 0 if kept[0] < 16 else 1
        first = guide.styles[0][: kept[0], : kept[1]]
        length = along.shape[axis]
        mirrored = np.flip(first, axis).take(range(length), axis)
        other = [slice(None)] * 3
        other[1 - axis] = slice(kept[1 - axis])
        np.testing.assert_array_equal(along[tuple(other)], mirrored)


@pytest.mark.parametrize("shape", [(8, 8), (1, 1), (16, 16), (40, 48), (12, 20), (20, 64)])
@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0])
def test_tiny_styles_are_not_stretched(shape, scale):
    guide = guidance.gather(Settings(style_scale=(scale,)), photo(48, 48), [photo(*shape)], 48)
    height, width = guide.style_shapes[0]
    assert height / width == pytest.approx(shape[0] / shape[1], rel=1.5 / min(height, width))


def test_a_mask_of_a_mirrored_style_lies_where_the_style_does():
    style = photo(4, 256)
    mask = np.zeros((4, 256), np.float32)
    mask[:2] = 1
    ones = np.ones((48, 48), np.float32)
    settings = Settings(content_mask=(ones,), style_mask=(mask,))
    guide = guidance.gather(settings, photo(48, 48), [style], 256)
    mirrored = guide.style_mask(guide.regions[0], 0)
    assert mirrored.shape == guide.styles[0].shape[:2] == (16, 256)
    np.testing.assert_array_equal(mirrored[:, 0], [1, 1, 0, 0, 0, 0, 1, 1] * 2)


def png(levels, dtype=np.uint8):
    file = io.BytesIO()
    Image.fromarray(np.asarray(levels, dtype)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("form", [bytes, "array"])
def test_a_mask_of_one_white_pixel_is_noticed(caplog, deep, form):
    places.log_once.cache_clear()
    dtype = np.uint16 if deep else np.uint8
    levels = np.zeros((48, 48), dtype)
    levels[3, 4] = np.iinfo(dtype).max
    mask_of(photo(48, 48), 48, levels if form == "array" else png(levels, dtype))
    assert "the content mask selects only 0.04% of its picture" in caplog.text
    assert len(caplog.records) == 1
    mask_of(photo(48, 48), 48, levels)
    assert len(caplog.records) == 1  # in a grid, once for all of its runs


def test_a_map_of_labels_is_refused(tmp_path):
    path = tmp_path / "labels.png"
    path.write_bytes(png(RNG.integers(0, 5, (48, 48))))
    words = f"the content mask {path}: it is a map of 5 labels (0, 1, 2, 3, 4); give it as regions"
    with path.open("rb") as file, pytest.raises(ValueError, match=re.escape(words)):
        mask_of(photo(48, 48), 48, file)  # known by its name, too


def test_a_faint_mask_is_noticed(caplog):
    places.log_once.cache_clear()
    mask_of(photo(48, 48), 48, np.full((48, 48), 0.2, np.float32))
    assert "the content mask is nowhere brighter than 20%, where white is inside" in caplog.text


def test_a_mask_of_zeros_and_ones_selects_what_is_one(caplog):
    labels = (RNG.random((48, 48)) > 0.5).astype(np.uint8)
    _, guide = mask_of(photo(48, 48), 48, png(labels))
    np.testing.assert_array_equal(guide.regions[0].content, labels)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_an_ordinary_mask_is_silent(caplog):
    caplog.set_level("INFO")
    mask_of(photo(48, 48), 48, png(np.tri(48) * 255))
    assert not caplog.records
