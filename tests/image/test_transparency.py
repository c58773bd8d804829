"""What is transparent is said, and deep pictures and masks are read as those of 8 bits are."""

import io
import logging
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms
from support.picture_files import chunk, linear_rgb_profile, png, saved

from jaxstyle.image.load import load_image, load_mask

RAMP = np.linspace(0, 255, 24).reshape(4, 6).astype(np.uint8)


def with_alpha(alpha, dtype=np.uint8):
    """Return a red picture with some alpha in [0, 1]."""
    most = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    picture = np.zeros((10, 10, 4), dtype)
    picture[..., 0] = most
    picture[..., 3] = np.round(alpha * most) if most > 1 else alpha
    return picture


def of_alpha(share):
    alpha = np.ones((10, 10))
    alpha.flat[: round(100 * share)] = 0
    return alpha


FORMS = {
    "file": lambda alpha: encoded(Image.fromarray(with_alpha(alpha))),
    "WebP": lambda alpha: encoded(Image.fromarray(with_alpha(alpha)), "WEBP", lossless=True),
    "PIL": lambda alpha: Image.fromarray(with_alpha(alpha)),
    "uint8": with_alpha,
    "uint16": lambda alpha: with_alpha(alpha, np.uint16),
    "float": lambda alpha: with_alpha(alpha, np.float32),
    "16-bit gray": lambda alpha: keyed(alpha, 16),
    "8-bit gray": lambda alpha: keyed(alpha, 8),
}


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def keyed(alpha, depth):
    """Return a gray PNG in which one level, the lowest, is transparent."""
    levels = np.where(alpha > 0, 2**depth - 1, 0).astype(">u2" if depth == 16 else np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    data = png(*alpha.shape[::-1], depth, 0, rows)
    place = data.index(b"IDAT") - 4
    return data[:place] + chunk(b"tRNS", struct.pack(">H", 0)) + data[place:]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_transparent_everywhere_is_refused(form):
    for load in (load_image, load_mask):
        with pytest.raises(ValueError, match="cannot read the style: it is transparent everywhere"):
            load(FORMS[form](of_alpha(1.0)), "the style")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("share", "level"), [(0.89, "WARNING"), (0.2, "INFO"), (0.0, None)])
def test_how_much_is_transparent_is_said(caplog, form, share, level):
    caplog.set_level("INFO")
    load_image(FORMS[form](of_alpha(share)), "the style")
    if level is None:
        assert not caplog.records
        return
    (record,) = caplog.records
    assert record.levelname == level
    text = f"the style: {share:.0%} of it is transparent, where white is used"
    assert record.getMessage() == text
    load_image(FORMS[form](of_alpha(share)), "the style", background=(0, 0, 1))
    assert "(0.0, 0.0, 1.0) is used" in caplog.text


def test_transparent_parts_of_a_mask_are_outside_and_nothing_is_said(caplog):
    mask = load_mask(FORMS["16-bit gray"](of_alpha(0.89)))
    np.testing.assert_array_equal(mask, of_alpha(0.89))
    assert not caplog.records


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_transparent_level_of_every_depth(depth):
    """The standard states it in the file's own depth."""
    levels = range(min(2**depth, 8))
    bits = "".join(f"{level:0{depth}b}" for level in levels)
    row = int(bits, 2).to_bytes(len(bits) // 8 or 1, "big") if len(bits) >= 8 else bytes(
        [int(bits.ljust(8, "0"), 2)]
    )  # fmt: skip
    data = png(len(levels), 1, depth, 0, b"\0" + row)
    place = data.index(b"IDAT") - 4
    data = data[:place] + chunk(b"tRNS", struct.pack(">H", 1)) + data[place:]
    picture = load_image(data, background=(0, 1, 0))
    expected = np.array(levels) / (2**depth - 1)
    np.testing.assert_allclose(picture[0, :, 1], np.where(expected == expected[1], 1, expected))
    np.testing.assert_allclose(picture[0, 1], [0, 1, 0])


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_color_of_every_depth(depth):
    scale, rest, letter = (256, 7, "H") if depth == 16 else (1, 0, "B")
    colors = [scale * value + rest for value in (10, 20, 30, 200, 100, 50)]
    data = png(2, 1, depth, 2, b"\0" + struct.pack(f">6{letter}", *colors))
    place = data.index(b"IDAT") - 4
    data = data[:place] + chunk(b"tRNS", struct.pack(">3H", *colors[:3])) + data[place:]
    picture = load_image(data, background=(0, 1, 0))
    np.testing.assert_allclose(picture[0] * 255, [[0, 255, 0], [200, 100, 50]], atol=1)


def gray_profile():
    """Return a gray ICC profile with linear values: that of RGB with one curve."""
    data = linear_rgb_profile().replace(b"RGB XYZ ", b"GRAYXYZ ").replace(b"gTRC", b"kTRC", 1)
    ImageCms.ImageCmsProfile(io.BytesIO(data))
    return data


def test_a_gray_profile_is_converted_at_every_depth(tmp_path):
    profile = gray_profile()
    eight = load_image(saved(tmp_path / "8.png", RAMP, icc_profile=profile))
    assert np.abs(eight[..., 0] - RAMP / 255).max() > 0.1
    deep = load_image(saved(tmp_path / "16.png", RAMP.astype(np.uint16) * 257, icc_profile=profile))
    np.testing.assert_allclose(deep, eight, atol=1.5 / 255)


def test_white_is_zero_at_every_depth(tmp_path):
    """TIFF 6.0, tag 262: 0 is white."""
    for values in (RAMP, RAMP.astype(np.uint16) * 257):
        path = saved(tmp_path / "a.tif", 255 - RAMP if values is RAMP else values.max() - values)
        data = path.read_bytes()
        entry = struct.pack("<HHI", 262, 3, 1)
        place = data.index(entry) + len(entry)
        path.write_bytes(data[:place] + bytes(4) + data[place + 4 :])
        np.testing.assert_allclose(load_image(path)[..., 0], RAMP / 255, atol=1e-6)


LABELS = np.random.default_rng(0).integers(0, 2, (8, 9))


def palette(labels):
    image = Image.fromarray(labels.astype(np.uint8), "L")
    image.putpalette([level for gray in range(256) for level in (gray,) * 3])
    return image


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(LABELS.astype(np.uint8)),
        Image.fromarray(LABELS.astype(np.uint8).repeat(3).reshape(8, 9, 3)),
        Image.fromarray(LABELS.astype(np.uint16)),
        Image.fromarray(LABELS.astype(np.int32)),
        Image.fromarray(LABELS.astype(np.float32)),
        Image.fromarray(LABELS.astype(bool)),
        Image.fromarray((255 * LABELS).astype(np.uint8)),
        Image.fromarray((65535 * LABELS).astype(np.uint16)),
        palette(LABELS),
    ],
    ids=["8", "RGB", "16", "32", "float", "1", "black and white", "16-bit white", "palette"],
)
def test_zeros_and_ones_of_every_depth_are_a_mask(tmp_path, caplog, image):
    caplog.set_level(logging.INFO)
    path = saved(tmp_path / "mask.tif", image)
    for form in (image, path, path.read_bytes()):
        np.testing.assert_array_equal(load_mask(form, "the content mask"), LABELS)
    faint = np.asarray(load_image(image)).max() < 0.5
    assert ("the content mask holds the levels 0 and" in caplog.text) == faint


def test_a_faint_mask_of_more_levels_stays_as_it_is():
    faint = np.array([[0, 1, 2]], np.uint8)
    np.testing.assert_allclose(load_mask(Image.fromarray(faint)), faint / 255)
