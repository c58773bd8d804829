"""Masks as editors and segmentation tools write them."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from jaxstyle.image.load import load_image
from jaxstyle.image.masks import load_mask, read_mask, stored, turned_like

DISK_IMAGE = Image.new("L", (90, 70))
ImageDraw.Draw(DISK_IMAGE).ellipse((20, 15, 70, 55), fill=255)
DISK = np.asarray(DISK_IMAGE) > 0
SOFT = np.asarray(DISK_IMAGE.filter(ImageFilter.GaussianBlur(5)))
CLASSES = DISK.astype(np.uint8) + np.roll(DISK, 30, 1)


def encoded(image, form="PNG", **options):
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        file, form, **options
    )
    return file.getvalue()


def palette(indices, *colors):
    image = Image.fromarray(np.asarray(indices, np.uint8))
    image.putpalette(sum(colors, ()))
    return image


def colored(where, color, behind=(0, 0, 0)):
    return np.where(where[..., None], color, behind).astype(np.uint8)


def ink(alpha, level):
    image = np.full((*alpha.shape, 4), level, np.uint8)
    image[..., 3] = alpha
    return image


@pytest.mark.parametrize(
    "image",
    [
        DISK.astype(np.uint8),
        7 * DISK.astype(np.uint8),
        DISK.astype(np.uint16),
        20 * DISK.astype(np.uint16),
        palette(DISK, (0, 0, 0), (128, 0, 0)),
        palette(DISK, (255, 255, 255), (0, 0, 0)),
        palette(~DISK, (128, 0, 0), (0, 0, 0)),
        palette(DISK, (40, 90, 40), (128, 0, 0)),
        colored(DISK, (255, 0, 0)),
        colored(DISK, (30, 200, 180)),
        ink(255 * DISK.astype(np.uint8), 0),
        ink(255 * DISK.astype(np.uint8), 255),
    ],
    ids=[
        *("0 and 1", "0 and 7", "16-bit 0 and 1", "16-bit 0 and 20"),
        *("palette", "palette: black ink", "palette: black is second", "palette without black"),
        *("red", "turquoise", "black ink", "white ink"),
    ],
)
def test_two_levels_however_written_are_outside_and_inside(image):
    mask = load_mask(encoded(image))
    if isinstance(image, Image.Image) and image.getpalette()[:3] == [255] * 3:
        np.testing.assert_array_equal(mask, 1.0 - DISK)  # by brightness
    else:
        np.testing.assert_array_equal(mask, DISK)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (CLASSES, r"a map of 3 labels \(0, 1, 2\); give it as regions"),
        (CLASSES + 1, "a map of 3 labels"),
        (DISK.astype(np.uint8) + 1, r"a map of 2 labels \(1, 2\)"),
        (CLASSES.astype(np.uint16), "a map of 3 labels"),
        (palette(CLASSES, (0, 0, 0), (128, 0, 0), (0, 128, 0)), "a map of 3 labels"),
        (colored(DISK, (255, 0, 0), (0, 0, 255)), r"a map of 2 labels \(#ff0000, #0000ff\)"),
    ],
)
def test_a_map_of_labels_is_refused(image, words):
    with pytest.raises(ValueError, match=f"cannot read the content mask: it is {words}"):
        load_mask(encoded(image), "the content mask")


@pytest.mark.parametrize("level", [0, 255])
def test_soft_ink_is_its_alpha(level):
    np.testing.assert_allclose(load_mask(encoded(ink(SOFT, level))), SOFT / 255, atol=1e-6)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
@pytest.mark.parametrize("quality", [30, 75])
def test_noise_of_compression_does_no_harm(form, quality):
    data = encoded(DISK_IMAGE.convert("RGB"), form, quality=quality)
    mask, noisy = load_mask(data), load_image(data).mean(2)
    far_outside = np.asarray(DISK_IMAGE.filter(ImageFilter.MaxFilter(17))) == 0
    far_inside = np.asarray(DISK_IMAGE.filter(ImageFilter.MinFilter(17))) == 255
    assert (mask[far_outside] == 0).all()
    assert (mask[far_inside] == 1).all()
    assert np.abs(mask - noisy).max() <= 8 / 255
    between = (noisy > 0.04) & (noisy < 0.96)
    np.testing.assert_allclose(mask[between], noisy[between], atol=1e-6)


def test_soft_masks_without_losses_stay_as_they_are():
    np.testing.assert_allclose(load_mask(encoded(SOFT)), SOFT / 255, atol=1e-6)
    shaded = colored(DISK, (255, 250, 245)) // 2
    np.testing.assert_allclose(load_mask(encoded(shaded)), shaded.mean(2) / 255, atol=1e-6)


def test_a_color_photograph_is_its_brightness():
    photo = np.random.default_rng(3).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    np.testing.assert_allclose(load_mask(encoded(photo)), photo.mean(2) / 255, atol=1e-6)


class TestOrientation:
    EXIF = Image.Exif()
    EXIF[274] = 6

    def test_a_mask_turns_as_its_own_exif_says(self):
        loaded = read_mask(encoded(DISK_IMAGE, exif=self.EXIF))
        np.testing.assert_array_equal(loaded.values, np.rot90(DISK, -1))
        assert loaded.turned

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_mask_of_the_pixels_as_stored_turns_as_its_picture(self, orientation):
        exif = Image.Exif()
        exif[274] = orientation
        photo = encoded(DISK_IMAGE.convert("RGB"), exif=exif)
        mask = read_mask(encoded(DISK_IMAGE))
        turned = turned_like(mask, stored(photo, "the content"), "the mask")
        shown = load_image(photo)[..., 0]
        if orientation in (2, 3, 4):  # the shape does not tell
            np.testing.assert_array_equal(turned, DISK)
        else:
            np.testing.assert_array_equal(turned, shown)

    def test_an_upright_mask_stays(self):
        photo = stored(encoded(DISK_IMAGE, exif=self.EXIF), "the content")
        assert photo.upright == (90, 70)
        upright = read_mask(encoded(np.rot90(DISK, -1).astype(np.uint8)))
        np.testing.assert_array_equal(turned_like(upright, photo, ""), np.rot90(DISK, -1))
        assert stored(np.zeros((4, 5, 3)), "the content") is None
