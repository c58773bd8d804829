"""A run that was stopped resumes to the same bytes; nothing is half-written."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from safetensors import safe_open
from support.small import CONTENT, LAYERS, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle.transfer import checkpoint
from jaxstyle.transfer.steppers import whole

LARGE, LARGE_STYLE = np.random.default_rng(5).random((2, 80, 96, 3)).astype(np.float32)
TWO_SCALES = {"size": 96, "scale_factor": 1.5, "scale_steps": (4, 3), **LAYERS}
MASK = np.zeros((80, 96), np.float32)
MASK[:40] = 1
ADAM = SMALL | {"optimizer": "adam"}


@pytest.fixture(autouse=True)
def after_every_step(monkeypatch):
    """The host looks after every step."""
    monkeypatch.setattr(whole, "CHUNK", 1)


class StoppedError(Exception):
    pass


def stop(step, picture, content=CONTENT, style=STYLE, **settings):
    """Start or resume a run, and stop it after a step, with a checkpoint after every one."""

    def on_progress(progress):
        if progress.step == step:
            raise StoppedError

    kept = {"checkpoint": picture, "checkpoint_seconds": 0, "resume": True}
    with pytest.raises(StoppedError):
        jaxstyle.stylize(content, style, on_progress=on_progress, **kept, **settings)


@pytest.mark.bytes
@pytest.mark.parametrize(
    "more",
    [
        {"optimizer": "lbfgs", "metric": "gram"},
        *(
            pytest.param(more, marks=pytest.mark.slow)
            for more in (
                {"optimizer": "lbfgs"},
                {"optimizer": "adam", "init": "noise", "content_mask": (MASK,), "metric": "gram"},
                {
                    **{"parametrization": "laplacian", "optimizer": "momentum"},
                    **{"color": "luminance", "metric": "gram"},
                },
                {"metric": (("sliced_wasserstein", 1.0),), "memory": "64"},
                {"optimizer": "adam", "average": 0.9, "rate_decay": (0.5, 2)},
                {"metric": "neural_neighbor", "picture_guidance": 0.5},
            )
        ),
    ],
    ids=["lbfgs", "default metric", "masks", "laplacian", "tiles", "average", "guided"],
)
def test_a_run_resumes_to_the_same_bytes(tmp_path, caplog, more):
    caplog.set_level("INFO")
    picture = tmp_path / "a.png"
    settings = TWO_SCALES | more
    once = jaxstyle.stylize(LARGE, LARGE_STYLE, **settings)
    stop(4, picture, LARGE, LARGE_STYLE, **settings)  # at the end of a scale
    stop(6, picture, LARGE, LARGE_STYLE, **settings)  # in the next
    assert "resuming after step 4 of 7" in caplog.messages
    result = jaxstyle.stylize(LARGE, LARGE_STYLE, checkpoint=picture, resume=True, **settings)
    assert "resuming after step 6 of 7" in caplog.messages
    assert result.image.tobytes() == once.image.tobytes()
    assert result.history == once.history
    assert result.facts["calibration"] == once.facts["calibration"]


def test_a_checkpoint_is_a_safetensors_file(tmp_path):
    stop(2, tmp_path / "a.png", **ADAM)
    with safe_open(tmp_path / "a.png.checkpoint", "np") as opened:
        tensors = [opened.get_tensor(name) for name in opened.keys()]  # noqa: SIM118
        facts = json.loads(opened.metadata()["jaxstyle"])
    assert (facts["scale"], facts["taken"]) == (0, 2)
    assert facts["of"][0]["settings"]["optimizer"] == "adam"
    shapes = [tensor.shape for tensor in tensors]
    # In its bucket: the picture, the best one, two moments.
    assert shapes.count((42, 48, 3)) == 4
    assert {shape for shape in shapes if shape != (42, 48, 3)} == {()}


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    picture = tmp_path / "a.png"
    stop(2, picture, **ADAM)

    def resume(content=CONTENT, **more):
        return jaxstyle.stylize(content, STYLE, checkpoint=picture, resume=True, **ADAM | more)

    with pytest.raises(ValueError, match=r"style_weight 1\.0, not 2\.0"):
        resume(style_weight=2.0)
    with pytest.raises(ValueError, match=r"metric .*gram.*, not .*moments"):
        resume(metric=(("moments", 1.0),))
    with pytest.raises(ValueError, match="another content"):
        resume(content=CONTENT[::-1])
    with pytest.raises(ValueError, match="expected a checkpoint to resume from"):
        jaxstyle.stylize(CONTENT, STYLE, resume=True, **ADAM)
    with pytest.raises(ValueError, match="expected checkpoint_seconds to be at least 0"):
        jaxstyle.stylize(CONTENT, STYLE, checkpoint=picture, checkpoint_seconds=-1, **ADAM)


@pytest.mark.parametrize("damage", ["a byte", "everything", "the second half", "the metadata"])
def test_a_damaged_checkpoint_is_not_used(tmp_path, caplog, damage):
    caplog.set_level("INFO")
    picture = tmp_path / "a.png"
    stop(2, picture, **ADAM)
    newest, before = (tmp_path / f"a.png.{name}" for name in ("checkpoint", "checkpoint-before"))
    kept = newest.read_bytes()
    at = len(kept) - 5000
    newest.write_bytes(
        {
            "a byte": kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :],
            "everything": b"",
            "the second half": kept[: len(kept) // 2],
            "the metadata": kept.replace(b"momentum", b"momentun").replace(b"taken", b"token"),
        }[damage]
    )
    assert newest.read_bytes() != kept
    jaxstyle.stylize(CONTENT, STYLE, checkpoint=picture, resume=True, **ADAM)
    lines = caplog.messages
    assert any(line.startswith(f"{newest} is damaged and not used: ") for line in lines)
    assert "resuming after step 1 of 3" in lines
    checkpoint.Checkpoints(picture).clear()
    assert not newest.exists()
    assert not before.exists()


def test_without_a_checkpoint_a_run_starts_at_the_first_step(tmp_path, caplog):
    caplog.set_level("INFO")
    jaxstyle.stylize(CONTENT, STYLE, checkpoint=tmp_path / "a.png", resume=True, **ADAM)
    line = "there is no checkpoint to resume from: starting at the first step"
    assert line in caplog.messages


def test_a_full_disk_costs_checkpoints_and_nothing_else(tmp_path, monkeypatch, caplog):
    def full(path, write):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint, "write_whole", full)
    kept = {"checkpoint": tmp_path / "a.png", "checkpoint_seconds": 0}
    assert jaxstyle.stylize(CONTENT, STYLE, **kept, **ADAM).finite
    (line,) = (line for line in caplog.messages if "no checkpoint" in line)
    assert "No space left" in line


@pytest.mark.slow
@pytest.mark.bytes
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_at_any_moment(tmp_path, capsys):
    write_pictures(tmp_path)
    more = ["--checkpoint-seconds", "0", "--resume"]
    settings = {"steps": 300}
    command = [sys.executable, "-m", "jaxstyle"]
    command += words("stylize", tmp_path, tmp_path / "a.png", *more, **settings)
    # While it starts, then after one more checkpoint, then after four: however fast a machine is,
    # the run is in the middle of something.
    for changes in (0, 1, 4):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        seen = set()
        while process.poll() is None and len(seen) <= changes:
            with contextlib.suppress(FileNotFoundError):
                seen.add((tmp_path / "a.png.checkpoint").stat().st_mtime_ns)
            if not changes:
                time.sleep(1.0)
                break
            time.sleep(0.001)
        assert process.poll() is None, "the run ended before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        names = {path.name for path in tmp_path.iterdir()}
        names -= {"content.png", "other.png", "style.png"}
        allowed = {"a.png", "a.json", "a.png.checkpoint", "a.png.checkpoint-before"}
        assert names <= allowed | {name for name in names if name.endswith(".part")}
        for name in names:
            if "checkpoint" in name:
                checkpoint._read(tmp_path / name)
    assert run(*words("stylize", tmp_path, tmp_path / "a.png", *more, "--quiet", **settings)) == 0
    assert not list(tmp_path.glob("a.png.*"))
    assert run(*words("stylize", tmp_path, tmp_path / "b.png", "--quiet", **settings)) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert run(*words("stylize", tmp_path, tmp_path / "a.png", *more, **settings)) == 0
    assert "a.png is already done" in capsys.readouterr().err
