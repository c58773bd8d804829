"""What is written is what others read: depths, alpha, resolution, color profile."""

import io
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from jaxstyle.image.encode import Encoding, srgb_profile
from jaxstyle.image.io import check_output, encoder, read_image, read_settings, write_image

RNG = np.random.default_rng(0)
LEVELS = RNG.integers(0, 65536, (37, 53, 4), dtype=np.uint16)
LEVELS[0], LEVELS[1] = 0, 65535


def levels_of_png(path):
    """Read a 16-bit PNG by Pillow's decoder, which unpacks one byte of each value at a time."""
    halves = []
    for order in "BL":  # taken for little-endian, the low byte is the high one
        with Image.open(path) as image:
            (codec, extents, offset, mode), *rest = image.tile
            assert mode.endswith(";16B"), mode
            image.tile = [(codec, extents, offset, mode[:-1] + order), *rest]
            halves.append(np.asarray(image).astype(np.uint16))
    return halves[0] * 256 + halves[1]


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(("suffix", "read"), [("png", levels_of_png), ("tif", tifffile.imread)])
def test_sixteen_bits_are_what_another_reader_reads(tmp_path, suffix, read, channels):
    path = tmp_path / f"a.{suffix}"
    levels = LEVELS[..., :channels]
    write_image(path, levels.astype(np.float64) / 65535, bits=16)
    np.testing.assert_array_equal(read(path), levels)
    write_image(path, levels, bits=16)
    np.testing.assert_array_equal(read(path), levels)
    write_image(path, (levels >> 8).astype(np.uint8), bits=16)
    np.testing.assert_array_equal(read(path), (levels >> 8) * 257)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_many_strips_of_a_large_picture(tmp_path, suffix):
    levels = np.arange(1000 * 1200 * 3).reshape(1000, 1200, 3).astype(np.uint16)
    path = tmp_path / f"a.{suffix}"
    write_image(path, levels, bits=16)
    read = levels_of_png(path) if suffix == "png" else tifffile.imread(path)
    np.testing.assert_array_equal(read, levels)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_our_reader_reads_sixteen_bits(tmp_path, suffix, channels):
    levels = LEVELS[..., :channels].copy()
    levels[..., 3:] = 65535
    write_image(tmp_path / f"a.{suffix}", levels, bits=16)
    picture = read_image(tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(picture, levels[..., :3] / 65535, atol=1 / 255)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_alpha_of_eight_bits(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    picture = np.zeros((16, 16, 4))
    picture[..., :3], picture[..., 3] = 0.5, np.linspace(0, 1, 16)
    write_image(path, picture, quality=100)
    with Image.open(path) as image:
        assert image.mode == "RGBA"
        read = np.asarray(image)
    np.testing.assert_array_equal(read[..., 3], np.round(picture[..., 3] * 255))
    np.testing.assert_allclose(read[:, 1:, :3], 128, atol=2)


@pytest.mark.parametrize("bits", [8, 16])
def test_jpeg_refuses_alpha_and_names_what_holds_it(tmp_path, bits):
    path = tmp_path / "a.jpg"
    with pytest.raises(ValueError, match=r"\.png"):
        write_image(path, np.zeros((4, 4, 4)), bits=bits)
    with pytest.raises(ValueError, match=r"no transparency.*\.png, \.tif or \.webp"):
        check_output(path, (4, 4, 4))
    assert not path.exists()


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "webp"])
def test_sixteen_bits_are_refused_where_there_are_eight(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    for attempt in (
        lambda: write_image(path, np.zeros((4, 4, 3)), bits=16),
        lambda: check_output(path, encoding=Encoding(bits=16)),
    ):
        with pytest.raises(
            ValueError, match=r"has 8 bits, .* would need 16: choose \.png or \.tif"
        ):
            attempt()
    assert not path.exists()


@pytest.mark.parametrize("bad", [{"bits": 12}, {"bits": True}, {"dpi": 0}, {"dpi": float("nan")}])
def test_values_out_of_their_ranges(tmp_path, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        write_image(tmp_path / "a.png", np.zeros((4, 4, 3)), **bad)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp"])
def test_resolution_profile_and_settings_are_inside(tmp_path, suffix, bits):
    if bits == 16 and suffix in ("jpg", "webp"):
        pytest.skip("it has 8 bits")
    path = tmp_path / f"a.{suffix}"
    write_image(path, LEVELS[..., :3], bits=bits, dpi=300, settings='{"a": 1}')
    assert read_settings(path) == '{"a": 1}'
    with Image.open(path) as image:
        image.load()
        profile = image.info["icc_profile"]
        if suffix == "webp":
            dpi = [image.getexif()[tag] for tag in (282, 283)]
            assert image.getexif()[296] == 2
        else:
            dpi = image.info["dpi"]
    assert [float(value) for value in dpi] == pytest.approx([300, 300], abs=0.01)
    described = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    assert "sRGB" in described


def test_without_a_resolution_none_is_stated(tmp_path):
    for suffix in ("png", "webp"):
        write_image(tmp_path / f"a.{suffix}", LEVELS[..., :3])
        with Image.open(tmp_path / f"a.{suffix}") as image:
            assert "dpi" not in image.info
            assert not image.getexif()


def test_the_profile_changes_no_pixel_and_has_no_date(tmp_path):
    picture = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    write_image(tmp_path / "a.png", picture)
    np.testing.assert_array_equal(np.round(read_image(tmp_path / "a.png") * 255), picture)
    code = "from jaxstyle.image.encode import srgb_profile as p; print(p().hex())"
    other = "import time; t = time.time; time.time = lambda: t() + 1e8\n"
    for start in ("", other):
        answer = subprocess.run(
            [sys.executable, "-c", start + code], capture_output=True, text=True
        )
        assert answer.stdout.strip() == srgb_profile().hex()


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_the_bytes_of_sixteen_bits_are_always_the_same(suffix):
    contents = []
    for _ in range(2):
        file = io.BytesIO()
        encoder(f"a.{suffix}", LEVELS, Encoding(bits=16, dpi=72), settings="{}")(file)
        contents.append(file.getvalue())
    assert contents[0] == contents[1]
