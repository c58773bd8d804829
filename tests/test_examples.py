"""The examples run, and do what they show. Of pictures: `tests/objective/test_guidance.py`."""

import runpy
import sys
from pathlib import Path

import pytest
from PIL import Image
from support.fetching import needed
from support.small import CONTENT, SMALL, STYLE, write_pictures

import jaxstyle
from jaxstyle.image.io import read_image, write_image

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def run(monkeypatch):
    def run(name, *words):
        monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")

    return run


def test_first_picture(tmp_path, run, monkeypatch, capsys):
    files, out = write_pictures(tmp_path), tmp_path / "out.png"
    stylize = jaxstyle.stylize
    monkeypatch.setattr(
        jaxstyle, "stylize", lambda *a, **k: stylize(*a, **{**k, **SMALL}), raising=False
    )
    run("01_first_picture.py", files / "content.png", files / "style.png", out)
    assert f"{out}: total " in capsys.readouterr().out
    assert read_image(out).shape == (40, 48, 3)


@pytest.mark.slow
def test_by_hand(tmp_path, run, capsys):
    pictures = [tmp_path / f"{name}.png" for name in ("content", "style", "out")]
    for picture, path in zip((CONTENT, STYLE), pictures, strict=False):
        write_image(path, picture[:24, :32])
    run("08_by_hand.py", *pictures)
    losses = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 2
    assert read_image(pictures[2]).shape == (24, 32, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "more", "text", "columns"),
    [
        ("02_every_metric.py", ("gram", "palette"), "palette", 5),
        ("04_control.py", (), "two styles", 5),
        ("06_grid.py", (), "{'content': 'sample:lighthouse', 'style': 'sample:mosaic'}", 3),
    ],
    ids=["every metric", "control", "grid"],
)
def test_contact_sheets(tmp_path, run, capsys, caplog, name, more, text, columns):
    caplog.set_level("INFO")
    out = tmp_path / "sheet.png"
    run(name, out, 32, 1, *more)
    assert text in capsys.readouterr().out
    assert read_image(out).shape[1] == columns * (32 + 8)
    assert ("one program: 6 cells" in caplog.text) == (name == "06_grid.py")


@pytest.mark.slow
def test_resnet(tmp_path, run, capsys):
    for name in ("resnet50", "vgg19-normalized", "dists"):
        needed(name)
    out = tmp_path / "sheet.png"
    run("03_resnet.py", out, 48, 1)  # AlexNet needs 31 pixels
    assert capsys.readouterr().out.count("to style") == 8
    assert read_image(out).shape[1] == 4 * (48 + 8)


@pytest.mark.slow
def test_film(tmp_path, run, capsys, monkeypatch):
    pytest.importorskip("cv2", reason="needs the extra video")
    stylize_video = jaxstyle.stylize_video
    small = {**SMALL, "size": 64}
    monkeypatch.setattr(
        jaxstyle,
        "stylize_video",
        lambda *a, **k: stylize_video(*a, **{**k, **small}),
        raising=False,
    )
    out = tmp_path / "film.webp"
    run("09_film.py", out, 64, 10, 3)
    assert "frame 10 of 10: 15 steps" in capsys.readouterr().out
    with Image.open(out) as film:
        assert (film.n_frames, film.size) == (10, (512, 192))
