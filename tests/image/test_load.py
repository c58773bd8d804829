"""Pictures and masks in every form in which people hold them give the same numbers as files do."""

import io

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxstyle.image.geometry import fit_within, resize
from jaxstyle.image.io import read_image
from jaxstyle.image.load import load_image
from jaxstyle.image.masks import load_mask

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (12, 20, 3)).astype(np.uint8)
ALPHA = np.dstack([COLOR, RNG.integers(0, 256, (12, 20)).astype(np.uint8)])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(COLOR).save(path)
    return path


FORMS = {
    "path": lambda path: path,
    "text": str,
    "PIL": lambda path: Image.fromarray(COLOR),
    "lazy PIL": Image.open,
    "bytes": lambda path: path.read_bytes(),
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
    "uint8": lambda path: COLOR,
    "uint8 of JAX": lambda path: jnp.asarray(COLOR),
    "not contiguous": lambda path: np.flipud(np.flipud(COLOR).copy()),
}


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [None, 400, 9])
def test_every_form_is_the_file(file, form, size):
    picture = load_image(FORMS[form](file), "the content", size)
    assert picture.dtype == np.float32
    np.testing.assert_array_equal(picture, read_image(file, size=size))


def test_an_open_file_is_read_from_its_beginning_and_stays_open(file):
    with open(file, "rb") as opened:
        opened.seek(5)
        np.testing.assert_array_equal(load_image(opened), load_image(opened))
        assert not opened.closed


def test_a_given_pillow_image_is_not_changed():
    exif = Image.Exif()
    exif[274] = 6
    file = io.BytesIO()
    Image.fromarray(COLOR).save(file, "PNG", exif=exif)
    with Image.open(file) as image:
        np.testing.assert_array_equal(load_image(image, size=9), load_image(image, size=9))
        assert image.size == (20, 12)
        np.testing.assert_array_equal(load_image(image) * 255, np.rot90(COLOR, -1))


@pytest.mark.parametrize("library", [np.asarray, jnp.asarray, np.ndarray.tolist])
@pytest.mark.parametrize("size", [400, 9])
def test_floats(library, size):
    """As they were always read: no rounding to 8 bits on the way."""
    picture = RNG.random((12, 20, 3)).astype(np.float32)
    expected = resize(picture, fit_within(12, 20, size))
    np.testing.assert_array_equal(load_image(library(picture), "it", size), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, jnp.bfloat16])
def test_other_floats(dtype):
    values = jnp.asarray([[[0.0, 0.5, 1.0]]], dtype) if dtype == jnp.bfloat16 else np.array(
        [[[0.0, 0.5, 1.0]]], dtype
    )  # fmt: skip
    np.testing.assert_array_equal(load_image(values), [[[0.0, 0.5, 1.0]]])


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (COLOR[..., 0], COLOR[..., :1] / 255),
        (COLOR[..., :1], COLOR[..., :1] / 255),
        (COLOR[..., 0] / 255, COLOR[..., :1] / 255),
        (COLOR[..., :1] / 255, COLOR[..., :1] / 255),
        (COLOR.astype(np.uint16) * 257, COLOR / 255),
    ],
    ids=["uint8 2-D", "uint8 1 channel", "float 2-D", "float 1 channel", "uint16"],
)
def test_gray_and_deep_arrays(array, expected):
    expected = np.broadcast_to(expected, COLOR.shape)
    np.testing.assert_allclose(load_image(array), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("background", [(1.0, 1.0, 1.0), (0.0, 0.0, 1.0)])
def test_alpha(background):
    alpha = ALPHA[..., 3:] / 255
    expected = alpha * COLOR / 255 + (1 - alpha) * np.array(background)
    for array, atol in ((ALPHA, 1.5 / 255), (ALPHA / 255, 1e-6), (Image.fromarray(ALPHA), 0.006)):
        np.testing.assert_allclose(load_image(array, background=background), expected, atol=atol)


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (np.full((2, 2, 3), 2.0), ValueError, r"values in \[0, 1\], got 2.0 to 2.0; pass .* uint8"),
        (np.full((2, 2, 3), -0.5), ValueError, r"the style's values .* got -0.5 to -0.5$"),
        (np.full((2, 2, 3), np.nan), ValueError, r"values in \[0, 1\], got nan"),
        (np.zeros((3, 8, 9)), ValueError, r"got \(3, 8, 9\); channels come last$"),
        (np.zeros((2, 8, 9, 3)), ValueError, r"got \(2, 8, 9, 3\)$"),
        (np.zeros((0, 9, 3)), ValueError, r"got \(0, 9, 3\)$"),
        (np.zeros((9, 0)), ValueError, r"got \(9, 0\)$"),
        (np.zeros((8, 9, 2), np.uint8), ValueError, r"got \(8, 9, 2\)$"),
        (np.zeros((8, 9, 3), np.int64), ValueError, "as floats, uint8 or uint16, got int64"),
        (np.zeros((8, 9, 3), bool), ValueError, "got bool"),
        (None, TypeError, "expected the style as a path, .* got NoneType"),
        (b"", ValueError, "got no bytes"),
        (b"I am a letter.", ValueError, "the style is not a picture"),
        (io.StringIO("a"), ValueError, "binary mode"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_one_line(source, error, words):
    with pytest.raises(error, match=words) as caught:
        load_image(source, "the style")
    assert "\n" not in str(caught.value)


class TestMasks:
    def test_a_float_mask_stays_as_it_is(self):
        mask = RNG.random((8, 9)).astype(np.float32)
        for form in (mask, mask.astype(np.float64), jnp.asarray(mask), mask.tolist()):
            np.testing.assert_array_equal(load_mask(form), mask)
            assert load_mask(form).dtype == np.float32
        np.testing.assert_allclose(load_mask(mask[..., None]), mask, rtol=1e-6)

    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
    def test_zeros_and_ones_of_any_type(self, dtype):
        mask = (RNG.random((8, 9)) > 0.5).astype(dtype)
        np.testing.assert_array_equal(load_mask(mask), mask.astype(np.float32))
        np.testing.assert_array_equal(load_mask(mask[..., None]), mask.astype(np.float32))

    def test_files_and_images_are_averaged_over_black(self, tmp_path):
        path = tmp_path / "mask.png"
        image = Image.fromarray(ALPHA)
        image.save(path)
        expected = ALPHA[..., :3].mean(2) / 255 * ALPHA[..., 3] / 255
        for form in (path, str(path), path.read_bytes(), image, ALPHA):
            np.testing.assert_allclose(load_mask(form), expected, atol=1e-6)
        gray = RNG.integers(0, 256, (8, 9)).astype(np.uint8)
        np.testing.assert_allclose(load_mask(gray), gray / 255, rtol=1e-6)

    def test_what_is_no_mask(self):
        for source, error, words in (
            (np.full((4, 4), 2.0), ValueError, r"the content mask's values in \[0, 1\]"),
            (np.full((4, 4), np.nan), ValueError, r"in \[0, 1\]"),
            (np.zeros((4, 0)), ValueError, r"got \(4, 0\)"),
            (np.zeros(4), ValueError, r"got \(4,\)"),
            (np.full((4, 4), 7), ValueError, "got int64"),
            (None, TypeError, "got NoneType"),
        ):
            with pytest.raises(error, match=words):
                load_mask(source, "the content mask")
