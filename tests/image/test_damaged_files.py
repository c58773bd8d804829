"""Files that are no pictures, or damaged: each is refused in one clear line."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.picture_files import corners, png, saved

from jaxstyle.cli.main import main
from jaxstyle.image.io import read_image


def refusal(path):
    """Return the error of reading a file, which must be one line that names the file."""
    with pytest.raises((ValueError, OSError)) as caught:
        read_image(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff", "gif", "bmp"])
def test_a_truncated_file_is_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    path = saved(tmp_path / f"a.{suffix}", noise)
    whole = path.read_bytes()
    for part in (0.02, 0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * part)])
        refusal(path)


def test_what_is_no_picture(tmp_path):
    text = tmp_path / "a.png"
    text.write_text("I am a letter.")
    assert "not a picture" in refusal(text)
    (tmp_path / "empty.png").touch()
    assert "empty" in refusal(tmp_path / "empty.png")
    assert "folder" in refusal(tmp_path)
    assert "did you mean 'empty.png'" in refusal(tmp_path / "emty.png")
    assert "no file" in refusal(tmp_path / "elsewhere" / "b.png")


@pytest.mark.parametrize("size", [(20_000, 20_000), (2**31 - 1, 2**31 - 1), (400_000, 1000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path, size):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(*size, 8, 2, bytes(10)))
    assert "too many" in refusal(path)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_picture_without_pixels(tmp_path, size):
    path = tmp_path / "a.png"
    path.write_bytes(png(*size, 8, 2, b""))
    refusal(path)


@pytest.mark.parametrize("case", ["missing", "text", "bomb", "suffix"])
def test_the_command_line_prints_one_line_and_exits_with_2(tmp_path, capsys, case):
    good = saved(tmp_path / "good.png", corners())
    bad = tmp_path / f"{case}.png"
    if case == "text":
        bad.write_text("hello")
    elif case == "bomb":
        bad.write_bytes(png(90_000, 90_000, 8, 2, bytes(9)))
    output = tmp_path / ("out.xyz" if case == "suffix" else "out.png")
    content = good if case == "suffix" else bad
    with pytest.raises(SystemExit) as ended:
        main(["stylize", str(content), str(good), "-o", str(output)])
    assert ended.value.code == 2
    error = capsys.readouterr().err.removeprefix("starting JAX …\n")
    assert error.startswith("jaxstyle: error: ")
    assert error.count("\n") == 1
    assert not output.exists()


def originals():
    files = []
    noise = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"):
        file = io.BytesIO()
        Image.fromarray(noise).save(file, kind)
        files.append(file.getvalue())
    return files


ORIGINALS = originals()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(ORIGINALS),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6),
    st.floats(0, 1),
)
def test_damage_gives_a_picture_or_one_clear_error(tmp_path_factory, original, changes, kept):
    data = bytearray(original)
    for place, value in changes:
        # Headers matter most: half of the damage goes into the first bytes.
        data[int(place * (len(data) if value % 2 else min(64, len(data))))] = value
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    path.write_bytes(data[: max(1, int(len(data) * max(kept, 0.5)))])
    try:
        picture = read_image(path)
    except (ValueError, OSError) as error:
        message = str(error)
    else:
        message = "one line"
        assert picture.dtype == np.float32
        assert picture.ndim == 3
        assert picture.shape[2] == 3
        assert np.isfinite(picture).all()
        assert 0 <= picture.min() <= picture.max() <= 1
    assert "\n" not in message
