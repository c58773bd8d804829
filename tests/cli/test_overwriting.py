"""No command writes over a file that it reads, or over another run's."""

import hashlib
import json
import os

import numpy as np
import pytest
from support.small import CONTENT, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle._util.files import check_outputs
from jaxstyle._util.lock import exclusive_lock
from jaxstyle.image.io import write_image


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder with pictures, a mask, and a run in `run.png` and `run.json`."""
    folder = write_pictures(tmp_path_factory.mktemp("done"))
    write_image(folder / "mask.png", np.ones((40, 48, 3), np.float32))
    settings = SMALL | {"steps": 1, "init": str(folder / "other.png")}
    pictures = folder / "content.png", folder / "style.png"
    jaxstyle.stylize(*pictures, **settings).save(folder / "run.png")
    return folder


@pytest.fixture
def unchanged(done):
    """Check afterwards that every file is still what it was."""
    before = {path: path.read_bytes() for path in done.iterdir()}
    yield
    assert {path: path.read_bytes() for path in done.iterdir()} == before


SPELLINGS = {
    "the same": lambda folder, name: folder / name,
    "a detour": lambda folder, name: folder / ".." / folder.name / name,
    "a link": lambda folder, name: _linked(folder, name, os.symlink),
    "a hard link": lambda folder, name: _linked(folder, name, os.link),
}


def _linked(folder, name, link):
    other = folder.parent / f"{link.__name__}-{folder.name}"
    other.mkdir(exist_ok=True)
    if not os.path.lexists(other / name):
        link(folder / name, other / name)
    return other / name


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("content.png", []),
        ("style.png", []),
        ("mask.png", ["--content-mask", "mask.png"]),
        ("mask.png", ["--content-mask", "other.png", "--style-mask", "mask.png"]),
        ("other.png", ["--init", "other.png"]),
        ("run.png", ["--calibration", "run.json"]),
    ],
)
def test_stylize_keeps_what_it_reads(done, monkeypatch, capsys, name, options, spelling):
    if name == "run.png" and spelling in ("a link", "a hard link"):
        pytest.skip("a manifest belongs to a name")
    monkeypatch.chdir(done)
    assert run(*words("stylize", done, SPELLINGS[spelling](done, name), *options)) == 2
    err = capsys.readouterr().err
    assert "would be overwritten" in err
    assert "starting JAX" not in err


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", ["content.png", "style.png", "other.png", "run.png"])
def test_replay_keeps_the_inputs_of_the_run(done, capsys, name, spelling):
    output = SPELLINGS[spelling](done, name)
    assert run("replay", done / "run.json", "-o", output) == 2
    assert "would be overwritten" in capsys.readouterr().err


@pytest.mark.usefixtures("unchanged")
def test_replay_keeps_inputs_that_were_moved(done, tmp_path, capsys):
    facts = json.loads((done / "run.json").read_text())
    for record in facts["inputs"].values():
        record["path"] = "gone/" + os.path.basename(record["path"])
    (tmp_path / "run.json").write_text(json.dumps(facts))
    moved = f"content={done / 'content.png'}"
    command = ("replay", tmp_path / "run.json", "-o")
    assert run(*command, done / "content.png", "--input", moved) == 2
    (tmp_path / "style.png").write_bytes((done / "style.png").read_bytes())
    assert run(*command, tmp_path / "style.png") == 2
    assert capsys.readouterr().err.count("would be overwritten") == 2


@pytest.mark.usefixtures("unchanged")
def test_save_keeps_what_the_run_read(done):
    result = jaxstyle.stylize(done / "content.png", STYLE, **SMALL | {"steps": 0})
    with pytest.raises(ValueError, match="would be overwritten"):
        result.save(done / "content.png")


def test_frames_replace_nothing(tmp_path, capsys):
    write_pictures(tmp_path)
    frames = tmp_path / "frames"
    frames.mkdir()
    write_image(frames / "00003.png", CONTENT)
    command = words("stylize", tmp_path, tmp_path / "out.png", "--frames", frames)
    assert run(*command) == 2
    assert "the frames of another run" in capsys.readouterr().err
    assert run(*command, "--resume", "--init", frames / "00003.png") == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert run(*words("stylize", tmp_path, frames / "00007.png", "--frames", frames)) == 2
    assert "could be one of the frames" in capsys.readouterr().err
    assert run(*words("stylize", tmp_path, "out.png", "--frames", tmp_path / "style.png")) == 2
    assert "expected a folder" in capsys.readouterr().err


def test_resume_keeps_a_finished_picture(done, tmp_path, capsys):
    write_pictures(tmp_path)
    output = tmp_path / "out.png"
    assert run(*words("stylize", tmp_path, output, steps=1)) == 0
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    assert run(*words("stylize", tmp_path, output, "--resume", steps=2)) == 2
    assert "is finished, with steps 1, not 2; leave out --resume" in capsys.readouterr().err
    (tmp_path / "style.png").write_bytes((done / "other.png").read_bytes())
    assert run(*words("stylize", tmp_path, output, "--resume", steps=1)) == 2
    assert "is finished, with other pictures or weights" in capsys.readouterr().err
    assert hashlib.sha256(output.read_bytes()).hexdigest() == digest
    assert json.loads((tmp_path / "out.json").read_text())["picture"]["sha256"] == digest


def test_a_name_without_room_for_the_manifest_is_refused(tmp_path):
    with pytest.raises(ValueError, match="too long"):
        check_outputs([tmp_path / ("ü" * 126 + ".json")], [])
    check_outputs([tmp_path / ("ü" * 125 + ".json")], [])


def test_outputs_that_would_share_a_manifest_are_locked_together(tmp_path, capsys):
    write_pictures(tmp_path)
    with exclusive_lock(tmp_path / "two.png", tmp_path / "two.json"):
        assert run(*words("stylize", tmp_path, tmp_path / "two.webp")) == 2
    assert f"another run is writing {tmp_path / 'two.json'}" in capsys.readouterr().err
    assert not list(tmp_path.glob("two.*"))


@pytest.mark.parametrize(("format_", "side"), [("webp", 16_400), ("jpg", 65_520)])
def test_a_picture_that_its_format_cannot_hold_is_refused_before_the_run(
    tmp_path, capsys, format_, side
):
    write_pictures(tmp_path)
    write_image(tmp_path / "content.png", np.zeros((8, side, 3), np.float32))
    output = tmp_path / f"out.{format_}"
    more = {"style_layers": ("relu1_1",), "content_layers": ("relu1_1",)}
    assert (
        run(*words("stylize", tmp_path, output, "--content-layers", "relu1_1", size=side, **more))
        == 2
    )
    err = capsys.readouterr().err
    assert "pixels a side" in err
    assert "memory" not in err


def test_a_picture_of_a_long_name_has_checkpoints(tmp_path):
    output = tmp_path / f"{'é' * 125}a.png"  # 255 bytes
    checkpoint = {"checkpoint": output, "checkpoint_seconds": 0}
    running = jaxstyle.iterate(CONTENT, STYLE, **SMALL | {"steps": 12}, **checkpoint)
    next(running)
    running.close()
    assert len([*tmp_path.glob("*.checkpoint*")]) == 1
    result = jaxstyle.stylize(CONTENT, STYLE, **SMALL | {"steps": 12}, **checkpoint, resume=True)
    assert len(result.history["total"]) == 12
    with pytest.raises(ValueError, match="the file name is too long"):
        result.save(output)  # its manifest would have 255 bytes and one more
    result.save(tmp_path / f"{'é' * 125}.png")
