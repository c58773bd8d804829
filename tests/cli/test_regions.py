"""`--regions` and `--region-style`."""

import json

import numpy as np
import pytest
from PIL import Image
from support.small import CONTENT, OTHER, SMALL, run, write_pictures

from jaxstyle.image.load import load_image

LABELS = np.zeros((40, 48), np.uint8)
LABELS[:, 16:32], LABELS[:, 32:] = 1, 2
COLORS = np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255)], np.uint8)


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(COLORS[LABELS]).save(tmp_path / "map.png")
    return write_pictures(tmp_path)


def stylize(folder, *more):
    flags = []
    for name, value in (SMALL | {"steps": 0, "init": folder / "other.png"}).items():
        text = ",".join(value) if isinstance(value, tuple) else value
        flags += [f"--{name.replace('_', '-')}", text]
    return run(
        *("stylize", folder / "content.png", "-o", folder / "out.png"),
        *("--regions", folder / "map.png", *flags, *more),
    )


def test_labels_take_their_styles(folder):
    styles = [f"#00f={folder / 'style.png'}", f"#ff0000={folder / 'other.png'}"]
    assert stylize(folder, "--region-style", styles[0], "--region-style", styles[1]) == 0
    facts = json.loads((folder / "out.json").read_text())
    assert set(facts["inputs"]) == {"content", "style", "style#2", "regions", "init"}
    assert facts["settings"]["region_labels"] == ["#00f", "#ff0000"]
    assert facts["inputs"]["style"]["path"].endswith("style.png")
    made = load_image(folder / "out.png")
    np.testing.assert_allclose(made[LABELS == 0], CONTENT[LABELS == 0], atol=1e-6)
    np.testing.assert_allclose(made[LABELS > 0], OTHER[LABELS > 0], atol=1e-6)


def test_styles_in_the_order_of_labels(folder):
    styles = ["--style", folder / "style.png", "--style", folder / "other.png"]
    assert stylize(folder, *styles, "--region-labels", "#00f,#f00") == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--region-style", "1"], "expected LABEL=STYLE"),
        (["--region-style", "sky=style.png"], "numbers or colors such as #ff0000, got 'sky'"),
        (["--region-style", "#f00=nothing.png"], "there is no file"),
        (["--region-style", "#0f0=style.png"], "there is no label #0f0 among #000000 (33%"),
        (["--region-style", "#f00=style.png", "--style", "style.png"], "by --region-style alone"),
        (["--region-style", "#f00=style.png", "--region-labels", "1"], "got --region-labels"),
        (["--region-labels", "#f00"], "Missing argument"),
        (
            ["--style", "style.png", "--content-mask", "map.png"],
            "expected regions or content masks",
        ),
    ],
)
def test_what_cannot_be_used_is_one_line(folder, capsys, monkeypatch, more, message):
    monkeypatch.chdir(folder)
    assert stylize(folder, *more) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (folder / "out.png").exists()


def test_a_label_map_is_needed(folder, capsys):
    words = ("--region-style", f"1={folder / 'style.png'}")
    assert run("stylize", folder / "content.png", "-o", folder / "out.png", *words) == 2
    assert "expected --regions FILE, the label map" in capsys.readouterr().err
