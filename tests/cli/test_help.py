"""Help: every setting in its group, examples that work, and an answer within a second."""

import re
import shlex
import subprocess
import sys
import time
from dataclasses import fields

import click
import pytest
from click.testing import CliRunner

from jaxstyle.cli.main import commands
from jaxstyle.cli.options import Invocation, command_line, with_option_names
from jaxstyle.settings import Settings

WITH_SETTINGS = ("stylize", "grid", "study")


def help_of(*words):
    result = CliRunner().invoke(commands, [*words, "--help"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    return result.output


def every_command(group=commands, words=()):
    for name, command in group.commands.items():
        yield (*words, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*words, name))


@pytest.mark.parametrize("command", WITH_SETTINGS)
def test_every_setting_is_an_option_in_its_group(command):
    sections = dict(re.findall(r"^([A-Z].*):\n((?:  .*\n?|\n(?=  ))+)", help_of(command), re.M))
    for setting in fields(Settings):
        option = f"--{setting.name.replace('_', '-')}"
        titles = [title for title, text in sections.items() if f"  {option} " in text]
        assert titles == [setting.metadata["group"]], option
    assert list(sections)[-2:] == ["Other options", "Examples"]
    assert sections["Examples"].count("jaxstyle ") == 2


def test_options_come_from_the_fields():
    text = " ".join(help_of("stylize").split())
    assert "--steps NUMBER Optimizer steps" in text
    assert "--metric NAME[~SMOOTHING][@LAYER,…][#BEGIN-END][=WEIGHT] Style metric" in text
    metric = "gaussian_wasserstein@relu2_1,relu3_1, relaxed_emd@relu3_1,relu4_1=0.3, "
    metric += "gaussian_wasserstein@image=0.3"
    assert f"[default: {metric}]" in text
    assert "--optimizer [lbfgs|lbfgs_plain|lbfgs_search|adam" in text
    assert "--calibrate / --no-calibrate" in text
    study = " ".join(help_of("study").split())
    assert "--size SIZE Longest side of the pictures in pixels [default: 128]." in study


@pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
def test_help_fits_80_columns_and_its_examples_are_valid(words):
    text = help_of(*words)
    assert max(map(len, text.splitlines())) <= 80
    *_, examples = text.partition("\nExamples:\n")
    for example in examples.replace("\\\n", " ").splitlines():
        program, name, *arguments = shlex.split(example)
        assert (program, name) == ("jaxstyle", words[0])
        commands.commands[name].make_context(name, arguments, obj=Invocation())


@pytest.mark.parametrize(
    "message",
    [
        "expected style_weight to be at least 0; see content_weight.py and style_weights",
        "expected no style_weight beside it",
        "a style_scale .png is of a run with style_weight 1.0, not 2.0",
        "a style_scale .png is finished, with style_weight 1.0, not 2.0",
    ],
)
def test_messages_name_settings_by_their_options(message):
    assert with_option_names(message) == message.replace("style_weight ", "--style-weight ")


def test_the_command_line_is_quoted():
    words = ["grid", "a b.png", "--sweep", "seed=0..1"]
    with click.Context(commands, obj=Invocation(words)):
        assert command_line() == "jaxstyle grid 'a b.png' --sweep seed=0..1"


def test_answers_need_no_jax():
    commands = [[*words, "--help"] for words in every_command()]
    commands += [["--version"], ["samples"], ["recipes"], ["cite", "gatys"], ["cache"]]
    commands += [["weights", "list"]]
    code = f"""
import sys
from jaxstyle.cli.main import main
for words in {commands}:
    try:
        main(words)
    except SystemExit as end:
        assert not end.code, words
    assert "jax" not in sys.modules, words
"""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    assert time.perf_counter() - began < len(commands)
