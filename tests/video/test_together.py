"""Films of several clips: lanes of one program, each the film that it is alone, to rounding."""

import json
import os
import signal
import subprocess
import sys
from functools import cache
from itertools import count

import numpy as np
import pytest
from support.clips import panned, write_clip
from support.processes import run_in_two_processes
from support.small import ONE_LAYER, STYLE, compilations, flags, run

from jaxstyle import FilmSettings, stylize_video, stylize_videos
from jaxstyle.image.io import read_image, write_image

pytest.importorskip("cv2", reason="needs the extra video")
FEW = FilmSettings(frame_steps=2)
FLAGS = flags(**ONE_LAYER, frame_steps=2)
ROUNDING = 1.01 / 255


def upside_down(frames):
    return [frame[::-1] for frame in frames]


def write_frames(folder, frames):
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        write_image(folder / f"{number}.png", frame)
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    frames = panned(5)
    return [
        write_frames(folder / "a", frames),
        write_frames(folder / "b", upside_down(frames)[:3]),
        write_frames(folder / "c", [frame[:, ::-1] for frame in frames][:4]),
    ]


def paint(clips, folder, settings=FEW, **more):
    films = stylize_videos(
        clips, STYLE, folder=folder, film=settings, format="frames", **{**ONE_LAYER, **more}
    )
    assert [one.status for one in films] == [more.get("status", "made")] * len(clips)
    return films


def facts_of(manifest):
    return [{**one, "seconds": 0} for one in json.loads(manifest.read_text())["frames"]]


def frames_of(folder):
    facts = facts_of(folder / "film.json")
    pictures = [read_image(folder / f"{number}.png") for number in range(len(facts))]
    return np.stack(pictures), facts


@cache
def alone(clip, settings=FEW):
    frames = stylize_video(clip, STYLE, film=settings, **ONE_LAYER)
    return np.stack([frame.image for frame in frames])


@pytest.fixture(scope="module")
def painted(clips, tmp_path_factory):
    """Three films, and the programs that were compiled for them."""
    with compilations() as compiled:
        films = paint(clips, tmp_path_factory.mktemp("films"), lanes=2)
    return [frames_of(one.film) for one in films], compiled


@pytest.fixture(scope="module")
def whole(painted):
    return painted[0]


class TestLanes:
    def test_films_are_those_made_alone(self, clips, whole):
        for clip, (pictures, _) in zip(clips, whole, strict=True):
            np.testing.assert_allclose(pictures, alone(clip), atol=ROUNDING)

    def test_which_frames_share_a_program(self, whole):
        lanes = [[one.get("lanes") for one in facts] for _, facts in whole]
        # c takes b's place when that ends; its first frame, of other steps, is painted alone.
        assert lanes[0] == [[[2, 0]], [[2, 0]], [[2, 0]], None, [[2, 0]]]
        assert lanes[1] == [[[2, 1]]] * 3
        assert lanes[2] == [None, [[2, 1]], None, None]

    def test_one_program(self, clips, painted, tmp_path):
        _, compiled = painted
        # One for lanes, and one for a frame alone.
        assert sum("advance" in name for name in compiled) == 2, compiled
        with compilations() as compiled:
            paint(clips[1:], tmp_path)
        assert not compiled

    def test_a_clip_that_cannot_be_read(self, clips, tmp_path, caplog):
        broken = write_frames(tmp_path / "broken", panned(3))
        (broken / "1.png").write_bytes((broken / "1.png").read_bytes()[:-100])
        films = stylize_videos(
            [clips[0], broken, clips[1]],
            STYLE,
            folder=tmp_path / "films",
            film=FEW,
            format="frames",
            **ONE_LAYER,
        )
        assert [one.status for one in films] == ["made", "failed", "made"]
        assert "1.png" in films[1].failure
        assert "--resume continues" in films[1].failure
        assert films[1].failure in caplog.text
        np.testing.assert_allclose(frames_of(films[0].film)[0], alone(clips[0]), atol=ROUNDING)
        np.testing.assert_allclose(frames_of(films[2].film)[0], alone(clips[1]), atol=ROUNDING)
        with pytest.raises(ValueError, match=r"1\.png"):
            stylize_videos([broken], STYLE, folder=tmp_path / "none", film=FEW, **ONE_LAYER)

    def test_clips_of_other_shapes_take_their_turn(self, clips, tmp_path):
        tall = write_frames(tmp_path / "tall", [np.rot90(frame) for frame in panned(2)])
        films = paint([clips[1], tall], tmp_path / "films")
        np.testing.assert_allclose(frames_of(films[1].film)[0], alone(tall), atol=ROUNDING)

    @pytest.mark.slow
    def test_two_passes(self, clips, tmp_path):
        twice = FilmSettings(frame_steps=2, passes=2)
        films = paint(clips[:2], tmp_path / "films", twice)
        for clip, made in zip(clips, films, strict=False):
            pictures, facts = frames_of(made.film)
            # Adam's first step is as long where the gradient is nearly zero: there its sign, and
            # with it two steps of the film, hang on rounding.
            apart = np.abs(pictures - alone(clip, twice))
            assert np.quantile(apart, 0.99) < ROUNDING
            assert apart.mean() < 0.1 / 255
        # The second pass of b, which is shorter, goes on beside the first pass of a.
        assert facts[0]["lanes"] == [[2, 1], [2, 1]]


class TestScenes:
    def test_they_are_those_of_the_film(self, tmp_path):
        other = upside_down(panned(9))[6:]
        clip = write_frames(tmp_path / "clip", [*panned(3), *other])
        (made,) = paint([clip], tmp_path / "films", lanes=2)
        pictures, facts = frames_of(made.film)
        assert [one["cut"] for one in facts] == [False, False, False, True, False, False]
        assert [one["lanes"] for one in facts] == [[[2, 0]]] * 3 + [[[2, 1]]] * 3
        frames = [*stylize_video(clip, STYLE, film=FEW, **ONE_LAYER)]
        assert [frame.facts["cut"] for frame in frames] == [one["cut"] for one in facts]
        np.testing.assert_allclose(pictures, [f.image for f in frames], atol=ROUNDING)


@pytest.mark.slow
def test_two_devices(clips, tmp_path):
    xla_flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    words = ["video", *clips[:2], tmp_path / "style.png", "-o", tmp_path / "films", *FLAGS]
    write_image(tmp_path / "style.png", STYLE)
    command = [sys.executable, "-m", "jaxstyle", *map(str, words), "--format", "frames"]
    subprocess.run(command, env=os.environ | {"XLA_FLAGS": xla_flags}, check=True)
    for clip in clips[:2]:
        pictures = frames_of(tmp_path / "films" / clip.name)[0]
        np.testing.assert_allclose(pictures, alone(clip), atol=ROUNDING)


@pytest.mark.slow
def test_two_processes(clips, tmp_path):
    write_image(tmp_path / "style.png", STYLE)
    words = ["video", *clips[:2], tmp_path / "style.png", "-o", tmp_path / "films", *FLAGS]
    run_in_two_processes(*words, "--format", "frames")
    for clip in clips[:2]:
        pictures = frames_of(tmp_path / "films" / clip.name)[0]
        np.testing.assert_allclose(pictures, alone(clip), atol=ROUNDING)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two films that were never interrupted, and their clips."""
    pytest.importorskip("av", reason="needs the extra video")
    folder = tmp_path_factory.mktemp("killed")
    write_image(folder / "style.png", STYLE)
    write_clip(folder / "one.mp4", panned(4))
    write_clip(folder / "two.mp4", upside_down(panned(5)))
    assert run(*command(folder, folder / "whole")) == 0
    return folder


def command(folder, out, *more):
    clips = [folder / "one.mp4", folder / "two.mp4"]
    return ["video", *clips, folder / "style.png", "-o", out, *FLAGS, *more]


class TestCommand:
    def test_films_in_a_folder(self, films, capsys):
        whole = films / "whole"
        names = {"one.mp4", "one.json", "two.mp4", "two.json"}
        assert {path.name for path in whole.iterdir()} == names
        lanes = [frame.get("lanes") for frame in facts_of(whole / "one.json")]
        assert lanes == [[[2, 0]]] * 4
        assert run(*command(films, whole, "--resume", "--json")) == 0
        rows = json.loads(capsys.readouterr().out)["films"]
        assert [(row["status"], row["frames"]) for row in rows] == [
            ("finished", 4),
            ("finished", 5),
        ]

    def test_a_film_is_replayed_in_its_lane(self, films, tmp_path, capsys):
        again = tmp_path / "again.mp4"
        assert run("replay", films / "whole" / "two.json", "-o", again) == 0
        assert "the same bytes" in capsys.readouterr().out
        assert again.read_bytes() == (films / "whole" / "two.mp4").read_bytes()

    def test_one_that_fails(self, films, tmp_path, capsys):
        (tmp_path / "broken.mp4").write_bytes((films / "one.mp4").read_bytes()[:500])
        words = command(films, tmp_path / "films", "--frame-steps", 1)
        assert run(*words[:1], tmp_path / "broken.mp4", *words[1:]) == 1
        assert "broken.mp4" in capsys.readouterr().err
        assert (tmp_path / "films" / "two.mp4").exists()
        assert not (tmp_path / "films" / "broken.mp4").exists()

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (["--flow", "."], "expected flow of one clip"),
            (["--codec", "nothing"], "no encoder is named 'nothing'"),
            (["--format", "frames", "--crf", "3"], "for a film, not for a folder"),
        ],
    )
    def test_errors_are_one_line(self, films, tmp_path, capsys, more, message):
        assert run(*command(films, tmp_path / "films", *more)) == 2
        (line,) = capsys.readouterr().err.splitlines()[-1:]
        assert line.startswith("jaxstyle: error: ")
        assert message in line

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "last", ["one.mp4.unfinished/000001.npz", "two.mp4.unfinished/000004.npz"]
    )
    def test_killed_films_resume_to_the_same_bytes(self, films, tmp_path, last):
        words = [sys.executable, "-m", "jaxstyle", *map(str, command(films, tmp_path))]
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        while process.poll() is None and not (tmp_path / last).exists():
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "two.mp4").exists()
        assert run(*command(films, tmp_path, "--resume")) == 0
        for name in ("one.mp4", "two.mp4"):
            assert (tmp_path / name).read_bytes() == (films / "whole" / name).read_bytes()


class TestResume:
    @pytest.mark.parametrize(
        "at", [3, *(pytest.param(at, marks=pytest.mark.slow) for at in (1, 5, 6))]
    )
    def test_to_the_same_frames(self, clips, whole, tmp_path, at):
        chunks = count(1)

        def stop(progress):
            if next(chunks) == at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            paint(clips, tmp_path, lanes=2, on_progress=stop)
        films = stylize_videos(
            clips,
            STYLE,
            folder=tmp_path,
            film=FEW,
            format="frames",
            lanes=2,
            resume=True,
            **ONE_LAYER,
        )
        for made, (pictures, facts) in zip(films, whole, strict=True):
            again, facts_again = frames_of(made.film)
            np.testing.assert_array_equal(again, pictures)
            assert facts_again == facts

    @pytest.mark.slow
    def test_what_is_finished_is_not_painted_again(self, clips, tmp_path):
        paint(clips[1:], tmp_path)

        def never(progress):
            raise AssertionError

        films = stylize_videos(
            clips[1:],
            STYLE,
            folder=tmp_path,
            film=FEW,
            format="frames",
            resume=True,
            on_progress=never,
            **ONE_LAYER,
        )
        assert [(one.status, one.frames) for one in films] == [("finished", 3), ("finished", 4)]
        other = FilmSettings(frame_steps=1)
        films = stylize_videos(
            clips[1:], STYLE, folder=tmp_path, film=other, format="frames", resume=True, **ONE_LAYER
        )
        assert [one.status for one in films] == ["made", "made"]
