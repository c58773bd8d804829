"""Replay: a picture again from its manifest, from Python and by the command."""

import json
import shutil
from pathlib import Path

import numpy as np
import optax
import pytest
from support.small import CONTENT, LAYERS, OTHER, SMALL, STYLE, run, write_pictures

import jaxstyle
from jaxstyle._util.files import sha256
from jaxstyle.image.io import read_image, read_settings, write_image
from jaxstyle.metrics import find
from jaxstyle.transfer import manifest
from jaxstyle.transfer.replay import compare_with_first

MASK = np.zeros_like(CONTENT)
MASK[:, 20:] = 1


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The manifest of a picture whose inputs lie beside it."""
    folder = write_pictures(tmp_path_factory.mktemp("first"))
    result = jaxstyle.stylize(folder / "content.png", folder / "style.png", **SMALL)
    return result.save(folder / "a.jpg").with_suffix(".json")


@pytest.fixture
def moved(first, tmp_path):
    """The same, in another folder together with its inputs, which are no longer where they were."""
    for path in first.parent.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    facts = json.loads(first.read_text())
    for record in facts["inputs"].values():
        record["path"] = str(Path("nowhere", Path(record["path"]).name))
    (tmp_path / "a.json").write_text(json.dumps(facts))
    return tmp_path / "a.json"


def edited(run, **changes):
    """Change a manifest's keys, and return its path."""
    facts = json.loads(run.read_text())
    run.write_text(json.dumps(facts | changes))
    return run


def test_a_manifest_is_its_pictures(first):
    picture = first.with_suffix(".jpg")
    facts = manifest.read(first)
    assert facts["picture"] == {"name": "a.jpg", "sha256": sha256(picture)}
    inside = json.loads(read_settings(picture))
    assert not {"seconds", "history", "memory"} & set(inside)
    assert inside["settings"] == facts["settings"]
    names = {role: Path(record["path"]).name for role, record in facts["inputs"].items()}
    assert {role: record["path"] for role, record in inside["inputs"].items()} == names
    assert str(picture.parent) not in read_settings(picture)
    assert "not_replayable" not in facts
    (picture.parent / "b").mkdir()
    other = picture.parent / "b" / "a.json"
    other.write_text("{}")
    with pytest.raises(ValueError, match="is not a jaxstyle manifest"):
        manifest.check(other.with_suffix(".png"))


@pytest.mark.bytes
def test_bytes(first, tmp_path):
    reported = []
    result = jaxstyle.replay(first, on_progress=reported.append)
    assert reported[-1].step == 3
    again = result.save(tmp_path / "again.jpg")
    assert again.read_bytes() == first.with_suffix(".jpg").read_bytes()
    assert compare_with_first(first, again, result) == f"{again}: the same bytes"
    # JPEG loses what PNG keeps.
    other = result.save(tmp_path / "other.png")
    assert compare_with_first(first, other, result) == (
        f"{other}: the same pixels, as .jpg stores them"
    )


@pytest.mark.bytes
def test_the_command(first, tmp_path, capsys):
    again = tmp_path / "again.jpg"
    assert run("replay", first, "--quiet", "-o", again) == 0
    assert capsys.readouterr().out == f"{again}: the same bytes\n"
    assert run("replay", first, "--quiet", "-o", first.with_suffix(".jpg")) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert run("replay", first, "--quiet", "-o", again, "--input", "contant=x") == 2
    err = capsys.readouterr().err
    assert "did you mean 'content'" in err
    assert err.count("\n") == 1


class TestInputs:
    @pytest.mark.bytes
    def test_beside_the_manifest_are_found(self, moved):
        again = jaxstyle.replay(moved).save(moved.with_name("again.jpg"))
        # The bytes hold the inputs' paths.
        np.testing.assert_array_equal(read_image(again), read_image(moved.with_suffix(".jpg")))

    @pytest.mark.bytes
    def test_can_be_somewhere_else(self, moved):
        (moved.parent / "content.png").rename(moved.parent / "renamed.png")
        with pytest.raises(FileNotFoundError, match=r"there is no file .*content\.png"):
            jaxstyle.replay(moved)
        result = jaxstyle.replay(moved, inputs={"content": moved.parent / "renamed.png"})
        again = result.save(moved.with_name("again.jpg"))
        assert compare_with_first(moved, again, result) == f"{again}: the same pixels"
        with pytest.raises(ValueError, match="no input 'contant' among content, style; did you"):
            jaxstyle.replay(moved, inputs={"contant": "x.png"})

    def test_that_changed_have_to_be_accepted(self, moved):
        write_image(moved.parent / "content.png", OTHER)
        with pytest.raises(ValueError, match="is not the file that it was; --changed-inputs"):
            jaxstyle.replay(moved)
        result = jaxstyle.replay(moved, changed_inputs=True)
        again = result.save(moved.with_name("again.jpg"))
        assert compare_with_first(moved, again, result).startswith(f"{again}: differs from")

    def test_can_be_masks_and_an_initial_picture(self, moved, tmp_path):
        for name, picture in (("mask", MASK), ("style_mask", MASK[::-1])):
            write_image(tmp_path / f"{name}.png", picture)
        result = jaxstyle.stylize(
            *(tmp_path / name for name in ("content.png", "style.png")),
            content_mask=tmp_path / "mask.png",
            style_mask=tmp_path / "style_mask.png",
            init=tmp_path / "other.png",
            **SMALL | {"steps": 1},
        )
        result.save(tmp_path / "b.png")
        facts = json.loads((tmp_path / "b.json").read_text())
        assert set(facts["inputs"]) == {"content", "style", "content_mask", "style_mask", "init"}
        folder = tmp_path / "folder"
        folder.mkdir()
        (tmp_path / "mask.png").rename(folder / "renamed.png")
        (tmp_path / "other.png").rename(folder / "other.png")
        inputs = {"content_mask": folder / "renamed.png", "init": str(folder / "other.png")}
        again = jaxstyle.replay(tmp_path / "b.json", inputs=inputs)
        assert again.history == result.history
        assert again.inputs["init"]["path"] == str(folder / "other.png")


class TestDifferences:
    def test_of_versions_are_logged(self, moved, caplog):
        facts = json.loads(moved.read_text())
        picture = facts["picture"] | {"sha256": "0" * 64}  # as another version might have made it
        run = edited(moved, versions=facts["versions"] | {"jax": "0.1"}, picture=picture)
        run.with_suffix(".jpg").unlink()
        result = jaxstyle.replay(run)
        assert any(line.startswith("jax: 0.1 then, ") for line in caplog.messages)
        again = result.save(run.with_name("again.jpg"))
        line = "the first picture is missing; last loss then and now"
        assert line in compare_with_first(run, again, result)

    def test_of_weights_have_to_be_accepted(self, moved, caplog):
        run = edited(moved, weights={"vgg16": "0" * 64})
        with pytest.raises(ValueError, match="the weights vgg16 are not those of then"):
            jaxstyle.replay(run)
        assert jaxstyle.replay(run, changed_inputs=True).finite
        assert "the weights vgg16 are not those of then" in caplog.messages


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "\xff", '{"kind": "jaxstyle manifest"}', "[" * 9000]
)
def test_what_is_no_manifest_is_refused(tmp_path, text):
    run = tmp_path / "a.json"
    run.write_text(text, "latin-1")
    with pytest.raises(
        ValueError, match=r"is an empty file|is not the manifest|is a damaged"
    ) as error:
        jaxstyle.replay(run)
    assert "\n" not in str(error.value)


def test_a_manifest_of_a_study_is_refused(moved):
    facts = json.loads(moved.read_text())
    record = facts["inputs"]["content"] | {"cut": "square"}
    run = edited(moved, inputs=facts["inputs"] | {"content": record})
    with pytest.raises(ValueError, match="belongs to a study"):
        jaxstyle.replay(run)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"metric": find("gram", "style")}, "metric gram"),
        ({"content_metric": jaxstyle.term("mse", 0.5, ["relu2_1"])}, "content_metric mse"),
        ({"optimizer": optax.adam(0.02)}, r"optimizer \(GradientTransformation.*\)"),
        ({"init": STYLE[:, ::-1]}, "init"),
        ({"content_mask": MASK[..., 0], "style_mask": MASK[::-1]}, "content_mask, style_mask"),
    ],
    ids=["metric", "term", "optimizer", "init", "masks"],
)
def test_what_a_manifest_cannot_hold(first, tmp_path, settings, named):
    folder = first.parent
    settings = {**SMALL, "steps": 0, **settings}
    result = jaxstyle.stylize(folder / "content.png", folder / "style.png", **settings)
    result.save(tmp_path / "a.png")
    obstacles = json.loads((tmp_path / "a.json").read_text())["not_replayable"]
    assert obstacles == list(result.obstacles)
    with pytest.raises(ValueError, match=f"is not replayable: a manifest cannot hold {named}$"):
        jaxstyle.replay(tmp_path / "a.json")


def test_arrays_are_named_by_their_role(tmp_path):
    settings = {**SMALL, "steps": 0}
    jaxstyle.stylize(CONTENT, STYLE, **settings).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"cannot hold content, style$"):
        jaxstyle.replay(tmp_path / "a.json")


@pytest.mark.bytes
def test_cells_of_a_grid(first, tmp_path):
    folder = first.parent
    settings = SMALL | {"steps": 1, "init": "noise", **LAYERS}
    cells = jaxstyle.stylize_grid(
        folder / "content.png",
        folder / "style.png",
        sweep={"seed": [0, 1]},
        folder=tmp_path / "grid",
        **settings,
    )
    for number, cell in enumerate(cells):
        run = tmp_path / "grid" / "cells" / f"seed={number}.json"
        assert manifest.read(run)["memory"]["lane"] == number
        again = jaxstyle.replay(run)
        assert again.image.tobytes() == cell.result.image.tobytes()
        saved = again.save(tmp_path / f"{number}.png")
        assert saved.read_bytes() == run.with_suffix(".png").read_bytes()
