"""Arguments of the functions for pictures: each is converted, or refused in one line."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from jaxstyle.image.io import (
    check_file,
    check_input,
    check_output,
    read_image,
    read_settings,
    write_image,
)
from jaxstyle.image.load import load_image
from jaxstyle.image.masks import load_mask

GRAY = np.full((6, 8, 3), 51, np.uint8)
HOSTILE_SIZES = (-1, 0, 2.5, 64.0, True, "64", [64], float("nan"), np.float32(8), -(2**70))
HOSTILE_COLORS = (
    *((0, 0), (0, 0, 0, 0), (255, 255, 255), (-0.1, 0, 0), (float("nan"), 0, 0), ()),
    *("white", b"abc", 1, ("a", "b", "c"), [[0, 0, 0]] * 3, (None,) * 3),
)
HOSTILE_QUALITIES = (1000, 0, -1, 95.5, "95", True, None, [95], "web_high")
HOSTILE_PATHS = (None, 3, 2.5, b"a.png", ["a.png"], object())


@pytest.fixture
def path(tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def refused(call, *arguments, **options):
    with pytest.raises((TypeError, ValueError)) as caught:
        call(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("size", HOSTILE_SIZES, ids=repr)
def test_sizes(path, size):
    for source in (path, str(path), path.read_bytes(), GRAY, GRAY / 255):
        assert "size" in refused(load_image, source, size=size)
    assert "size" in refused(read_image, path, size=size)
    if size not in (0, 0.0):
        assert "least" in refused(read_image, path, least=size)


@pytest.mark.parametrize("size", [1, 4, 2**31 - 1, np.int32(4), np.uint8(4), np.array(4), None])
def test_good_sizes(path, size):
    picture = read_image(path, size=size)
    assert max(picture.shape[:2]) == min(8, 8 if size is None else int(size))
    np.testing.assert_array_equal(load_image(GRAY, size=size), picture)


@pytest.mark.parametrize("color", HOSTILE_COLORS, ids=repr)
def test_backgrounds(path, color):
    for source in (path, GRAY, np.ones((2, 2, 4), np.float32)):
        assert "background" in refused(load_image, source, background=color)
    message = refused(read_image, path, background=color)
    assert message.endswith("; divide by 255") == (color == (255, 255, 255))


@pytest.mark.parametrize("color", [[0, 1, 0], np.array([0, 1, 0]), (False, True, False)], ids=repr)
def test_good_backgrounds(color):
    alpha = np.zeros((2, 2, 4), np.uint8)
    alpha[0, 0] = 255
    np.testing.assert_array_equal(load_image(alpha, background=color)[1, 1], [0, 1, 0])


@pytest.mark.parametrize("name", [None, 3, b"a", ["a"]], ids=repr)
def test_names(name):
    for load in (load_image, load_mask):
        assert "name" in refused(load, GRAY, name)


@pytest.mark.parametrize("quality", HOSTILE_QUALITIES, ids=repr)
@pytest.mark.parametrize("suffix", ["jpg", "webp", "png"])
def test_qualities(tmp_path, suffix, quality):
    assert "quality" in refused(write_image, tmp_path / f"b.{suffix}", GRAY, quality=quality)
    assert not (tmp_path / f"b.{suffix}").exists()


@pytest.mark.parametrize("settings", [b"{}", {}, 3, ["a"]], ids=repr)
def test_settings(tmp_path, settings):
    assert "expected settings of type str" in refused(
        write_image, tmp_path / "b.png", GRAY, settings=settings
    )


@pytest.mark.parametrize("path", HOSTILE_PATHS, ids=lambda path: type(path).__name__)
def test_paths(path):
    for look in (read_image, check_file, check_input, check_output, read_settings):
        refused(look, path)
    refused(write_image, path, GRAY)


@pytest.mark.parametrize(
    "image",
    [
        *(None, "a.png", 3, [], [[[0, 0, 0]], [[0, 0]]], np.zeros((2, 2)), np.zeros((0, 2, 3))),
        *(np.zeros((2, 2, 3), dtype) for dtype in (bool, np.int64, np.int8, complex, object)),
        *(np.full((2, 2, 3), value) for value in (np.nan, np.inf)),
        *(GRAY[..., :2], GRAY.transpose(2, 0, 1), GRAY[None]),
    ],
    ids=lambda image: type(image).__name__ + str(getattr(image, "dtype", "")),
)
def test_pictures_to_write(tmp_path, image):
    message = refused(write_image, tmp_path / "b.png", image)
    assert "a picture" in message or "finite pixels" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "image",
    [
        *(GRAY, GRAY.astype(np.uint16) * 257, GRAY / 255, (GRAY / 255).astype(np.float16)),
        *(GRAY.astype(np.float32) / 255, Image.fromarray(GRAY)),
    ],
    ids=["uint8", "uint16", "float64", "float16", "float32", "PIL"],
)
def test_what_is_written_is_what_load_image_would_take_it_for(tmp_path, image):
    path = tmp_path / "b.png"
    write_image(path, image)
    with Image.open(path) as written:
        np.testing.assert_array_equal(np.asarray(written), GRAY)


def test_floats_up_to_255_are_noticed(tmp_path, caplog):
    write_image(tmp_path / "b.png", GRAY.astype(np.float32))
    assert "values from 51 to 51 are clipped to [0, 1]; pass 0 to 255 as uint8" in caplog.text
    caplog.clear()
    write_image(tmp_path / "b.png", np.array([[[-0.3, 0.5, 1.3]]]))
    assert not caplog.text


@pytest.mark.parametrize(
    "source",
    [
        *(None, 3, 2.5, object(), {}, [], [[1, 2], [3]], np.zeros((2, 2, 3), complex), b"", b"x"),
        *(io.StringIO("a"), io.BytesIO(), np.array(["a"]), np.zeros(3, "u1,f4"), lambda: None),
        *(np.ma.masked_all((2, 2, 3), object), range(3), np.datetime64("2020")),
    ],
    ids=lambda source: type(source).__name__,
)
def test_sources(source):
    for load in (load_image, load_mask):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert "the style" in refused(load, source, "the style")
