"""Presets: the settings of an earlier run, from its manifest or its picture."""

import json
import logging
from dataclasses import fields, replace

import numpy as np
import pytest
from support.small import CONTENT, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle import Settings, recipes, settings_of
from jaxstyle.image.io import write_image
from jaxstyle.settings import SCHEMA
from jaxstyle.transfer import manifest
from jaxstyle.transfer.presets import changes_of, overridden

STILL = {**SMALL, "steps": 0, "content_decay": 3.0}


@pytest.fixture
def preset(tmp_path):
    """The picture of a run with masks and an initial picture."""
    write_pictures(tmp_path)
    mask = np.ones(CONTENT.shape[:2])
    paths = {"content_mask": tmp_path / "mask.png", "init": tmp_path / "other.png"}
    write_image(paths["content_mask"], np.repeat(mask[..., None], 3, 2))
    inputs = tmp_path / "content.png", tmp_path / "style.png"
    return jaxstyle.stylize(*inputs, **STILL, **paths).save(tmp_path / "preset.png")


def edited(picture, **changes):
    path = picture.with_suffix(".json")
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, **changes}))
    return path


def test_all_but_pictures_is_taken(preset, caplog):
    with caplog.at_level(logging.INFO, "jaxstyle"):
        from_manifest = settings_of(preset.with_suffix(".json"))
    assert "content_mask, init is not taken" in caplog.text
    assert from_manifest == settings_of(preset)
    wanted = Settings(**STILL)
    for field in fields(Settings):
        if field.name not in ("learning_rate", "positions", "outside"):  # as they were resolved
            assert getattr(from_manifest, field.name) == getattr(wanted, field.name), field.name


def test_it_makes_the_same_picture(tmp_path):
    write_pictures(tmp_path)
    out, again = tmp_path / "a.png", tmp_path / "b.png"
    assert run(*words("stylize", tmp_path, out)) == 0
    inputs = tmp_path / "content.png", tmp_path / "style.png"
    assert run("stylize", *inputs, "-o", again, "--settings", out) == 0
    assert again.read_bytes() == out.read_bytes()
    assert run("stylize", *inputs, "-o", again, "--settings", out, "--steps", 0, "--size", 20) == 0
    settings = manifest.read(again.with_suffix(".json"))["settings"]
    assert (settings["steps"], settings["size"], settings["metric"]) == (0, 20, [["gram", 1.0]])


def test_a_grid_takes_it_too(preset, tmp_path):
    inputs = tmp_path / "content.png", tmp_path / "style.png"
    sweep = ("--sweep", "size=20,30", "-o", tmp_path / "grid", "--settings", preset)
    assert run("grid", *inputs, *sweep) == 0
    cells = [manifest.read(path) for path in sorted((tmp_path / "grid" / "cells").glob("*.json"))]
    assert {cell["settings"]["size"] for cell in cells} == {20, 30}
    assert {cell["settings"]["content_decay"] for cell in cells} == {3.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": SCHEMA + 1}, "is of a newer jaxstyle"),
        ({"settings": {"glitter": 1}}, "there is no setting 'glitter'"),
        ({"settings": {"steps": "many"}}, "damaged manifest.*steps"),
        ({"kind": "another"}, "expected the manifest of a run"),
    ],
)
def test_what_cannot_be_read_is_refused(change, message, preset):
    with pytest.raises(ValueError, match=message):
        settings_of(edited(preset, **change))


def test_files_that_hold_no_settings_are_refused(tmp_path):
    write_pictures(tmp_path)
    (tmp_path / "a.txt").write_text("text")
    for name in ("content.png", "a.txt"):
        with pytest.raises(ValueError, match="expected the manifest of a run"):
            settings_of(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        settings_of(tmp_path / "no.json")


def test_an_older_manifest_has_the_defaults_of_then(preset):
    facts = json.loads(preset.with_suffix(".json").read_text())
    settings = facts["settings"]
    del settings["content_decay"]  # of schema 4
    old = edited(preset, schema=3, settings=settings)
    assert settings_of(old).content_decay == 1.0


class TestOverridden:
    def test_what_belongs_to_what_is_replaced_goes_with_it(self):
        preset = Settings(learning_rate=0.5, scale_steps=(3, 2), final_steps=9, positions=0)
        assert overridden(preset, {"seed": 1}) == replace(preset, seed=1)
        assert overridden(preset, {"optimizer": "adam"}).learning_rate is None
        assert overridden(preset, {"optimizer": "lbfgs"}).learning_rate == 0.5
        changed = overridden(preset, {"steps": 7})
        assert (changed.steps, changed.scale_steps, changed.final_steps) == (7, (), None)
        assert overridden(preset, {"metric": "gram"}).positions == Settings().positions
        assert overridden(preset, {"metric": "gram", "positions": 0}).positions == 0

    def test_a_recipe_comes_between(self):
        preset = Settings(content_weight=7.0, seed=5)
        changed = overridden(preset, {"recipe": "bold", "smoothness": 0.5})
        assert (changed.content_weight, changed.seed, changed.smoothness) == (0.12, 5, 0.5)

    def test_a_setting_that_does_not_exist_is_refused(self):
        with pytest.raises(TypeError, match="there is no setting 'step'"):
            overridden(Settings(), {"step": 1})


@pytest.mark.parametrize("recipe", [None, "bold", "strotss", "colors"])
def test_changes_make_the_settings_again(recipe):
    settings = replace(recipes.settings(recipe=recipe), steps=7, seed=3, metric="moments")
    assert recipes.settings(**changes_of(settings)) == settings


def test_a_methods_constants_are_stated_anew(tmp_path):
    write_pictures(tmp_path)
    inputs = tmp_path / "content.png", tmp_path / "style.png"
    method = {"recipe": "gatys/code", "backbone": "vgg16", "size": 40}
    method["recipe"] = f"gatys/{next(iter(recipes.find('gatys').methods))}"
    path = jaxstyle.stylize(*inputs, **method, steps=0).save(tmp_path / "a.png")
    assert settings_of(path).calibration is None
    assert jaxstyle.stylize(CONTENT, STYLE, settings_of(path), scales=1).finite
