"""Formats that cannot be read, or cannot hold a picture, are named before a run."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image, features
from support.picture_files import corners, saved

from jaxstyle.image.io import check_file, check_input, check_output, read_image, write_image
from jaxstyle.image.load import load_image

FTYP = b"\0\0\0\x18ftyp%s\0\0\0\0mif1miaf"
FILES = {
    "photo.heic": (FTYP % b"heic", r"HEIC .*; convert it to PNG or JPEG"),
    "photo.avif": (FTYP % b"avif", "AVIF"),
    "photo.jxl": (b"\xff\x0a\xfa\x1f\x01", "JPEG XL"),
    "boxed.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    "drawing.svg": (b'<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="">', "SVG"),
    "plain.svg": (b'\n<svg width="3">', "SVG"),
    "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "drawing.eps": (b"%!PS-Adobe-3.0 EPSF", "PostScript"),
    "photo.cr2": (b"II*\0\x10\0\0\0CR\x02\0", "camera's raw file; develop it"),
    "photo.cr3": (FTYP % b"crx ", "camera's raw file"),
    "photo.raf": (b"FUJIFILMCCD-RAW 0201", "camera's raw file"),
    "film.mp4": (FTYP % b"isom", "video"),
    "film.mov": (FTYP % b"qt  ", "video"),
    "film.webm": (b"\x1a\x45\xdf\xa3\x9f", "video"),
    "film.mpg": (b"\0\0\x01\xba" + bytes(50), "video"),
    "page.png": (b"\n<!DOCTYPE html>\n<html><body>404", "web page; download the picture"),
    "small.png": (b"<html><head></head>", "web page"),
    "lfs.png": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "git lfs pull"),
    "letter.jpg": ("Grüße".encode(), "text file"),
    "old letter.jpg": ("Viele Grüße, Jürgen".encode("latin-1"), "text file"),
    "wide letter.jpg": ("Grüße".encode("utf-16"), "text file"),
    "values.png": (b'{"a": 1}', "text file"),
    "array.npy": (b"\x93NUMPY\1\0", "NumPy array"),
    "tar.gz": (b"\x1f\x8b\x08\0", "archive"),
    "sky.exr": (b"v/1\x01\2\0\0\0", "dynamic range"),
    "cut.png": (b"\x89PNG\r\n\x1a\n", "not a picture.* but a PNG file, damaged"),
    "cut.jpg": (b"\xff\xd8\xff\xe0", "but a JPEG file, damaged"),
}


@pytest.fixture
def named(tmp_path):
    def write(name):
        path = tmp_path / name
        path.write_bytes(FILES[name][0])
        return path

    return write


@pytest.mark.parametrize("name", FILES)
def test_what_cannot_be_read_is_called_by_its_name(named, name):
    path, words = named(name), FILES[name][1]
    for look in (check_input, read_image):
        with pytest.raises(ValueError, match=words) as caught:
            look(path)
        assert str(caught.value).count(str(path)) == 1
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=words):
        load_image(path.read_bytes(), "the style")
    check_file(path)  # of any kind


def test_an_archive_of_pictures(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(ValueError, match=r"ZIP archive.*unpack"):
        check_input(path)


@pytest.mark.parametrize(
    "tags", [{254: 1, 330: 8}, {254: 1, 50706: b"\1\4\0\0"}], ids=["NEF", "DNG"]
)
def test_the_thumbnail_of_a_raw_file_is_not_the_picture(tmp_path, tags):
    path = saved(tmp_path / "a.tif", corners(), tiffinfo=tags)
    for look in (check_input, read_image):
        with pytest.raises(ValueError, match="camera's raw file"):
            look(path)


@pytest.mark.skipif(
    "avif" not in features.modules or not features.check("avif"),  # an older Pillow warns
    reason="this Pillow cannot write AVIF",
)
def test_what_pillow_reads_is_read(tmp_path):
    path = saved(tmp_path / "a.avif", Image.new("RGB", (16, 16), "red"))
    check_input(path)
    np.testing.assert_allclose(read_image(path)[8, 8], [1, 0, 0], atol=0.02)


@pytest.mark.parametrize("name", ["photo.heic", "paper.pdf", "page.png", "film.mp4"])
def test_the_command_line_says_so_before_jax_is_imported(named, tmp_path, name):
    good = saved(tmp_path / "good.png", corners())
    program = (
        "import sys\nfrom jaxstyle.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nfinally:\n    print('jax' in sys.modules)"
    )
    words = ["stylize", str(good), str(named(name)), "-o", str(tmp_path / "out.png")]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == "False\n"
    assert done.stderr.startswith("jaxstyle: error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("suffix", "most"), [("webp", 16_383), ("jpg", 65_500), ("png", None), ("tif", None)]
)
def test_a_side_that_a_format_cannot_hold(tmp_path, suffix, most):
    path = tmp_path / f"a.{suffix}"
    for shape in ((1, most or 70_000, 3), (most or 70_000, 1, 3)):
        check_output(path, shape)
        write_image(path, np.zeros(shape, np.uint8))
        assert read_image(path).shape == shape
    before = path.read_bytes()
    for shape in ((1, most + 1, 3), (most + 1, 1, 3)) if most else ():
        with pytest.raises(ValueError, match=rf"{most} pixels a side.*choose \.png.* or \.tif"):
            check_output(path, shape)
        with pytest.raises(ValueError, match=f"{most} pixels a side"):
            write_image(path, np.zeros(shape, np.uint8))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "what"), [("GIF", "frames"), ("PNG", "frames"), ("TIFF", "pages")]
)
def test_that_only_the_first_of_several_is_taken_is_said(tmp_path, caplog, kind, what):
    caplog.set_level("INFO")
    path = tmp_path / "a.xyz"
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "lime")]
    frames[0].save(path, kind, save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_image(path)[4, 4], [1, 0, 0])
    assert f"the first of its 3 {what} is taken" in caplog.text
    caplog.clear()
    frames[0].save(path, kind)
    read_image(path)
    assert not caplog.text
