"""Recipes: named settings that run, and say where they come from."""

import json

import numpy as np
import pytest
from support.fetching import needed

import jaxstyle
from jaxstyle import recipes, samples
from jaxstyle.cli.main import main as cli
from jaxstyle.image.io import read_image, write_image
from jaxstyle.recipes import RECIPES

CONTENT, STYLE = (
    read_image(samples.resolve(f"sample:{name}"), size=32) for name in ("valley", "swirls")
)
SMALL = {"size": 32, "steps": 4, "scales": 1}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_runs_and_says_whose_constants_it_has(name):
    needed(recipes.settings(recipe=name).backbone)
    said = []
    made = jaxstyle.stylize(CONTENT, STYLE, recipe=name, report=said.append, **SMALL)
    assert made.finite
    assert made.history["total"][-1] < made.history["total"][0]
    assert made.facts["settings"]["recipe"] == name
    assert any("its constants were made for" in line for line in said)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_has_its_sources(recipe):
    assert recipe.bibtex.startswith("@")
    assert recipe.bibtex.count("{") == recipe.bibtex.count("}")
    assert recipe.citation.endswith(")")
    assert all((recipe.meaning, recipe.constants, recipe.weights, recipe.deviations))
    recipes.settings(recipe=recipe.name)


def test_what_is_chosen_stands_over_the_recipe():
    chosen = recipes.settings(recipe="strotss", content_weight=2.0)
    assert chosen.content_weight == 2.0
    assert chosen.content_metric == (("self_similarity", 1.0),)
    assert recipes.settings(steps=3) == jaxstyle.Settings(steps=3)


def test_wrong_names_and_double_settings_are_told():
    with pytest.raises(ValueError, match="did you mean 'strotss'"):
        recipes.find("strots")
    with pytest.raises(ValueError, match="got both"):
        jaxstyle.stylize(CONTENT, STYLE, jaxstyle.Settings(), recipe="gatys")


def run(capsys, *words):
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(word) for word in words])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_the_command_line_lists_and_cites(capsys):
    listed = run(capsys, "recipes")
    assert all(name in listed for name in RECIPES)
    found = json.loads(run(capsys, "recipes", "--json"))
    assert {row["name"] for row in found} == set(RECIPES)
    assert "author = {Kolkin" in run(capsys, "cite", "strotss")
    metrics = json.loads(run(capsys, "metrics", "--json"))
    assert {"style", "content", "image"} == {row["kind"] for row in metrics}
    assert "Gatys" in run(capsys, "metrics")


def test_mixtures_layers_and_constants_from_the_command_line(capsys, tmp_path):
    for name, picture in (("c", CONTENT), ("s", STYLE)):
        write_image(tmp_path / f"{name}.png", picture)
    words = ["stylize", tmp_path / "c.png", tmp_path / "s.png", "--quiet"]
    words += ["--metric", "gram@relu1_1,relu2_1=1", "--metric", "moments=0.5"]
    words += ["--content-metric", "self_similarity", "--size", 32, "--scales", 1]
    run(capsys, *words, "--steps", 2, "-o", tmp_path / "a.png")
    first = json.loads((tmp_path / "a.json").read_text())
    assert len(first["calibration"]["gram"]) == 2
    assert len(first["calibration"]["moments"]) == 5
    assert "self_similarity" in first["history"]
    # Constants by hand: a first run's, twice as large.
    twice = {name: [2 * value for value in row] for name, row in first["calibration"].items()}
    (tmp_path / "twice.json").write_text(json.dumps(twice))
    constants = ["--calibration", tmp_path / "twice.json"]
    run(capsys, *words, "--steps", 1, *constants, "-o", tmp_path / "b.png")
    second = json.loads((tmp_path / "b.json").read_text())
    for name in first["calibration"]:
        # The first step's picture is the content: terms of its own are zero there.
        np.testing.assert_allclose(
            second["history"][name][0], 2 * first["history"][name][0], rtol=1e-4, atol=1e-4
        )


def test_constants_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match="expected 5 finite calibration constants for moments"):
        jaxstyle.stylize(CONTENT, STYLE, calibration={"moments": [1.0]}, **SMALL)
