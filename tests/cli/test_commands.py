"""Whatever is said on the command line ends in a picture or in one clear line."""

import random
import shutil
from pathlib import Path

import pytest
from support import commanding

from jaxstyle.cli.main import main as cli


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return commanding.odd_pictures(tmp_path_factory.mktemp("pictures"))


def ended(words):
    with pytest.raises(SystemExit) as stopped:
        cli.main(words)
    return stopped.value.code


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 10))]
)
def test_what_is_valid(pictures, tmp_path, capsys, seed):
    out = tmp_path / "out.png"
    words = commanding.valid(random.Random(seed), pictures, str(out))
    status = ended(words)
    assert commanding.complaint(status, capsys.readouterr().err, out) is None, words


def test_what_is_not(pictures, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in range(100):
        dice = random.Random(seed)
        words = commanding.valid(dice, pictures, "out.png")
        words = [*commanding.spoiled(dice, words), "--steps", "-1"]
        status = ended(words)
        assert status == 2, words
        said = capsys.readouterr().err
        assert commanding.complaint(status, said, Path("out.png")) is None, words
        assert not list(tmp_path.iterdir()), words


# The same few layers, so that pictures of a size share their programs.
FEW = ["--steps", "1", "--style-layers", "relu1_1", "--content-layers", "relu1_2", "--quiet"]


@pytest.mark.parametrize(
    ("content", "style", "more"),
    [
        ("dot.png", "dot.png", ()),
        ("dot.png", "plain.png", ()),
        ("line.png", "pole.png", ("--size", "100")),
        ("plain.png", "black.png", ("--color", "covariance")),
        ("black.png", "white.png", ("--color", "histogram")),
        ("black.png", "black.png", ("--init", "style")),
        ("plain.png", "plain.png", ("--steps", "3")),
        ("plain.png", "tiny.png", ("--style-layers", "relu5_1")),
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
    status = ended(words)
    said = capsys.readouterr().err
    assert commanding.complaint(status, said, out) is None
    wrong = "-1" in more or "gram=-1" in more or more.count("0") == 3
    assert (status == 2) is wrong, said


def test_places(pictures, tmp_path, capsys):
    content, style = pictures[:2]

    def made(out, given=content):
        return ended(["stylize", given, style, "-o", str(out), "--size", "32", *FEW])

    odd = tmp_path / "a place, with spaces — ünïcode 😀"
    odd.mkdir()
    assert made(odd / "öut put.png") == 0
    target = tmp_path / "target.png"
    (tmp_path / "link.png").symlink_to(target)
    assert made(tmp_path / "link.png") == 0  # written through
    assert (tmp_path / "link.png").is_symlink()
    assert target.exists()
    before = target.read_bytes()
    assert made(target) == 0  # an existing output is replaced
    assert target.read_bytes() == before
    capsys.readouterr()
    own = tmp_path / "own.png"
    shutil.copy(content, own)
    assert made(own, str(own)) == 2
    assert "is one of the inputs" in capsys.readouterr().err
    assert own.read_bytes() == Path(content).read_bytes()
