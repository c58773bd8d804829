"""More of the same: a run that continues a finished picture."""

import json
import logging
import shutil

import numpy as np
import pytest
from support.small import CONTENT, OTHER, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle._util.files import sha256
from jaxstyle.image.io import read_image, write_image
from jaxstyle.transfer import manifest
from jaxstyle.transfer.continuation import continuation_of
from jaxstyle.transfer.sources import Sources

TERMS = {"total", "gram", "mse", "total_variation"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a picture of three steps and its inputs."""
    folder = write_pictures(tmp_path_factory.mktemp("finished"))
    result = jaxstyle.stylize(folder / "content.png", folder / "style.png", **SMALL)
    result.save(folder / "a.png")
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


def read(path):
    return manifest.read(path.with_suffix(".json"))


def settings_for(path, **changes):
    return continuation_of(path, changes, Sources()).settings


def test_the_picture_is_the_start_and_the_history_goes_on(folder):
    first, more = folder / "a.png", folder / "more.png"
    assert run("stylize", "--continue", first, "-o", more, "--steps", 2) == 0
    before, after = read(first), read(more)
    assert after["continues"] == {"sha256": sha256(first), "steps": dict.fromkeys(TERMS, 3)}
    assert after["scales"] == [{"size": 48, "steps": 2}]
    for name in TERMS:
        assert after["history"][name][:3] == before["history"][name]
        assert len(after["history"][name]) == 5
    assert after["inputs"]["init"]["sha256"] == sha256(first)
    # The first new loss is that of the picture as it was saved.
    assert after["history"]["total"][3] < before["history"]["total"][-1]
    # Nothing else changed.
    changed = {"steps": 2, "init": after["settings"]["init"]}
    assert after["settings"] == {**before["settings"], **changed}


def test_it_is_what_a_run_from_that_picture_makes(folder):
    inputs = folder / "content.png", folder / "style.png"
    by_hand = jaxstyle.stylize(*inputs, **{**SMALL, "steps": 2}, init=folder / "a.png")
    for path in (folder / "a.png", folder / "a.json"):
        result = jaxstyle.continue_from(path, steps=2)
        np.testing.assert_array_equal(result.image, by_hand.image)
        assert result.history["gram"][3:] == by_hand.history["gram"]


def test_it_can_be_replayed_and_continued_again(folder):
    jaxstyle.continue_from(folder / "a.png", steps=1).save(folder / "b.png")
    jaxstyle.continue_from(folder / "b.png", steps=2).save(folder / "c.png")
    facts = read(folder / "c.png")
    assert facts["continues"]["steps"]["total"] == 4
    assert len(facts["history"]["total"]) == 6
    assert run("replay", folder / "c.json", "-o", folder / "again.png") == 0
    assert (folder / "again.png").read_bytes() == (folder / "c.png").read_bytes()
    again = read(folder / "again.png")
    assert (again["history"], again["continues"]) == (facts["history"], facts["continues"])


def test_terms_that_come_and_go_have_their_own_steps(folder):
    result = jaxstyle.continue_from(folder / "a.png", steps=1, metric="moments")
    lengths = {name: len(losses) for name, losses in result.history.items()}
    assert lengths == {"total": 4, "gram": 3, "moments": 1, "mse": 4, "total_variation": 4}
    assert result.facts["continues"]["steps"] == dict.fromkeys(TERMS, 3)
    path = result.save(folder / "b.png")
    assert jaxstyle.replay(path.with_suffix(".json")).history == result.history


class TestScales:
    """Of a content of 40 × 48, which is enlarged."""

    @pytest.mark.parametrize(
        ("size", "factor", "sizes"),
        [(48, 2.0, (48,)), (70, 2.0, (70,)), (30, 2.0, (30,)), (192, 2.0, (96, 192))],
    )
    def test_none_is_coarser_than_the_picture(self, folder, size, factor, sizes):
        changes = {"size": size, "enlarge": True, "scale_factor": factor, "steps": 0}
        del changes["scale_factor"]
        facts = json.loads((folder / "a.json").read_text())
        facts["settings"]["scale_factor"] = factor
        (folder / "a.json").write_text(json.dumps(facts))
        job = continuation_of(folder / "a.png", {**changes, "steps": 1}, Sources()).job(Sources())
        assert tuple(scale.size for scale in job.scales) == sizes

    def test_those_that_are_asked_for_are_taken(self, folder):
        settings = settings_for(folder / "a.png", scale_steps=(2, 1))
        assert settings.scale_steps == (2, 1)

    def test_steps_are_as_many_as_at_full_size_before(self, folder):
        settings = settings_for(folder / "a.png")
        assert (settings.steps, settings.init) == (3, str(folder / "a.png"))


class TestInputs:
    def test_that_moved_are_named(self, folder, capsys):
        moved = folder / "elsewhere" / "photo.png"
        moved.parent.mkdir()
        (folder / "content.png").rename(moved)
        command = ("stylize", "--continue", folder / "a.png", "-o", folder / "b.png", "--steps", 0)
        assert run(*command) == 2
        assert "--input content=FILE" in capsys.readouterr().err
        assert run(*command, "--input", f"content={moved}") == 0
        assert run(*command, moved) == 0  # or as in any other run
        assert read(folder / "b.png")["inputs"]["content"]["sha256"] == sha256(moved)

    def test_of_another_style_are_taken(self, folder):
        result = jaxstyle.continue_from(folder / "a.png", style=OTHER, steps=0)
        assert "path" not in result.inputs["style"]
        assert result.inputs["content"]["sha256"] == sha256(folder / "content.png")

    def test_that_changed_are_said(self, folder, caplog):
        write_image(folder / "content.png", OTHER)
        write_image(folder / "a.png", CONTENT)
        with caplog.at_level(logging.WARNING, "jaxstyle"):
            jaxstyle.continue_from(folder / "a.png", steps=0)
        assert "a.png is not as its run left it" in caplog.text
        assert "content.png, is not the file that it was" in caplog.text

    def test_of_arrays_are_asked_for(self, tmp_path):
        path = jaxstyle.stylize(CONTENT, STYLE, **{**SMALL, "steps": 0}).save(tmp_path / "a.png")
        with pytest.raises(ValueError, match=r"inputs\.content\.path"):
            jaxstyle.continue_from(path)
        result = jaxstyle.continue_from(path, content=CONTENT, style=STYLE, steps=0)
        np.testing.assert_allclose(result.image, read_image(path), atol=1e-6)

    def test_of_a_picture_without_its_manifest_are_found(self, folder):
        (folder / "a.json").unlink()
        result = jaxstyle.continue_from(folder / "a.png", steps=1)
        assert len(result.history["total"]) == 1
        assert result.facts["continues"]["steps"] == {"total": 0}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("-o", "a.png"), "a.png would be overwritten, and is read"),
        (("-o", "b.png", "--init", "noise"), "expected no init"),
        (("-o", "b.png", "--settings", "a.json"), "expected --continue or --settings, got both"),
        (("-o", "b.png", "--input", "glass=c.png"), "no input 'glass'"),
    ],
)
def test_what_makes_no_sense_is_refused(more, message, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert run("stylize", "--continue", "a.png", *more) == 2
    assert message in capsys.readouterr().err


def test_only_pictures_of_runs_can_be_continued(folder, capsys):
    assert run("stylize", "--continue", folder / "style.png", "-o", folder / "b.png") == 2
    assert "expected the manifest of a run" in capsys.readouterr().err
    assert run(*words("stylize", folder, folder / "b.png", "--input", "style=a.png")) == 2
    assert "--input with --continue" in capsys.readouterr().err
    assert run("stylize", "-o", folder / "b.png") == 2
    assert "Missing argument 'CONTENT'" in capsys.readouterr().err
