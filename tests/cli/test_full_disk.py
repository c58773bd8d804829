"""Finished work is not lost, whichever file cannot be written."""

import tempfile

import pytest
from support.full_disk import failing_writes
from support.small import run, words, write_pictures

import jaxstyle.cli.snapshots
from jaxstyle.image.io import read_image
from jaxstyle.transfer import manifest
from jaxstyle.transfer.steppers import whole

WRITES = 8
"""More than the run below makes."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("forever", [False, True])
@pytest.mark.parametrize(
    "first",
    [
        first if first in (2, 4, 6) else pytest.param(first, marks=pytest.mark.slow)
        for first in range(1, WRITES + 1)
    ],
)
def test_stylize(pictures, elsewhere, tmp_path, monkeypatch, capsys, first, forever):
    monkeypatch.setattr(jaxstyle.cli.snapshots, "_PREVIEW_SECONDS", 0.0)
    monkeypatch.setattr(whole, "CHUNK", 1)
    folder = tmp_path / "folder"
    folder.mkdir()
    output, frames = folder / "out.png", folder / "frames"
    more = ("--frames", frames, "--preview", "--checkpoint-seconds", 0)
    command = words("stylize", pictures, output, *more, steps=1)
    with failing_writes(folder, first, forever=forever):
        status = run(*command)
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert err.count("error:") == (status == 2)
    assert ("No space left" in err) == (first <= 5), err
    if status == 0:
        assert read_image(output).shape == (40, 48, 3)
        assert manifest.read(output.with_suffix(".json")) or "without a manifest" in err
        return
    (rescue,) = elsewhere.rglob("*.png")
    assert f"the picture is in {rescue}" in err
    assert read_image(rescue).shape == (40, 48, 3)
    assert ("--resume" in err) == any(folder.glob("*.checkpoint"))
    if "--resume" in err:
        assert run(*command, "--resume") == 0
        assert (read_image(output) == read_image(rescue)).all()


def test_an_earlier_picture_keeps_its_manifest(pictures, elsewhere, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    assert run(*words("stylize", pictures, folder / "out.png", steps=1)) == 0
    before = [(path, path.read_bytes()) for path in sorted(folder.iterdir())]
    with failing_writes(folder, 1, forever=True):
        assert run(*words("stylize", pictures, folder / "out.png", steps=2)) == 2
    assert [(path, path.read_bytes()) for path in sorted(folder.iterdir())] == before
