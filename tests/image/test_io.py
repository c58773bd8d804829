"""Picture files: whatever Pillow opens is read right, and written files are whole."""

import os
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms
from support.picture_files import BLUE, RED, WHITE, corners, linear_rgb_profile, png, saved

from jaxstyle.image.geometry import resize
from jaxstyle.image.io import check_output, read_image, read_settings, write_image


def bytes_of(picture):
    return np.round(picture * 255).astype(int)


# How a viewer must turn the stored picture, by the EXIF standard (tag 274).
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_orientation(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[274] = orientation
    path = saved(tmp_path / f"a.{suffix}", corners(), exif=exif)
    np.testing.assert_array_equal(bytes_of(read_image(path)), UPRIGHT[orientation](corners()))


def test_broken_exif_changes_no_pixels(tmp_path):
    path = saved(tmp_path / "a.png", corners(), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    np.testing.assert_array_equal(bytes_of(read_image(path)), corners())


def test_a_profile_is_converted_to_srgb(tmp_path):
    values = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    path = saved(tmp_path / "a.png", values, icc_profile=linear_rgb_profile())
    linear = values / 255
    expected = np.where(  # IEC 61966-2-1
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    np.testing.assert_allclose(read_image(path), expected, atol=2.5 / 255)


@pytest.mark.parametrize("profile", [b"nonsense" * 40, b"", None], ids=["junk", "empty", "srgb"])
def test_a_profile_that_changes_nothing(tmp_path, profile):
    if profile is None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = saved(tmp_path / "a.png", corners(), icc_profile=profile)
    np.testing.assert_allclose(bytes_of(read_image(path)), corners(), atol=1)


def test_sixteen_bit_gray_keeps_its_precision(tmp_path):
    values = np.array([[0, 1, 40000, 65535]], np.uint16)
    for suffix in ("png", "tiff"):
        picture = read_image(saved(tmp_path / f"a.{suffix}", values))
        np.testing.assert_allclose(picture[..., 0], values / 65535, atol=1e-7)
        np.testing.assert_array_equal(picture[..., 0], picture[..., 2])


def test_sixteen_bit_color(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(1, 1, 16, 2, b"\0" + struct.pack(">3H", 65535, 32768, 0)))
    np.testing.assert_allclose(read_image(path)[0, 0], [1, 0.5, 0], atol=1 / 255)


def test_integers_and_floats(tmp_path):
    floats = np.array([[0, 0.25, 1]], np.float32)
    for values, expected in (
        (floats, floats),
        (floats * 8, floats),  # light without a limit is scaled to its greatest
        (np.array([[0, 65535]], np.int32), [[0, 1]]),
        (np.array([[0, 50000, 100000]], np.int32), [[0, 0.5, 1]]),
    ):
        picture = read_image(saved(tmp_path / "a.tiff", values))
        np.testing.assert_allclose(picture[..., 1], expected, atol=1e-6)


def test_floats_that_are_not_finite_are_refused(tmp_path):
    path = saved(tmp_path / "a.tiff", np.array([[0, np.nan]], np.float32))
    with pytest.raises(ValueError, match="not finite"):
        read_image(path)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "LAB"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    black_and_white = np.zeros((4, 4, 3), np.uint8)
    black_and_white[:, 2:] = 255
    picture = Image.fromarray(black_and_white).convert("L").convert("RGB")
    picture = picture.convert("L").convert(mode) if mode == "LA" else picture.convert(mode)
    path = saved(tmp_path / ("a.png" if mode in ("1", "L", "P", "LA", "RGBA") else "a.tiff"),
                     picture)  # fmt: skip
    try:
        with Image.open(path) as opened:
            opened.load()
    except OSError:
        pytest.skip("this version of Pillow cannot read what it wrote")
    np.testing.assert_allclose(bytes_of(read_image(path)), black_and_white, atol=1)


def test_cmyk_of_a_jpeg(tmp_path):
    """Adobe stores CMYK inverted; Pillow writes it so, and inverts it when reading."""
    path = saved(tmp_path / "a.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0)), quality=95)
    red, green, blue = read_image(path)[8, 8]
    assert red > 0.85
    assert green < 0.25
    assert blue < 0.25


@pytest.mark.parametrize("background", [(1.0, 1.0, 1.0), (0.0, 0.0, 1.0)])
def test_alpha_is_composited(tmp_path, background):
    colors = np.zeros((1, 3, 4), np.uint8)
    colors[0, :, 0] = 255
    colors[0, :, 3] = (0, 128, 255)
    picture = read_image(saved(tmp_path / "a.png", colors), background=background)
    alpha = colors[..., 3:] / 255
    expected = alpha * colors[..., :3] / 255 + (1 - alpha) * np.array(background)
    np.testing.assert_allclose(picture, expected, atol=1.5 / 255)


def test_a_transparent_palette_entry(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 255, 0, 0])
    picture.putpixel((1, 0), 1)
    for suffix in ("png", "gif"):
        path = saved(tmp_path / f"a.{suffix}", picture, transparency=0)
        picture_over_white = read_image(path, background=(1, 1, 1))
        np.testing.assert_array_equal(bytes_of(picture_over_white)[0], [WHITE, RED])


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff"])
def test_the_first_frame_of_an_animation(tmp_path, suffix):
    first, second = (Image.new("RGB", (8, 8), color) for color in (RED, BLUE))
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", first, save_all=True, append_images=[second], **options)
    np.testing.assert_array_equal(bytes_of(read_image(path))[4, 4], RED)


def test_a_large_photograph_is_only_decoded_as_far_as_needed(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.fromarray(corners((8000, 500))))
    picture = read_image(path, size=256)
    assert picture.shape == (16, 256, 3)
    np.testing.assert_allclose(picture[4, 64], [1, 0, 0], atol=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
def test_thin_pictures(tmp_path, shape):
    picture = read_image(saved(tmp_path / "a.png", np.full((*shape, 3), 77, np.uint8)), size=64)
    assert picture.shape == (*(min(side, 64) for side in shape), 3)
    np.testing.assert_array_equal(bytes_of(picture), 77)


@pytest.mark.parametrize("name", ["Gemälde ☃ 2.PNG", "with space.Jpg", "no-suffix", ".png"])
def test_names_do_not_matter(tmp_path, name):
    path = tmp_path / name
    Image.fromarray(corners()).save(path, "PNG")
    np.testing.assert_array_equal(bytes_of(read_image(path)), corners())


def test_resizing_agrees_with_the_filter_and_never_enlarges(tmp_path):
    path = saved(tmp_path / "a.png", corners((40, 30)))
    assert read_image(path, size=400).shape == (30, 40, 3)
    assert read_image(path, size=20).shape == (15, 20, 3)
    ramp = np.linspace(0.2, 0.8, 64, dtype=np.float32)[None, :, None].repeat(16, 0).repeat(3, 2)
    # A ramp stays a ramp, finer than 8 bits could say.
    small = resize(ramp, (8, 32))
    expected = ramp.reshape(8, 2, 32, 2, 3).mean((1, 3))
    np.testing.assert_allclose(small[:, 4:-4], expected[:, 4:-4], atol=1e-5)
    # Stripes of one pixel become gray, not a pattern.
    stripes = np.zeros((64, 64, 3), np.float32)
    stripes[:, ::2] = 1
    assert np.ptp(resize(stripes, (16, 16))[4:-4, 4:-4]) < 0.02


@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG", "webp", "tif", "tiff"])
def test_what_is_written_can_be_read(tmp_path, suffix):
    x, y = np.meshgrid(np.linspace(0, 1, 48), np.linspace(0, 1, 32))
    picture = np.stack([x, y, 0.5 + 0 * x], -1).astype(np.float32)
    path = tmp_path / f"a.{suffix}"
    text = '{"settings": "ünïcode ☃, \\"quoted\\"", "n": [1, 2]}'
    write_image(path, picture, settings=text)
    exact = suffix in ("png", "tif", "tiff")
    np.testing.assert_allclose(read_image(path), picture, atol=0.51 / 255 if exact else 0.03)
    settings_read = read_settings(path)
    assert settings_read is not None
    if suffix == "png":
        assert settings_read == text
    assert settings_read.isascii() or suffix == "png"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    write_image(path, picture)
    assert read_settings(path) is None


def test_values_out_of_range_are_clipped_and_nan_is_refused(tmp_path):
    path = tmp_path / "a.png"
    write_image(path, np.array([[[-1.0, 0.5, 2.0]]]))
    np.testing.assert_array_equal(bytes_of(read_image(path)), [[[0, 128, 255]]])
    before = path.read_bytes()
    for bad in (np.full((2, 2, 3), np.nan), np.zeros((2, 2)), np.zeros((0, 2, 3))):
        with pytest.raises(ValueError, match="expected"):
            write_image(path, bad)
    assert path.read_bytes() == before


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write_image(path, np.zeros((4, 4, 3)))
    before = path.read_bytes()

    def fail(self, file, *_, **__):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="no space"):
        write_image(path, np.ones((4, 4, 3)))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]


def test_an_output_that_cannot_be_written_is_refused_before_the_run(tmp_path):
    with pytest.raises(ValueError, match=r"\.png"):
        check_output(tmp_path / "a.pgn")
    with pytest.raises(FileNotFoundError, match="no folder"):
        check_output(tmp_path / "nowhere" / "a.png")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(ValueError, match="folder"):
        check_output(tmp_path / "b.png")
