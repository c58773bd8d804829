"""Recipes: named settings that run, and name their sources."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.fetching import needed
from support.small import CONTENT, STYLE, run, write_pictures

import jaxstyle
from jaxstyle import recipes, samples
from jaxstyle.image.io import read_image
from jaxstyle.recipes import RECIPES
from jaxstyle.recipes.recipe import Stage
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources

TINY = {"size": 32, "scales": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [f"{recipe.name}/{variant}" for recipe in RECIPES.values() for variant in recipe.variants],
)
def test_every_variant_runs(name, caplog):
    caplog.set_level("INFO")
    given = recipes.settings(recipe=name)
    needed(given.backbone)
    content, style = (samples.resolve(f"sample:{sample}") for sample in ("valley", "swirls"))
    # At the coarsest octave 32 pixels leave nothing; a line search there takes long.
    size, steps = (64, 3) if name.startswith("multiscale") else (32, 6)
    pictures = read_image(content, size=size), read_image(style, size=size)
    effort = {"steps": steps, "first_steps": None, "final_steps": None} if given.steps else {}
    result = jaxstyle.stylize(*pictures, recipe=name, **effort, **{**TINY, "size": size})
    assert result.finite
    assert result.facts["settings"]["recipe"] == name
    if not given.steps:  # colors alone
        assert np.abs(result.image - pictures[0]).max() > 0.1
        return
    is_adapted = recipes.method(name) is None
    assert ("its constants were made for" in caplog.text) == is_adapted
    # A bare L-BFGS climbs before it descends.
    if is_adapted or result.facts["settings"]["optimizer"] != "lbfgs_plain":
        assert result.history["total"][-1] < result.history["total"][0]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_has_its_sources(recipe):
    assert recipe.bibtex.startswith("@")
    assert recipe.bibtex.count("{") == recipe.bibtex.count("}")
    assert recipe.citation.endswith(")")
    assert all((recipe.meaning, recipe.constants, recipe.weights, recipe.deviations))
    recipes.settings(recipe=recipe.name)


def test_changes_override_the_recipe():
    settings = recipes.settings(recipe="strotss/adapted", content_weight=2.0)
    assert settings.content_weight == 2.0
    assert [(str(spec), spec.weight) for spec in settings.content_metric] == [
        ("self_similarity", 1.0)
    ]
    assert recipes.settings(steps=3) == jaxstyle.Settings(steps=3)


@pytest.mark.parametrize("name", ["faithful", "bold", "tinted"])
def test_characters_are_the_default_but_for_their_wish(name):
    wish = RECIPES[name].settings
    assert wish
    settings = recipes.settings(recipe=name)
    assert settings == jaxstyle.Settings(recipe=name, **wish)
    assert settings != jaxstyle.Settings(recipe=name)


def test_characters_lean_to_the_painting_or_the_photograph():
    default = jaxstyle.Settings()
    assert recipes.settings(recipe="bold").content_weight < default.content_weight
    assert recipes.settings(recipe="faithful").content_weight > default.content_weight


def test_variants():
    recipe = recipes.find("strotss/code")
    assert recipe is RECIPES["strotss"]
    assert recipe.variants == ("code", "adapted")
    assert recipes.settings(recipe="strotss") == replace(
        recipes.settings(recipe="strotss/code"), recipe="strotss"
    )
    assert not recipes.settings(recipe="strotss").calibrate
    assert recipes.settings(recipe="strotss/adapted").calibrate
    # Those without a method have the adapted variant alone.
    assert recipes.settings(recipe="bold").calibrate
    with pytest.raises(ValueError, match="did you mean 'adapted'"):
        recipes.settings(recipe="strotss/adaptd")
    with pytest.raises(ValueError, match="recipe bold has no variant 'code'"):
        recipes.settings(recipe="bold/code")


METHODS = [(recipe.name, variant) for recipe in RECIPES.values() for variant in recipe.methods]


@pytest.mark.parametrize(("name", "variant"), METHODS)
def test_the_constants_of_a_method_are_those_that_run(name, variant):
    method = RECIPES[name].methods[variant]
    settings = recipes.settings(
        recipe=f"{name}/{variant}", backbone="vgg16", size=64, scales=1, steps=0
    )
    job = make_job(CONTENT, STYLE, settings, Sources())
    (constants,) = (JobConstants(job).at(scale.size) for scale in job.scales)
    height, width = job.guide.content.shape[:2]
    weights = method.weights_at(Stage(0, height, width))
    assert set(weights) == set(job.names)
    for name_of, term, scales in zip(job.names, job.terms, constants, strict=True):
        # What multiplies a layer's distance.
        np.testing.assert_allclose(
            term.weight * np.array(term.layer_weights) * scales, weights[name_of], rtol=1e-6
        )
    assert job.optimizer.parameters == tuple(settings.optimizer_parameter)
    assert job.rate == settings.learning_rate


def test_every_region_has_the_constants_of_the_method():
    mask = np.zeros(CONTENT.shape[:2], np.float32)
    mask[:, : mask.shape[1] // 2] = 1
    settings = recipes.settings(
        recipe="contextual", size=64, scales=1, content_mask=(mask, 1 - mask)
    )
    job = make_job(CONTENT, STYLE, settings, Sources())
    assert job.names == ("contextual", "contextual#2", "contextual#3")
    (constants,) = (JobConstants(job).at(scale.size) for scale in job.scales)
    one, other, content = constants
    np.testing.assert_array_equal(one, other)
    assert len(content) == 1
    with pytest.raises(ValueError, match="the recipe states no weight for moments"):
        make_job(CONTENT, STYLE, recipes.settings(recipe="contextual", metric="moments"), Sources())


def test_wrong_names_and_settings_given_twice_raise():
    with pytest.raises(ValueError, match="did you mean 'strotss'"):
        recipes.find("strots")
    with pytest.raises(ValueError, match="got both"):
        jaxstyle.stylize(CONTENT, STYLE, jaxstyle.Settings(), recipe="gatys")


def test_the_command_line_lists_and_cites(capsys):
    def printed(*words):
        assert run(*words) == 0
        return capsys.readouterr().out

    table = printed("recipes")
    assert all(name in table for name in RECIPES)
    assert {row["name"] for row in json.loads(printed("recipes", "--json"))} == set(RECIPES)
    assert "author = {Kolkin" in printed("cite", "strotss")
    metrics = json.loads(printed("metrics", "--json"))
    assert {"style", "content", "image"} == {row["kind"] for row in metrics}
    assert "Gatys" in printed("metrics", "gram")


@pytest.mark.slow
def test_mixtures_layers_and_constants_from_the_command_line(tmp_path):
    write_pictures(tmp_path)
    words = ["stylize", tmp_path / "content.png", tmp_path / "style.png", "--quiet"]
    words += ["--metric", "gram@relu1_1,relu2_1=1", "--metric", "moments=0.5"]
    words += ["--content-metric", "self_similarity", "--size", 32, "--scales", 1]
    assert run(*words, "--steps", 2, "-o", tmp_path / "a.png") == 0
    first = json.loads((tmp_path / "a.json").read_text())
    assert [len(row) for row in first["calibration"]["gram"]] == [2]
    assert [len(row) for row in first["calibration"]["moments"]] == [5]
    assert "self_similarity" in first["history"]
    # Constants by hand: twice those of the first run.
    twice = {name: [2 * v for v in row] for name, (row,) in first["calibration"].items()}
    (tmp_path / "twice.json").write_text(json.dumps(twice))
    constants = ["--calibration", tmp_path / "twice.json"]
    assert run(*words, "--steps", 1, *constants, "-o", tmp_path / "b.png") == 0
    second = json.loads((tmp_path / "b.json").read_text())
    for name in first["calibration"]:
        # The first step's picture is the content, whose distance to itself is zero.
        np.testing.assert_allclose(
            second["history"][name][0], 2 * first["history"][name][0], rtol=1e-4, atol=1e-4
        )


def test_constants_that_do_not_fit_raise():
    settings = {"recipe": "moments", "calibration": {"moments": [1.0]}, "steps": 1}
    with pytest.raises(ValueError, match="expected 5 finite calibration constants for moments"):
        jaxstyle.stylize(CONTENT, STYLE, **settings, **TINY)
