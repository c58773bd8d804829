"""`jaxstyle video`: one command makes a film; an error is one line, and keeps what is done."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from support.clips import packets, panned, write_clip
from support.full_disk import failing_writes
from support.small import flags, run, write_pictures

from jaxstyle.cli.video import _rate, _seconds, _styles
from jaxstyle.image.io import read_image, write_image
from jaxstyle.video.opening import clip_of

for module in ("av", "cv2"):
    pytest.importorskip(module, reason="needs the extra video")
FRAMES = panned(4)
FLAGS = flags(frame_steps=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_pictures(tmp_path_factory.mktemp("films"))
    write_clip(folder / "clip.mp4", FRAMES, [0, 40, 100, 120], audio=True)
    (folder / "frames").mkdir()
    for number, frame in enumerate(FRAMES, 9):
        write_image(folder / "frames" / f"f{number}.png", frame)
    return folder


def video(folder, clip, out, *more):
    return run("video", folder / clip, folder / "style.png", "-o", out, *FLAGS, *more)


def error_of(capsys):
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    return line


def test_a_film_of_a_clip(folder, tmp_path, capsys):
    out = tmp_path / "film.mp4"
    assert video(folder, "clip.mp4", out, "--json", "--preview", tmp_path / "last.png") == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 4
    frames = [*clip_of(out).frames()]
    assert [round(f.seconds, 3) for f in frames] == [0, 0.04, 0.1, 0.12]
    assert packets(out) == packets(folder / "clip.mp4")
    facts = json.loads((tmp_path / "film.json").read_text())
    assert [frame["steps"] for frame in facts["frames"]] == [3, 2, 2, 2]
    assert min(frame["visible"] for frame in facts["frames"][1:]) > 0.8
    assert facts["film"]["frame_steps"] == 2
    assert "not_replayable" not in facts
    assert read_image(tmp_path / "last.png").shape == (40, 48, 3)
    assert {path.name for path in tmp_path.iterdir()} == {"film.mp4", "film.json", "last.png"}

    again = tmp_path / "again.mp4"
    assert run("replay", tmp_path / "film.json", "-o", again) == 0
    # Which frame differs, and by how much, says more than that the files do.
    apart = [
        np.abs(np.float64(one.image) - np.float64(other.image)).max()
        for one, other in zip(frames, clip_of(again).frames(), strict=True)
    ]
    assert apart == [0, 0, 0, 0]
    assert "the same bytes" in capsys.readouterr().out
    assert again.read_bytes() == out.read_bytes()

    assert run("cite", tmp_path / "film.json") == 0
    cited = capsys.readouterr().out
    assert all(key in cited for key in ("jaxstyle", "gatys2016image", "ruder2016artistic"))
    assert any(paper.startswith("Ruder, Dosovitskiy, Brox: ") for paper in facts["papers"])


def test_a_folder_of_frames(folder, tmp_path, capsys):
    out = tmp_path / "painted"
    assert video(folder, "frames", out, "--every", 2) == 0
    assert sorted(path.name for path in out.iterdir()) == ["f11.png", "f9.png", "film.json"]
    lossless = tmp_path / "film.mkv"
    assert video(folder, "frames", lossless, "--every", 2, "--lossless", "--fps", 10) == 2
    assert error_of(capsys).endswith("expected every or fps, got both")
    assert video(folder, "frames", lossless, "--lossless", "--fps", 10) == 0
    frames = [*clip_of(lossless).frames()]
    assert [round(f.seconds, 3) for f in frames] == [0, 0.1, 0.2, 0.3]
    # The first frame is the same picture, from the same frame, in a file as in a folder.
    np.testing.assert_array_equal(frames[0].image, np.round(255 * read_image(out / "f9.png")))


def test_masks_that_are_a_film(folder, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    for number in range(4):
        mask = np.zeros((40, 48, 3), np.float32)
        mask[:, 8 * number : 8 * number + 16] = 1
        write_image(masks / f"{number}.png", mask)
    out = tmp_path / "film"
    assert video(folder, "frames", out, "--content-mask", masks, "--frame-steps", 1) == 0
    for number in range(4):
        frame = np.round(255 * read_image(out / f"f{9 + number}.png"))
        outside = np.ones((40, 48), bool)
        outside[:, max(0, 8 * number - 1) : 8 * number + 17] = False
        np.testing.assert_array_equal(frame[outside], FRAMES[number][outside])
        assert np.abs(frame - FRAMES[number])[:, 8 * number : 8 * number + 16].mean() > 2


def test_a_full_disk_keeps_what_is_done(folder, tmp_path, capsys):
    whole, out = tmp_path / "whole.mp4", tmp_path / "film.mp4"
    assert video(folder, "clip.mp4", whole) == 0
    kept = tmp_path / "film.mp4.unfinished"
    with failing_writes(kept, 6, forever=True):
        assert video(folder, "clip.mp4", out) == 2
    line = error_of(capsys)
    assert line.startswith("jaxstyle: error: ")
    assert line.endswith("No space left on device; what is done is kept, and --resume continues")
    assert kept.exists()
    assert not out.exists()
    assert video(folder, "clip.mp4", out, "--resume") == 0
    assert out.read_bytes() == whole.read_bytes()
    assert not kept.exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--end", "0"], "expected end above 0"),
        (["--start", "9"], "has no frame from 9 s"),
        (["--start", "x"], "expected seconds, or minutes:seconds, got x"),
        (["--fps", "0"], "expected frames a second above 0"),
        (["--distances", "2,1"], "expected distances as 1 to 16 ascending numbers, got (2, 1)"),
        (["--flow", "nowhere"], "expected flow as a folder of .flo files, got nowhere"),
        (["--codec", "nothing"], "no encoder is named 'nothing'"),
        (["--style-shares", "1,2"], "expected 1 style shares, got 2"),
    ],
)
def test_errors_are_one_line(folder, tmp_path, capsys, more, message):
    assert video(folder, "clip.mp4", tmp_path / "film.mp4", *more) == 2
    line = error_of(capsys)
    assert line.startswith("jaxstyle: error: ")
    assert message in line
    assert not [p for p in tmp_path.iterdir() if p.suffix != ".unfinished"]


def test_outputs_that_are_refused(folder, tmp_path, capsys):
    assert video(folder, "clip.mp4", folder / "clip.mp4") == 2
    assert "would be overwritten, and is read" in error_of(capsys)
    assert video(folder, "frames", folder / "frames") == 2
    assert "would be overwritten, and is read" in error_of(capsys)
    (tmp_path / "film.json").write_text("{}")
    assert video(folder, "clip.mp4", tmp_path / "film.mp4") == 2
    assert "is not the manifest of a film" in error_of(capsys)
    assert run("replay", tmp_path / "film.json", "-o", tmp_path / "film.mp4") == 2


@pytest.mark.parametrize("module", ["av", "cv2"])
def test_without_the_extra(folder, tmp_path, capsys, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    assert video(folder, "clip.mp4", tmp_path / "film.mp4") == 2
    assert error_of(capsys).endswith("pip install 'jaxstyle[video]'")


def test_words():
    assert [_seconds(text) for text in ("90", "90s", "1:30", "1:00:01.5")] == [90, 90, 90, 3601.5]
    assert float(_rate("30000/1001")) == pytest.approx(29.97, abs=1e-3)
    assert _styles(["a.jpg", "b@home.jpg"]) == (["a.jpg", "b@home.jpg"], ())
    assert _styles(["a.jpg@0", "b.jpg@2.5s"]) == (["a.jpg", "b.jpg"], (0.0, 2.5))
    with pytest.raises(ValueError, match="expected a time for every style"):
        _styles(["a.jpg@0", "b.jpg"])


@pytest.mark.slow
def test_a_killed_film_resumes_to_the_same_bytes(folder, tmp_path):
    whole, out = tmp_path / "whole.mp4", tmp_path / "film.mp4"
    assert video(folder, "clip.mp4", whole) == 0
    words = ["video", folder / "clip.mp4", folder / "style.png", "-o", out, *FLAGS]
    for done in (1, 3):
        process = subprocess.Popen(
            [sys.executable, "-m", "jaxstyle", *map(str, words), *(["--resume"] * (done > 1))],
            stderr=subprocess.DEVNULL,
        )
        last = tmp_path / "film.mp4.unfinished" / f"{done - 1:06}.npz"
        while process.poll() is None and not last.exists():
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not out.exists()
    assert run(*words, "--resume") == 0
    assert out.read_bytes() == whole.read_bytes()
