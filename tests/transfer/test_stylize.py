"""The whole thing, small: library, command line, example."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.fetching import needed

import jaxstyle
from jaxstyle.cli.main import main as cli
from jaxstyle.image.io import read_image, read_settings, write_image

SMALL = {"size": 32, "steps": 3, "scales": 1}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    y, x = np.mgrid[0:40, 0:50] / 50
    content = np.stack([x, y, (x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.06], -1)
    style = np.stack([0.5 + 0.5 * np.sin(40 * (x + k * y)) for k in range(3)], -1)
    for name, picture in (("content", content), ("style", style)):
        write_image(folder / f"{name}.png", picture)
    return folder


def arguments(pictures, out, *more):
    flags = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    inputs = [str(pictures / "content.png"), str(pictures / "style.png")]
    return ["stylize", *inputs, "-o", str(out), *flags, *more]


def run(words):
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(word) for word in words])
    return stopped.value.code


def test_a_run_lowers_the_loss_and_repeats_to_the_byte(pictures, tmp_path):
    for name in ("a", "b"):
        assert run(arguments(pictures, tmp_path / f"{name}.png", "--quiet")) == 0
    assert (tmp_path / "a.png").read_bytes()[:-1]
    first, second = (read_image(tmp_path / f"{name}.png") for name in ("a", "b"))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (26, 32, 3)
    facts = json.loads((tmp_path / "a.json").read_text())
    assert facts["history"]["total"][-1] < facts["history"]["total"][0]
    assert len(facts["history"]["moments"]) == 3
    assert facts["settings"]["steps"] == 3
    assert set(facts["inputs"]) == {"content", "style"}
    inside = json.loads(read_settings(tmp_path / "a.png"))
    assert inside["settings"] == facts["settings"]
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []


@pytest.mark.parametrize("init", ["noise", "style", "file"])
def test_every_start_and_scale(pictures, tmp_path, init):
    init = str(pictures / "style.png") if init == "file" else init
    made = jaxstyle.stylize(
        pictures / "content.png", pictures / "style.png", size=32, steps=1, scales=1, init=init
    )
    assert made.finite
    assert made.image.shape == (26, 32, 3)


def test_a_run_that_diverges_keeps_the_last_good_picture(pictures, tmp_path, capsys):
    out = tmp_path / "out.png"
    more = ("--quiet", "--optimizer", "sgd", "--style-weight", "1e38", "--learning-rate", "1e30")
    assert run(arguments(pictures, out, *more)) == 2
    said = capsys.readouterr().err
    assert re.search(r"stopped being finite at step \d", said)
    assert said.count("\n") == 1
    assert np.isfinite(read_image(out)).all()


def test_ctrl_c_saves_what_there_is(pictures, tmp_path, monkeypatch):
    from jaxstyle.cli import progress
    from jaxstyle.transfer import programs

    monkeypatch.setattr(programs, "CHUNK", 1)

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "_lines", lambda: interrupt)
    assert run(arguments(pictures, tmp_path / "out.png")) == 130
    assert read_image(tmp_path / "out.png").shape == (26, 32, 3)


def test_a_thin_picture_has_no_scales_that_are_too_coarse_for_it():
    picture = np.random.default_rng(0).random((14, 96, 3), np.float32)
    said = []
    made = jaxstyle.stylize(picture, picture, size=96, steps=1, scales=3, report=said.append)
    assert made.image.shape == (14, 96, 3)
    assert [scale["size"] for scale in made.facts["scales"]] == [96]
    assert "scales of less than 96 pixels are left out: their short side would be under 16" in said
    with pytest.raises(ValueError, match="too small: 96 × 3 pixels at this size"):
        jaxstyle.stylize(picture[:3], picture, size=96, steps=1)


def test_frames_and_manifests_of_another_run_are_left_alone(pictures, tmp_path, capsys):
    out, frames = tmp_path / "out.png", tmp_path / "frames"
    words = arguments(pictures, out, "--quiet", "--frames", str(frames))
    assert run(words) == 0
    assert [path.name for path in frames.iterdir()] == ["00003.png"]
    assert run(words) == 2
    assert "has the frames of another run" in capsys.readouterr().err
    assert run([*words, "--resume"]) == 0
    other = arguments(pictures, tmp_path / "out.webp", "--quiet")
    assert run(other) == 2
    assert "out.json tells of out.png" in capsys.readouterr().err
    out.unlink()
    assert run(other) == 0


def test_what_is_told_adds_up(pictures):
    told = []
    more = {"size": 32, "steps": 31, "scales": 1, "content_weight": 0.5, "style_layers": "relu1_1"}
    made = jaxstyle.stylize(
        pictures / "content.png",
        pictures / "style.png",
        on_progress=told.append,
        regularizer="total_variation_power",
        parameter={"total_variation_power.beta": 1.0},
        **more,
    )
    assert set(made.history) == {"total", "moments", "mse", "total_variation_power"}
    for each in told:
        assert sum(each.parts.values()) == pytest.approx(each.loss, rel=1e-5)
        assert each.parts["mse"] == pytest.approx(0.5 * each.terms["mse"])
    # The first steps compile, and say nothing of those to come.
    assert [each.seconds_left is None for each in told] == [True, False, False, False]
    assert told[-1].seconds_left == 0
    assert " s left" in str(told[1])


def test_the_command_line_calls_settings_by_their_flags(pictures, tmp_path, capsys):
    assert run(arguments(pictures, tmp_path / "out.png", "--content-weight", "nan")) == 2
    assert "expected --content-weight to be" in capsys.readouterr().err
    for words in ([], ["weights"]):
        assert run(words) in (0, 2)
        said = capsys.readouterr()
        assert (said.out + said.err).count("\n") > 5
        assert "error" not in said.err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--checkpoint-seconds", "nan"], "expected checkpoint_seconds to be at least 0"),
        (["--content", "x"], "No such option"),
        (["--steps", "-1"], "expected steps to be at least 0"),
        (["--style-weight", "nan"], "--style-weight"),
        (["--metric", "gran"], "did you mean 'gram'"),
        (["--metric", "mse"], "expected a style metric"),
        (["--metric", "gram=x"], "expected NAME[~SMOOTHING]"),
        (["--style-layers", "relu9_1"], "has no layer 'relu9_1'"),
        (["--backbone", "vgg61"], "did you mean 'vgg1"),
        (["--optimizer", "adem"], "adam"),
        (["--init", "nowhere.png"], "there is no file nowhere.png"),
        (["--init", "adian"], "did you mean 'adain'"),
        (["--style-weight", "0", "--content-weight", "0", "--smoothness", "0"], "nothing to"),
        (["--bogus"], "No such option"),
    ],
)
def test_what_cannot_be_is_one_line(pictures, tmp_path, capsys, more, words):
    assert run(arguments(pictures, tmp_path / "out.png", "--quiet", *more)) == 2
    said = capsys.readouterr().err
    assert said.startswith("jaxstyle: error: ")
    assert words in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_the_users_is_overwritten(pictures, tmp_path, capsys):
    (tmp_path / "package.json").write_text('{"name": "mine"}')
    assert run(arguments(pictures, tmp_path / "package.png")) == 2
    assert "not a jaxstyle manifest" in capsys.readouterr().err
    content = pictures / "content.png"
    assert run(["stylize", content, pictures / "style.png", "-o", content]) == 2
    assert "one of the inputs" in capsys.readouterr().err


def test_settings_are_checked_in_python_too():
    with pytest.raises(TypeError, match="did you mean 'steps'"):
        jaxstyle.stylize(np.zeros((8, 8, 3)), np.zeros((8, 8, 3)), step=3)
    with pytest.raises(ValueError, match=r"values in \[0, 1\]"):
        jaxstyle.stylize(np.full((8, 8, 3), 255.0), np.zeros((8, 8, 3)))


def test_help_does_not_wait_for_jax():
    code = "import sys; from jaxstyle import cli\ntry: cli.main(['stylize', '--help'])\n"
    code += "except SystemExit: assert 'jax' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def run_example(name, monkeypatch, *words):
    import runpy

    example = Path(__file__).parents[2] / "examples" / name
    monkeypatch.syspath_prepend(str(example.parent))
    monkeypatch.setattr(sys, "argv", [str(word) for word in (example, *words)])
    runpy.run_path(str(example))


def test_the_example_by_hand(pictures, tmp_path, monkeypatch, capsys):
    inputs = pictures / "content.png", pictures / "style.png"
    run_example("08_by_hand.py", monkeypatch, *inputs, tmp_path / "out.png")
    losses = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 2
    assert read_image(tmp_path / "out.png").shape == (40, 50, 3)


@pytest.mark.slow
def test_the_second_example(tmp_path, monkeypatch, capsys):
    out = tmp_path / "sheet.png"
    run_example("02_every_metric.py", monkeypatch, out, 32, 1, "gram", "palette")
    assert "palette" in capsys.readouterr().out
    assert read_image(out).shape[1] == 5 * (32 + 8)


@pytest.mark.slow
def test_the_fourth_example(tmp_path, monkeypatch, capsys):
    out = tmp_path / "sheet.png"
    run_example("04_control.py", monkeypatch, out, 32, 1)
    assert "two styles" in capsys.readouterr().out
    assert read_image(out).shape[1] == 5 * (32 + 8)


@pytest.mark.slow
def test_the_seventh_example(tmp_path, monkeypatch, capsys):
    out = tmp_path / "sheet.png"
    run_example("07_what_to_try.py", monkeypatch, out, 32, 1, "color")
    assert "--color luminance" in capsys.readouterr().out
    assert read_image(out).shape[1] == 6 * (32 + 8)


@pytest.mark.slow
def test_the_third_example(tmp_path, monkeypatch, capsys):
    for name in ("resnet50", "vgg19-normalized", "dists"):
        needed(name)
    out = tmp_path / "sheet.png"
    run_example("03_resnet.py", monkeypatch, out, 48, 1)  # AlexNet needs 31 pixels
    assert capsys.readouterr().out.count("to style") == 8
    assert read_image(out).shape[1] == 4 * (48 + 8)


def test_the_first_example(pictures, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.png"
    small = jaxstyle.stylize
    monkeypatch.setattr(
        jaxstyle, "stylize", lambda *a, **k: small(*a, **{**k, **SMALL}), raising=False
    )
    inputs = [pictures / "content.png", pictures / "style.png"]
    run_example("01_first_picture.py", monkeypatch, *inputs, out)
    assert f"{out}: total " in capsys.readouterr().out
    assert read_image(out).shape == (26, 32, 3)
