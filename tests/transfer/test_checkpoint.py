"""A run that was stopped goes on to the same bytes; nothing half-written; replay."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import jaxstyle
from jaxstyle._util import files
from jaxstyle._util.lock import alone
from jaxstyle.cli.main import main as cli
from jaxstyle.image.io import read_settings, write_image
from jaxstyle.transfer import checkpoint, manifest, programs

RNG = np.random.default_rng(5)
CONTENT, STYLE = RNG.random((2, 80, 96, 3)).astype(np.float32)
FEW = {
    **{"size": 96, "scale_steps": (4, 3)},
    **{"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu2_1",)},
}
MASK = np.zeros((80, 96), np.float32)
MASK[:40] = 1


@pytest.fixture(autouse=True)
def looked_at_after_every_step(monkeypatch):
    monkeypatch.setattr(programs, "CHUNK", 1)


class StoppedError(Exception):
    pass


def stopped(step, picture, **settings):
    """A run that is stopped after a step, with a checkpoint after every one."""

    def stop(progress):
        if progress.step == step:
            raise StoppedError

    with pytest.raises(StoppedError):
        jaxstyle.stylize(
            CONTENT, STYLE, checkpoint=picture, checkpoint_seconds=0, on_progress=stop, **settings
        )


@pytest.mark.parametrize(
    "more",
    [
        {"optimizer": "lbfgs"},
        {"optimizer": "adam", "init": "noise", "content_mask": (MASK,)},
        {"parametrization": "laplacian", "optimizer": "momentum", "color": "luminance"},
        {"metric": (("sliced_wasserstein", 1.0),), "memory": "64"},
    ],
    ids=["lbfgs", "masks", "laplacian", "tiles"],
)
@pytest.mark.parametrize("step", [4, 6])  # at the end of a scale, and in the next
def test_goes_on_to_the_same_bytes(tmp_path, step, more):
    picture = tmp_path / "a.png"
    stopped(step, picture, **FEW, **more)
    said = []
    made = jaxstyle.stylize(
        CONTENT, STYLE, checkpoint=picture, resume=True, report=said.append, **FEW, **more
    )
    assert f"going on after step {step} of 7 (a.png.checkpoint)" in said
    whole = jaxstyle.stylize(CONTENT, STYLE, **FEW, **more)
    assert made.image.tobytes() == whole.image.tobytes()
    assert made.history == whole.history
    assert made.facts["calibration"] == whole.facts["calibration"]


def test_what_cannot_be_gone_on_with(tmp_path):
    picture = tmp_path / "a.png"

    def again(report=None, **more):
        given = {"checkpoint": picture, "resume": True, "report": report, **FEW, **more}
        return jaxstyle.stylize(given.pop("content", CONTENT), STYLE, **given)

    with pytest.raises(ValueError, match="expected a checkpoint to resume from"):
        again(checkpoint=None)
    stopped(5, picture, **FEW)
    with pytest.raises(ValueError, match=r"style_weight 1\.0, not 2\.0"):
        again(style_weight=2.0)
    with pytest.raises(ValueError, match=r"metric .*moments.*, not .*gram"):
        again(metric=(("gram", 1.0),))
    with pytest.raises(ValueError, match="another content"):
        again(content=CONTENT[::-1])
    newest, before = (tmp_path / f"a.png.{name}" for name in ("checkpoint", "checkpoint-before"))
    kept = newest.read_bytes()
    damages = {
        "its checksum is wrong": kept[:5000] + bytes([kept[5000] ^ 1]) + kept[5001:],
        "not a checkpoint": b"",
        "checksum": kept[: len(kept) // 2],
    }
    for why, damaged in damages.items():
        newest.write_bytes(damaged)
        said = []
        again(report=said.append)
        assert any("is damaged and not used" in line and why in line for line in said)
        assert "going on after step 4 of 7 (a.png.checkpoint-before)" in said
    newest.write_bytes(kept)
    checkpoint.Checkpoints(picture, print).clear()
    assert not newest.exists()
    assert not before.exists()
    said = []
    again(report=said.append)
    assert any("starting at the first step" in line for line in said)


def test_a_full_disk_costs_checkpoints_and_nothing_else(tmp_path, monkeypatch):
    def full(path, write):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint, "write_whole", full)
    said = []
    made = jaxstyle.stylize(
        *(CONTENT, STYLE),
        **{"checkpoint": tmp_path / "a.png", "checkpoint_seconds": 0, "report": said.append},
        **FEW,
    )
    assert made.finite
    assert [line for line in said if "No space left" in line and "no checkpoint" in line]
    assert len([line for line in said if "no checkpoint" in line]) == 1


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path):
    place = tmp_path / "a"
    place.write_bytes(b"before")

    def half(file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full") as error:
        files.write_whole(place, half)
    assert error.value.filename == str(place)
    assert place.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["a"]


def test_where_there_are_no_nameless_files(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_nameless", lambda folder: None)
    for text in (b"one", b"two"):
        files.write_whole(tmp_path / "a", lambda file, text=text: file.write(text))
        assert (tmp_path / "a").read_bytes() == text
    assert os.listdir(tmp_path) == ["a"]


def words(folder, *more):
    for name, picture in (("content", CONTENT), ("style", STYLE)):
        if not (folder / f"{name}.png").exists():
            write_image(folder / f"{name}.png", picture)
    flags = ["--size", "96", "--scale-steps", "40,30"]
    flags += ["--style-layers", "relu1_1", "--content-layers", "relu2_1"]
    inputs = (str(folder / f"{name}.png") for name in ("content", "style"))
    return ["stylize", *inputs, *flags, *more]


def run(words):
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    return ended.value.code


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_at_any_moment(tmp_path, capsys):
    more = ["--checkpoint-seconds", "0", "--resume"]
    command = [sys.executable, "-c", "from jaxstyle.cli.main import main; main()"]
    command += words(tmp_path, "-o", str(tmp_path / "a.png"), *more)
    kills = 0
    for seconds in (3.0, 7.0, 8.0):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=Path.cwd())
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        names = {path.name for path in tmp_path.iterdir()} - {"content.png", "style.png"}
        whole = {"a.png", "a.json", "a.png.checkpoint", "a.png.checkpoint-before"}
        assert names <= whole | {name for name in names if name.endswith(".part")}
        for name in names:
            if "checkpoint" in name:
                checkpoint._read(tmp_path / name)
    assert kills
    assert run(words(tmp_path, "-o", tmp_path / "a.png", *more, "--quiet")) == 0
    assert not list(tmp_path.glob("a.png.*"))
    assert run(words(tmp_path, "-o", tmp_path / "b.png", "--quiet")) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert run(words(tmp_path, "-o", tmp_path / "a.png", *more)) == 0
    assert "a.png is there already" in capsys.readouterr().err


def test_cut_off_programs_in_the_cache_are_compiled_again(tmp_path):
    own = os.environ | {"JAXSTYLE_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", "from jaxstyle.cli.main import main; main()"]
    command += words(tmp_path, "-o", str(tmp_path / "a.png"), "--quiet", "--scale-steps", "1,1")

    def programs():
        folder = tmp_path / "cache/compiled"
        return {path: path.stat().st_size for path in folder.glob("*-cache")}

    def made():
        done = subprocess.run(command, capture_output=True, text=True, env=own)
        return done.returncode, done.stderr

    assert made() == (0, "")
    before = programs()
    assert before
    for path in before:
        path.write_bytes(path.read_bytes()[:100])
    for _ in range(2):
        assert made() == (0, "")
    assert min(programs().values()) > 100


def test_replay(tmp_path, capsys):
    first, again = tmp_path / "a.jpg", tmp_path / "again.jpg"
    few = ("--quiet", "--scale-steps", "1,2", "--metric", "gram=0.5", "--metric", "histogram")
    assert run(words(tmp_path, "-o", first, *few)) == 0
    replay = ("replay", tmp_path / "a.json", "--quiet", "-o")
    assert run([*replay, again]) == 0
    assert capsys.readouterr().out == f"{again}: the same bytes\n"
    assert again.read_bytes() == first.read_bytes()
    assert run([*replay, tmp_path / "other.png"]) == 0  # JPEG loses what PNG keeps
    assert capsys.readouterr().out.endswith("other.png: the same pixels, as .jpg has them\n")
    assert run([*replay, first]) == 2
    assert "would overwrite" in capsys.readouterr().err

    # Another content in the place of the first.
    (tmp_path / "content.png").rename(tmp_path / "moved.png")
    write_image(tmp_path / "content.png", CONTENT[::-1])
    assert run([*replay, again]) == 2
    said = capsys.readouterr().err
    assert "is not the file that it was; --changed-inputs goes on" in said
    assert said.count("\n") == 1
    assert run([*replay, again, "--changed-inputs"]) == 0
    assert "differs from" in capsys.readouterr().out
    assert run([*replay, again, "--input", f"content={tmp_path / 'moved.png'}"]) == 0
    assert "the same pixels" in capsys.readouterr().out  # but they tell of another path
    assert run([*replay, again, "--input", "contant=x"]) == 2
    assert "did you mean 'content'" in capsys.readouterr().err

    # As if it came from elsewhere.
    facts = json.loads((tmp_path / "a.json").read_text())
    facts["versions"]["jax"] = "0.1"
    elsewhere = tmp_path / "folder" / "a.json"
    elsewhere.parent.mkdir()
    elsewhere.write_text(json.dumps(facts))
    moved = ("--input", f"content={tmp_path / 'moved.png'}")
    assert run(["replay", elsewhere, "-o", again, *moved]) == 0
    said = capsys.readouterr()
    assert "jax: 0.1 then, " in said.err
    assert "the first picture is not there; last loss then and now" in said.out
    facts["weights"]["vgg16"] = "0" * 64
    elsewhere.write_text(json.dumps(facts))
    assert run(["replay", elsewhere, "-o", again, *moved]) == 2
    assert "the weights vgg16 are not those of then" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "\xff", '{"kind": "jaxstyle manifest"}', "[" * 9000]
)
def test_no_manifest(tmp_path, capsys, text):
    place = tmp_path / "a.json"
    place.write_text(text, "latin-1")
    assert run(["replay", place, "-o", tmp_path / "b.png"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no POSIX locks")
def test_one_run_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXSTYLE_CACHE", str(tmp_path / "cache"))
    code = "import sys; from jaxstyle.lock import alone\nwith alone(sys.argv[1]): print('in')"
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "a.png")

    def other(path):
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
        return done.stdout == "in\n", done.stderr

    with alone(tmp_path / "a.png"):
        entered, said = other(link)
        assert not entered
        assert "another run is writing" in said
        assert other(tmp_path / "b.png")[0]
    assert other(link)[0]


def test_a_manifest_is_its_pictures(tmp_path):
    made = jaxstyle.stylize(CONTENT, STYLE, size=32, steps=1, scales=1)
    place = tmp_path / "a.png"
    manifest.keep(place, made, {})
    facts = manifest.read(tmp_path / "a.json")
    assert facts["picture"] == {"name": "a.png", "sha256": files.sha256(place)}
    inside = json.loads(read_settings(place))
    assert "seconds" not in inside
    assert inside["settings"] == facts["settings"]
