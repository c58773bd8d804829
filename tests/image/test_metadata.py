"""A picture is neither lost nor refused for its metadata."""

import io
import logging
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from support.picture_files import chunk

from jaxstyle.image.io import check_input, read_image, read_settings, write_image
from jaxstyle.image.load import load_image

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 12, 3)).astype(np.uint8)
LARGE = zlib.compress(bytes(2 << 20))


def encoded(kind, **options):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **options)
    return file.getvalue()


def with_chunks(*chunks, after=False):
    """Return a PNG with more chunks, before its pixels or after them."""
    data = encoded("PNG")
    place = data.index(b"IEND" if after else b"IDAT") - 4
    return data[:place] + b"".join(chunks) + data[place:]


def bad_sum(data):
    return data[:-1] + bytes([data[-1] ^ 1])


CHUNKS = {
    "large zTXt": chunk(b"zTXt", b"a\0\0" + LARGE),
    "large iTXt": chunk(b"iTXt", b"a\0\1\0\0\0" + LARGE),
    "large iCCP": chunk(b"iCCP", b"a\0\0" + LARGE),
    "65 MiB of text": 65 * chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes((1 << 20) - 1))),
    "sum of tEXt": bad_sum(chunk(b"tEXt", b"a\0b")),
    "sum of iCCP": bad_sum(chunk(b"iCCP", b"a\0\0" + zlib.compress(b"x"))),
    "method of zTXt": chunk(b"zTXt", b"a\0\1b"),
    "method of iCCP": chunk(b"iCCP", b"a\0\1b"),
    **{
        f"short {kind.decode()}": chunk(kind, b"")
        for kind in (b"iCCP", b"gAMA", b"cHRM", b"pHYs", b"sRGB", b"acTL")
    },
    "frame": chunk(b"fcTL", bytes(26)),
    "frame out of place": chunk(b"fcTL", struct.pack(">5I2H2B", 3, 1, 1, 0, 0, 1, 1, 0, 0)),
    "no EXIF": chunk(b"eXIf", b"junk"),
    "no ASCII": chunk(b"\xe9abc", b""),
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", CHUNKS)
def test_pixels_of_a_png_whatever_its_metadata(tmp_path, name, after):
    path = tmp_path / "a.png"
    path.write_bytes(with_chunks(CHUNKS[name], after=after))
    check_input(path)
    limits = PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY
    np.testing.assert_array_equal(read_image(path) * 255, PIXELS)
    assert limits == (PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY)


def test_what_the_pixels_need_stays_when_other_metadata_is_left_out(caplog):
    exif = Image.Exif()
    exif[274] = 6
    data = encoded("PNG", exif=exif, transparency=(1, 2, 3))
    place = data.index(b"IDAT") - 4
    with caplog.at_level(logging.INFO):
        picture = load_image(data[:place] + CHUNKS["large zTXt"] + data[place:], "a.png")
    np.testing.assert_array_equal(picture * 255, np.rot90(PIXELS, -1))
    assert "metadata that is damaged or too large is ignored (zTXt)" in caplog.text


def test_orientation_survives_other_exif_that_is_broken(monkeypatch):
    exif = Image.Exif()
    exif[274] = 8

    def fail(self, *_, **__):
        raise ValueError("cannot be written again")

    data = encoded("PNG", exif=exif)
    monkeypatch.setattr(Image.Exif, "tobytes", fail)
    np.testing.assert_array_equal(load_image(data) * 255, np.rot90(PIXELS))


def test_a_jpeg_segment_that_is_too_short():
    data = encoded("JPEG")
    for marker, payload in (
        (0xED, b"Photoshop 3.0\0" + b"\xff" * 5),
        (0xEE, b"Adobe"),
        (0xE2, b""),
    ):
        segment = struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
        picture = load_image(data[:2] + segment + data[2:])
        np.testing.assert_array_equal(picture, load_image(data))


@pytest.mark.parametrize("kind", [b"EXIF", b"XMP "])
def test_a_webp_whose_metadata_is_cut_off(kind):
    exif = Image.Exif()
    exif[0x010E] = "x" * 400
    data = encoded("WEBP", lossless=True, exif=exif, xmp=b"x" * 400)
    place = data.index(kind)
    for damaged in (
        data[: place + 100],
        data[: place + 4] + b"\xff\xff\xff\x7f" + data[place + 8 :],
    ):
        np.testing.assert_array_equal(load_image(damaged) * 255, PIXELS)


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"pHYs", b"fcTL", b"acTL"]),
    data=st.binary(max_size=60),
    after=st.booleans(),
)
def test_no_ancillary_chunk_changes_or_hides_the_pixels(kind, data, after):
    picture = load_image(with_chunks(chunk(kind, data), after=after))
    assert sorted(picture.shape) == [3, 8, 12]
    if picture.shape == (8, 12, 3) and kind != b"eXIf":
        np.testing.assert_array_equal(picture * 255, PIXELS)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("length", [64_000, 70_000, 8_100_000])
def test_a_picture_is_written_whatever_its_settings(tmp_path, caplog, suffix, length):
    path = tmp_path / f"a.{suffix}"
    write_image(path, PIXELS, settings="x" * length)
    assert read_image(path).shape == PIXELS.shape
    is_left_out = length > (65_000 if suffix == "jpg" else 8_000_000)
    assert read_settings(path) == (None if is_left_out else "x" * length)
    assert ("without its settings" in caplog.text) == is_left_out
    assert ("manifest" in caplog.text) == is_left_out


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_settings_that_no_encoding_holds(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    write_image(path, PIXELS, settings="caf\udce9.png")
    assert read_settings(path) == r"caf\udce9.png"


def test_settings_are_read_beside_text_of_any_size(tmp_path):
    path = tmp_path / "a.png"
    write_image(path, PIXELS, settings="é")
    data = path.read_bytes()
    place = data.index(b"IDAT") - 4
    path.write_bytes(data[:place] + CHUNKS["large zTXt"] + data[place:])
    assert read_settings(path) == "é"
