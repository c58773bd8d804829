"""Transparent pixels have no say, and deep pictures and masks are read as those of 8 bits are."""

import io
import logging
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms
from support.picture_files import chunk, linear_rgb_profile, png, saved

from jaxstyle.image.io import read_image
from jaxstyle.image.load import load_image, load_with_alpha
from jaxstyle.image.masks import load_mask
from jaxstyle.image.transparency import filled

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
    "WebP": lambda alpha: encoded(
        Image.fromarray(with_alpha(alpha)), "WEBP", lossless=True, exact=True
    ),
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


COLORED = [form for form in FORMS if "gray" not in form]


@pytest.mark.parametrize("form", COLORED)
@pytest.mark.parametrize("background", [None, (1, 1, 1)])
def test_an_alpha_of_zero_everywhere_is_an_unused_channel(caplog, form, background):
    caplog.set_level("INFO")
    picture = load_image(FORMS[form](of_alpha(1.0)), "the style", background=background)
    np.testing.assert_array_equal(picture, np.broadcast_to(np.float32([1, 0, 0]), (10, 10, 3)))
    assert load_with_alpha(FORMS[form](of_alpha(1.0)))[1] is None
    assert "the style: its alpha is zero everywhere, so it is taken as opaque" in caplog.text


def test_gray_of_the_transparent_level_alone_is_opaque():
    for form in ("8-bit gray", "16-bit gray"):
        picture, alpha = load_with_alpha(FORMS[form](of_alpha(1.0)))
        assert alpha is None
        assert not picture.any()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("share", "level"), [(0.89, "WARNING"), (0.2, "INFO"), (0.0, None)])
def test_how_much_is_transparent_is_said(caplog, form, share, level):
    caplog.set_level("INFO")
    load_image(FORMS[form](of_alpha(share)), "the style", background=(1, 1, 1))
    if level is None:
        assert not caplog.records
        return
    (record,) = caplog.records
    assert record.levelname == level
    text = f"the style: {share:.0%} of it is transparent, where white is used"
    assert record.getMessage() == text
    load_image(FORMS[form](of_alpha(share)), "the style", background=(0, 0, 1))
    assert "(0.0, 0.0, 1.0) is used" in caplog.text
    caplog.clear()
    load_image(FORMS[form](of_alpha(share)), "the style")
    (record,) = caplog.records
    text = f"the style: {share:.0%} of it is transparent, which is ignored"
    assert (record.levelname, record.getMessage()) == ("INFO", text)


def test_a_warning_where_hardly_anything_is_opaque(caplog):
    speck = np.zeros((20, 20, 4), np.uint8)
    speck[10, 10] = 255
    load_image(speck, "the style")
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("the style: only 0.25% of it is opaque")


def disk(*color, size=(60, 80)):
    """Return a red disk with a soft edge, and of another color where it is transparent."""
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    distance = np.hypot(rows - size[0] / 2, columns - size[1] / 2)
    picture = np.zeros((*size, 4), np.uint8)
    picture[..., 3] = np.clip((size[0] / 3 - distance + 0.5) * 255, 0, 255)
    picture[..., :3] = (250, 40, 20)
    picture[picture[..., 3] == 0, :3] = color
    return picture


@pytest.mark.parametrize("size", [None, 40, 13, 9])
@pytest.mark.parametrize("form", ["file", "WebP", "PIL", "uint8", "uint16", "float"])
def test_colors_of_transparent_pixels_have_no_say(form, size):
    whole = {
        "file": lambda p: encoded(Image.fromarray(p)),
        "WebP": lambda p: encoded(Image.fromarray(p), "WEBP", lossless=True, exact=True),
        "PIL": Image.fromarray,
        "uint8": lambda p: p,
        "uint16": lambda p: p.astype(np.uint16) * 257,
        "float": lambda p: p / np.float32(255),
    }[form]
    pictures = [load_with_alpha(whole(disk(*c)), size=size) for c in ((255,) * 3, (0, 0, 255))]
    (one, alpha), (other, _) = pictures
    np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(one * 255, np.broadcast_to((250, 40, 20), one.shape), atol=1.01)
    assert alpha.shape == one.shape[:2]
    assert alpha[0, 0] == 0
    assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 1
    np.testing.assert_allclose(alpha.mean(), disk(0, 0, 0)[..., 3].mean() / 255, atol=0.01)


def test_at_full_size_opaque_colors_and_alpha_are_exact():
    random = np.random.default_rng(0).integers(0, 256, (19, 30, 4)).astype(np.uint8)
    random[4:9, 3:20, 3] = 0
    picture, alpha = load_with_alpha(random)
    np.testing.assert_array_equal(alpha, random[..., 3] / np.float32(255))
    kept = random[..., 3] >= 16
    np.testing.assert_array_equal(picture[kept], (random[..., :3] / np.float32(255))[kept])
    opaque = random.copy()
    opaque[..., 3] = 255
    picture, alpha = load_with_alpha(opaque, size=11)
    assert alpha is None
    np.testing.assert_array_equal(picture, load_image(random[..., :3], size=11))


def test_holes_are_filled_from_around_them():
    picture = np.zeros((32, 64, 3), np.float32)
    picture[:, :32], picture[:, 32:] = (1, 0.5, 0), (0, 0.5, 1)
    alpha = np.zeros((32, 64), np.float32)
    alpha[:, 4:8] = alpha[:, 56:60] = 1
    colors = filled(np.where(alpha[..., None] > 0, picture, 0.123), alpha)
    np.testing.assert_allclose(colors[..., 1], 0.5, atol=1e-5)  # a mean of all
    assert colors.min() >= 0
    assert colors.max() <= 1 + 1e-6
    assert (colors[:, :12, 0] > 0.75).all()  # of the nearest
    assert (colors[:, -12:, 0] < 0.25).all()


MODES = {
    "RGBA": lambda p: Image.fromarray(p),
    "RGBa": lambda p: Image.fromarray(p).convert("RGBa"),
    "LA": lambda p: Image.fromarray(np.ascontiguousarray(p[..., 2:])),
    "La": lambda p: Image.fromarray(np.ascontiguousarray(p[..., 2:])).convert("La"),
    "TIFF": lambda p: encoded(Image.fromarray(p), "TIFF"),
    "GIF": lambda p: encoded(Image.fromarray(p), "GIF"),
    "palette": lambda p: encoded(Image.fromarray(p).quantize(8)),
    "PA": lambda p: Image.fromarray(p).quantize(8).convert("PA"),
    "16 bits": lambda p: sixteen(p, 6),
    "16 bits, gray": lambda p: sixteen(p[..., 2:], 4),
}


def sixteen(picture, color):
    """Return a PNG of 16 bits with alpha; the standard's color type is 4 or 6."""
    rows = b"".join(b"\0" + row.tobytes() for row in picture.astype(">u2") * 257)
    return png(*picture.shape[1::-1], 16, color, rows)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_has_its_alpha(mode):
    picture = disk(0, 255, 0)
    picture[..., 3] = np.where(picture[..., 3] > 127, 255, 0)
    loaded, alpha = load_with_alpha(MODES[mode](picture))
    np.testing.assert_allclose(alpha * 255, picture[..., 3], atol=1)
    expected = (20,) * 3 if mode.lower() == "la" or "gray" in mode else (250, 40, 20)
    np.testing.assert_allclose(loaded * 255, np.broadcast_to(expected, loaded.shape), atol=4)


def test_a_tiff_with_associated_alpha_is_not_darker(tmp_path):
    """TIFF 6.0, tag 338: 1 is premultiplied, 2 is not."""
    picture = disk(0, 0, 0)
    premultiplied = np.round(picture[..., :3] * (picture[..., 3:] / 255)).astype(np.uint8)
    data = encoded(Image.fromarray(np.dstack([premultiplied, picture[..., 3]])), "TIFF")
    entry = struct.pack("<HHI", 338, 3, 1)
    place = data.index(entry) + len(entry)
    (tmp_path / "a.tif").write_bytes(data[:place] + struct.pack("<I", 1) + data[place + 4 :])
    loaded, alpha = load_with_alpha(tmp_path / "a.tif")
    np.testing.assert_array_equal(alpha, picture[..., 3] / np.float32(255))
    np.testing.assert_allclose(loaded * 255, np.broadcast_to((250, 40, 20), loaded.shape), atol=9)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), loaded)


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
