"""Batches: many pictures in, as many out, whatever befalls one of them."""

import itertools
import json
import os

import numpy as np
import pytest
from PIL import Image
from support.small import CONTENT, OTHER, PIXELS, SMALL, STYLE, compilations

import jaxstyle
from jaxstyle.batch.progress import duration
from jaxstyle.image.io import read_image, write_image
from jaxstyle.transfer import run_jobs
from jaxstyle.transfer.manifest import plain

TALL = PIXELS[0].transpose(1, 0, 2)


@pytest.fixture
def photos(tmp_path):
    """Five pictures of two shapes, and a style beside the folder."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    write_image(tmp_path / "style.png", STYLE)
    write_image(folder / "a.png", CONTENT)
    write_image(folder / "b.png", OTHER)
    write_image(folder / "tall.png", TALL)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(TALL).save(folder / "turned.jpg", exif=exif, quality=95)
    write_image(folder / "sub" / "a.png", PIXELS[2])
    return folder


def batch(photos, **changes):
    """Make a batch; where nothing is said of its steps, one is enough."""
    options = {"folder": photos.parent / "out", "resume": True, **SMALL, "steps": 1, **changes}
    styles = options.pop("styles", photos.parent / "style.png")
    return jaxstyle.stylize_batch(options.pop("contents", photos), styles, **options)


def bytes_of(pictures):
    return {one.picture.name: one.picture.read_bytes() for one in pictures}


def statuses(pictures):
    return {one.picture.stem: one.status for one in pictures}


def test_results_are_runs(photos, caplog):
    caplog.set_level("INFO")
    pictures = batch(photos, recursive=True, steps=SMALL["steps"])
    folder = photos.parent / "out"
    places = [os.path.relpath(one.picture, folder) for one in pictures]
    assert places == ["a.png", "b.png", "tall.png", "turned.png", os.path.join("sub", "a.png")]
    for one in pictures:
        assert one.status == "made"
        single = jaxstyle.stylize(one.content, one.style, **SMALL)
        apart = np.abs(read_image(one.picture) - single.image)
        assert apart.max() < 1 / 255 + 2e-5
        facts = json.loads(one.manifest.read_text())
        assert facts["settings"] == plain(single.facts["settings"])
        assert facts["inputs"]["content"]["sha256"] == single.inputs["content"]["sha256"]
    # Of each shape one program; a file that is turned has the shape that it is turned to.
    plans = [line for line in caplog.messages if "lanes at a time" in line or "1 lane at" in line]
    assert [line.partition(",")[0] for line in plans] == [
        "4 pictures of 48 × 40",
        "1 picture of 40 × 48",
    ]
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == sorted(
        f"{name}.{end}" for name in ("a", "b", "tall", "turned") for end in ("png", "json")
    )


def test_replay_makes_the_same_bytes(photos):
    pictures = batch(photos)
    again = jaxstyle.replay(pictures[1].manifest)
    np.testing.assert_array_equal(
        np.round(again.image * 255), np.round(read_image(pictures[1].picture) * 255)
    )


def test_contents_and_styles(photos):
    write_image(photos.parent / "other.png", OTHER)
    styles = [photos.parent / "style.png", str(photos.parent / "other.png")]
    contents = [photos / "a.png", photos / "b.png"]
    every = batch(photos, contents=contents, styles=styles, format="webp")
    assert [one.picture.name for one in every] == [
        *("a-style.webp", "a-other.webp", "b-style.webp", "b-other.webp")
    ]
    with Image.open(every[0].picture) as picture:
        assert picture.format == "WEBP"
    pairs = batch(photos, contents=contents, styles=styles, pairwise=True, format="webp")
    assert [(one.picture.name, one.status) for one in pairs] == [
        ("a-style.webp", "finished"),
        ("b-other.webp", "finished"),
    ]


class TestFailures:
    def test_one_is_reported_and_the_others_go_on(self, photos, caplog):
        whole = (photos / "a.png").read_bytes()
        (photos / "cut.png").write_bytes(whole[: len(whole) // 2])
        (photos / "empty.jpg").write_bytes(b"")
        (photos / "text.png").write_text("no picture")
        # Too small for the deepest layer.
        Image.new("RGB", (48, 1)).save(photos / "line.png")
        pictures = batch(photos)
        failures = {one.picture.stem: one.failure for one in pictures if one.failure}
        assert {"cut", "empty", "text"} <= failures.keys() <= {"cut", "empty", "text", "line"}
        for failure in failures.values():
            assert caplog.messages.count(failure) == 1
        assert str(photos / "cut.png") in failures["cut"]
        made = {one.picture.stem for one in pictures if one.status == "made"}
        assert {"a", "b", "tall", "turned"} <= made
        # The cure of one picture makes that one.
        write_image(photos / "cut.png", OTHER)
        again = statuses(batch(photos))
        assert again["cut"] == "made"
        assert {again[name] for name in made} == {"finished"}

    def test_a_style(self, photos, caplog):
        (photos.parent / "broken.png").write_bytes(b"broken")
        styles = [photos.parent / "style.png", photos.parent / "broken.png"]
        pictures = batch(photos, styles=styles)
        assert [one.status for one in pictures] == ["made", "failed"] * 4
        assert sum("broken.png" in line for line in caplog.messages) == 1

    @pytest.mark.parametrize("name", ["gone.png", "text.png"])
    def test_of_all_is_an_error(self, photos, name):
        (photos / "text.png").write_text("no picture")
        with pytest.raises(ValueError, match=name):
            batch(photos, contents=[photos / name])

    def test_of_a_setting_is_one_line(self, photos):
        with pytest.raises(ValueError, match="did you mean 'gram'"):
            batch(photos, metric="gran")
        with pytest.raises(ValueError, match=r"^expected 1 style shares, got 2$"):
            batch(photos, style_shares=(1, 2))
        with pytest.raises(ValueError, match=r"\.jpg file would need 16"):
            batch(photos, bits=16, format="jpg")
        assert not [*photos.parent.glob("out/*")]

    def test_numbers_that_are_not_finite(self, photos, monkeypatch):
        settings = {"optimizer": "sgd", "style_weight": 1e30, "learning_rate": 1e30}
        pictures = batch(photos, contents=str(photos / "?.png"), **settings)
        assert statuses(pictures) == {"a": "failed", "b": "failed"}
        assert all("stopped being finite" in one.failure for one in pictures)
        assert read_image(pictures[0].picture).shape == CONTENT.shape  # the last good one
        # They would fail again: they are not made again, and it is said again.
        monkeypatch.setattr("jaxstyle.batch.run.run_jobs", None)
        assert batch(photos, contents=str(photos / "?.png"), **settings) == pictures

    def test_of_writing(self, photos, caplog, monkeypatch):
        def refuse(result, path, **_):
            raise OSError(28, "No space left on device", str(path))

        monkeypatch.setattr(jaxstyle.Result, "save", refuse)
        pictures = batch(photos, lanes=1)
        assert {one.status for one in pictures} == {"failed"}
        assert sum("No space left" in line for line in caplog.messages) == 2
        assert "the same command makes the rest" in caplog.text


class TestAgain:
    def test_only_what_is_missing_is_made(self, photos, monkeypatch):
        first = batch(photos)
        before = bytes_of(first)
        first[1].picture.unlink()
        write_image(photos / "a.png", PIXELS[2])  # another picture
        again = batch(photos)
        assert statuses(again) == {
            **{"a": "made", "b": "made"},
            **{"tall": "finished", "turned": "finished"},
        }
        after = bytes_of(again)
        assert after["a.png"] != before["a.png"]
        assert {n for n in after if after[n] == before[n]} >= {"tall.png", "turned.png"}
        monkeypatch.setattr("jaxstyle.batch.run.run_jobs", None)
        assert set(statuses(batch(photos)).values()) == {"finished"}

    def test_other_settings_make_all(self, photos):
        batch(photos, contents=photos / "a.png")
        assert statuses(batch(photos, contents=photos / "a.png", seed=3, init="noise")) == {
            "a": "made"
        }
        options = {"contents": photos / "a.png", "seed": 3, "init": "noise"}
        assert statuses(batch(photos, bits=16, **options)) == {"a": "made"}
        assert statuses(batch(photos, bits=16, **options)) == {"a": "finished"}
        assert statuses(batch(photos, resume=False, bits=16, **options)) == {"a": "made"}

    def test_skipping_goes_by_the_file_alone(self, photos):
        (photos.parent / "out").mkdir()
        (photos.parent / "out" / "a.png").write_bytes(b"mine")
        pictures = batch(photos, skip_existing=True, recursive=True)
        assert [one.status for one in pictures] == ["skipped", *["made"] * 4]
        assert (photos.parent / "out" / "a.png").read_bytes() == b"mine"
        again = batch(photos, skip_existing=True, recursive=True, steps=2)
        assert {one.status for one in again} == {"skipped"}

    def test_into_the_folder_of_the_photographs(self, photos):
        for place in (photos, photos / "painted"):
            options = {"contents": photos / "turned.jpg", "folder": place}
            assert statuses(batch(photos, **options)) == {"turned": "made"}
        # The results are no contents of the second run.
        pictures = batch(photos, folder=photos / "painted", recursive=True)
        assert len(pictures) == 5
        before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
        with pytest.raises(ValueError, match=r"a\.png would be overwritten, and is read"):
            batch(photos, folder=photos)
        assert before == {path: path.read_bytes() for path in before}

    def test_two_of_one_name_keep_their_results(self, photos):
        options = {"contents": [photos / "a.png", photos / "sub" / "a.png"]}
        first = batch(photos, **options)
        assert list(statuses(first)) == ["a", "a-2"]
        alone = batch(photos, contents=photos / "sub" / "a.png")
        assert statuses(alone) == {"a-2": "finished"}


class TestInterruption:
    def test_the_same_call_goes_on_to_the_same_bytes(self, photos, monkeypatch):
        options = {"lanes": 2, "steps": 3}
        expected = bytes_of(batch(photos, **options))
        monkeypatch.setattr("jaxstyle.transfer.steppers.batched.CHUNK", 1)
        steps = itertools.count(1)

        def stop(progress):
            if next(steps) == 5:  # the second of the second batch
                raise KeyboardInterrupt

        folder = photos.parent / "stopped"
        with pytest.raises(KeyboardInterrupt):
            batch(photos, folder=folder, on_progress=stop, **options)
        assert len([*folder.glob("*.png")]) == 2
        assert len([*folder.glob("batch-*.checkpoint")]) == 1
        reported = []
        pictures = batch(photos, folder=folder, on_progress=reported.append, **options)
        assert [one.status for one in pictures].count("finished") == 2
        assert bytes_of(pictures) == expected
        assert not [*folder.glob("batch-*")]
        # The second batch had one step left, and there is a third one.
        assert (reported[0].pictures, reported[0].of) == (0, 2)
        assert (reported[-1].pictures, reported[-1].share) == (2, 1)

    def test_where_memory_ends_pictures_are_made_one_by_one(self, photos, monkeypatch, caplog):
        calls = []

        def starved(jobs, **options):
            calls.append(len(jobs))
            if len(jobs) > 1:
                raise MemoryError("the process could not get more memory")
            yield from run_jobs.run_jobs(jobs, **options)

        monkeypatch.setattr("jaxstyle.batch.run.run_jobs", starved)
        assert set(statuses(batch(photos)).values()) == {"made"}
        assert calls == [3, 1, 1, 1, 1]
        assert "one picture at a time" in caplog.text


def test_progress_is_one_over_all(photos):
    (photos / "cut.png").write_bytes((photos / "a.png").read_bytes()[:900])
    reported = []
    batch(photos, lanes=2, on_progress=reported.append)
    assert {one.of for one in reported} == {5}
    shares = [one.share for one in reported]
    assert shares == sorted(shares)
    assert (reported[-1].pictures, reported[-1].failed, shares[-1]) == (5, 1, 1)
    assert str(reported[-1]).startswith("5/5 pictures, 1 failed  0 s left")
    assert duration(5 * 3600 + 61) == "5 h 1 min"


def test_arrays_and_a_second_batch_that_compiles_nothing(tmp_path):
    options = {"folder": tmp_path, **SMALL}
    jaxstyle.stylize_batch([CONTENT, OTHER], STYLE, **options)
    with compilations() as compiled:
        pictures = jaxstyle.stylize_batch([OTHER, Image.fromarray(PIXELS[2])], STYLE, **options)
    assert not compiled
    assert [one.picture.name for one in pictures] == ["picture.png", "picture-2.png"]
    assert [one.content for one in pictures] == ["a ndarray", "a Image"]
