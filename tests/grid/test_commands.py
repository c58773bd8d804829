"""The command that makes a cell alone: it says the cell's settings, and no others."""

import json
import shlex
from pathlib import Path

import click
import numpy as np
import optax
import pytest
from support.pages import Parsed
from support.small import run, words, write_pictures

from jaxstyle import recipes, settings
from jaxstyle.cli.options import explicit_options
from jaxstyle.cli.stylize import stylize
from jaxstyle.grid.cells import cell_settings
from jaxstyle.grid.commands import names_given, stylize_command
from jaxstyle.metrics import find
from jaxstyle.settings import Settings
from jaxstyle.specs import MetricSpec
from jaxstyle.transfer import manifest


def parsed(command):
    """Return the settings that a command line says, and its other words."""
    program, name, *rest = shlex.split(command)
    assert (program, name) == ("jaxstyle", "stylize")
    with click.Context(stylize), stylize.make_context(name, rest) as context:
        given = {n: v for n, v in explicit_options(context.params).items() if n in settings.names()}
        others = {n: v for n, v in context.params.items() if n not in settings.names()}
        return recipes.settings(**given), others


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"steps": 7, "style_weight": 0.1 + 0.2, "content_weight": 1e-5, "smoothness": 0.0},
        {"metric": "gram~softmax/3@relu1_1,vgg16/max/zeros:relu2_1#0-50=0.3333333333+patch"},
        {"metric": [MetricSpec("gram", 1 / 3)], "content_metric": "mse=0"},
        {"parameter": {"mmd.width": 2, "contextual.bandwidth": 0.1}},
        {"optimizer_parameter": {"b2": 0.99}, "optimizer": "adam", "rate_decay": (0.5, 20)},
        {"style_scale": (0.5, 1, 1 / 3), "style_rotation": (-30.0, 12.5)},
        {"style_layers": "relu1_1,relu2_1", "scale_steps": (3, 4), "style_shares": (1, 2)},
        {"details": True, "calibrate": False, "seed": 3, "memory": "64", "size": 32},
        {"content_mask": ("a mask.png", "b.png"), "style_mask": ("c.png", "d's.png")},
        {"init": "./noise", "init_noise": 0.125, "calibration": "constants.json"},
        {"recipe": "gatys"},
        {"recipe": "gatys/adapted", "steps": 9, "style_layers": ()},
        {"recipe": "diverse", "metric": "gram", "backbone": "vgg19"},
    ],
)
def test_a_command_says_the_settings(changes):
    chosen = recipes.settings(**changes)
    command = stylize_command(["it's a photo.jpg", "-b.png"], chosen, changes, "x=1,y.png")
    read, others = parsed(command)
    assert read == chosen
    assert (others["content"], others["style"]) == ("it's a photo.jpg", ("./-b.png",))
    assert others["output"] == Path("x=1,y.png")
    # Of settings that were given as they are by default, all are written; of others, none.
    assert ("--steps" in command) == ("steps" in changes)


def test_what_is_given_is_written_even_if_it_is_the_default():
    command = stylize_command(["a", "b"], Settings(), ["steps", "final_steps"], "c.png")
    assert command == f"jaxstyle stylize a b -o c.png --steps {Settings().steps}"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"style_weight": 0.5}, "--style-weight 0.5"),
        ({"metric": "gram=0.5+histogram"}, "--metric gram=0.5 --metric histogram"),
        ({"metric": "gatys"}, "--metric gram"),  # its mixture
        ({"metric.gram": 2.0, "metric": "gram+patch"}, "--metric gram=2 --metric patch"),
        ({"contextual.bandwidth": 0.25}, "--parameter contextual.bandwidth=0.25"),
        ({"content": "c.png", "seed": 3}, "--seed 3"),
    ],
)
def test_swept_values_are_options(values, words):
    chosen = cell_settings(values, None, {"steps": 5})
    command = stylize_command(["a", "b"], chosen, names_given(["steps"], values), "c.png")
    head, _, options = command.partition(" -o c.png ")
    assert head == "jaxstyle stylize a b"
    assert options.replace("--steps 5", "").strip().startswith(words)
    assert parsed(command)[0] == chosen


@pytest.mark.parametrize(
    ("pictures", "changes"),
    [
        ([np.zeros((2, 2, 3)), "b"], {}),
        (["a", b"bytes"], {}),
        (["a", "b"], {"metric": find("gram", "style")}),
        (["a", "b"], {"optimizer": optax.adam(0.1)}),
        (["a", "b"], {"init": np.zeros((2, 2, 3))}),
        (["a", "b"], {"calibration": {"gram": [1.0]}}),
        (["a", "b"], {"recipe": "gatys", "steps": 3, "learning_rate": None, "metric": ()}),
    ],
)
def test_what_has_no_text_has_no_command(pictures, changes):
    chosen = recipes.settings(**changes)
    assert stylize_command(pictures, chosen, changes, "c.png") is None


def test_several_styles_are_options():
    command = stylize_command(["a", Path("b.png"), "c d.png"], Settings(), [], "e.png")
    assert command == "jaxstyle stylize a --style b.png --style 'c d.png' -o e.png"
    assert parsed(command)[1]["more_styles"] == ("b.png", "c d.png")


@pytest.mark.slow
def test_commands_on_the_page_make_the_cell_again(tmp_path, monkeypatch):
    write_pictures(tmp_path)
    monkeypatch.chdir(tmp_path)
    sweep = ("--sweep", "metric.gram=0.5,2", "--sweep", "style=style.png,other.png")
    assert run(*words("grid", Path(), "grid", *sweep, steps=2, size=32)) == 0
    cell = json.loads(Parsed(Path("grid/index.html").read_text()).data)["cells"][3]
    picture = Path("grid") / cell["file"]
    assert run(*shlex.split(cell["replay"])[1:]) == 0
    assert Path(picture.name).read_bytes() == picture.read_bytes()
    Path(picture.name).unlink()
    assert run(*shlex.split(cell["command"])[1:]) == 0
    alone, original = (manifest.read(p.with_suffix(".json")) for p in (Path(picture.name), picture))
    assert alone["settings"] == original["settings"]
    assert alone["inputs"]["style"]["sha256"] == original["inputs"]["style"]["sha256"]
    np.testing.assert_allclose(alone["history"]["total"], original["history"]["total"], rtol=1e-3)
