"""Every command line ends in a picture or in one line of error."""

import json
import random
import shutil
from pathlib import Path

import pytest
from support import commanding

from jaxstyle.cli.main import main
from jaxstyle.recipes import RECIPES


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return commanding.odd_pictures(tmp_path_factory.mktemp("pictures"))


def run(words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, *range(2, 10)))]
)
def test_random_valid_commands(pictures, tmp_path, capsys, seed):
    out = tmp_path / "out.png"
    words = commanding.valid(random.Random(seed), pictures, str(out))
    status = run(words)
    assert commanding.complaint(status, capsys.readouterr().err, out) is None, words


def test_random_spoiled_commands(pictures, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in range(100):
        dice = random.Random(seed)
        words = commanding.valid(dice, pictures, "out.png")
        words = [*commanding.spoiled(dice, words), "--steps", "-1"]
        with commanding.logged_lines() as lines:
            assert run(words) == 2, words
        err = capsys.readouterr().err
        assert commanding.complaint(2, err, Path("out.png"), lines) is None, words
        assert not list(tmp_path.iterdir()), words


# The same few layers, so that pictures of a size share their programs.
FEW = ["--steps", "1", "--style-layers", "relu1_1", "--content-layers", "relu1_2", "--quiet"]


@pytest.mark.parametrize(
    ("content", "style", "more"),
    [
        ("dot.png", "dot.png", ()),
        pytest.param("dot.png", "plain.png", (), marks=pytest.mark.slow),
        pytest.param("line.png", "pole.png", ("--size", "100"), marks=pytest.mark.slow),
        pytest.param("plain.png", "black.png", ("--color", "covariance"), marks=pytest.mark.slow),
        ("black.png", "white.png", ("--color", "histogram")),
        pytest.param("black.png", "black.png", ("--init", "style"), marks=pytest.mark.slow),
        pytest.param("plain.png", "plain.png", ("--steps", "3"), marks=pytest.mark.slow),
        pytest.param(
            "plain.png", "tiny.png", ("--style-layers", "relu5_1"), marks=pytest.mark.slow
        ),
        ("plain.png", "link.png", ("--style-weight", "0")),
        ("plain.png", "link.png", ("--style-weight", "0", "--content-weight", "0")),
        (
            "plain.png",
            "link.png",
            ("--style-weight", "0", "--content-weight", "0", "--smoothness", "0"),
        ),
        ("plain.png", "link.png", ("--style-weight", "-1")),
        ("plain.png", "link.png", ("--metric", "gram=-1")),
        ("plain.png", "link.png", ("--steps", "0")),
    ],
)
def test_extremes(pictures, tmp_path, capsys, content, style, more):
    folder, out = Path(pictures[0]).parent, tmp_path / "out.png"
    words = ["stylize", str(folder / content), str(folder / style), "-o", str(out), *FEW, *more]
    status = run(words)
    err = capsys.readouterr().err
    assert commanding.complaint(status, err, out) is None
    invalid = "-1" in more or "gram=-1" in more or more.count("0") == 3
    assert (status == 2) is invalid, err


def test_outputs(pictures, tmp_path, capsys):
    content, style = pictures[:2]

    def stylize(out, content=content):
        return run(
            ["stylize", content, style, "-o", str(out), "--size", "32", "--metric", "gram", *FEW]
        )

    odd = tmp_path / "a folder, with spaces — ünïcode 😀"
    odd.mkdir()
    assert stylize(odd / "öut put.png") == 0
    target = tmp_path / "target.png"
    (tmp_path / "link.png").symlink_to(target)
    assert stylize(tmp_path / "link.png") == 0  # written through
    assert (tmp_path / "link.png").is_symlink()
    assert target.exists()
    before = target.read_bytes()
    assert stylize(target) == 0  # an existing output is replaced
    assert target.read_bytes() == before
    capsys.readouterr()
    copy = tmp_path / "copy.png"
    shutil.copy(content, copy)
    assert stylize(copy, str(copy)) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert copy.read_bytes() == Path(content).read_bytes()


def test_quick_is_a_recipe_whose_settings_can_be_changed(pictures, tmp_path, capsys):
    words = ["stylize", *map(str, pictures[:2]), "-o", str(tmp_path / "out.png"), "--quick"]
    few = ["--steps", "1", "--first-steps", "1", "--scales", "1", "--size", "32", "--quiet"]
    few += ["--style-layers", "relu1_1", "--metric", "gram", "--content-metric", "edges"]
    assert run([*words, *few]) == 0
    settings = json.loads((tmp_path / "out.json").read_text())["settings"]
    assert (settings["recipe"], settings["size"], settings["steps"]) == ("quick", 32, 1)
    assert settings["content_weight"] == RECIPES["quick"].settings["content_weight"]
    capsys.readouterr()
    for other in (["--recipe", "bold"], ["--settings", str(tmp_path / "out.json")]):
        assert run([*words, *other]) == 2
        assert "expected --quick alone" in capsys.readouterr().err
