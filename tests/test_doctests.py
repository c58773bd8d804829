"""The examples in docstrings give the results that they show."""

import doctest
import importlib
import pkgutil

import pytest

import jaxstyle

MODULES = [module.name for module in pkgutil.walk_packages(jaxstyle.__path__, "jaxstyle.")]
LONG = (
    "jaxstyle",
    "batch.stylize_batch",
    "grid.stylize_grid",
    "texture.synthesize",
    "texture.variations",
    "transfer.continuation",
    "transfer.stylize",
    "video.stylize_video",
    "video.stylize_videos",
)
"""Modules whose examples make pictures by the default mixture, whose programs take long."""


def _case(name):
    is_long = name.removeprefix("jaxstyle.") in LONG
    return pytest.param(name, marks=pytest.mark.slow) if is_long else name


@pytest.mark.parametrize("name", [*map(_case, ["jaxstyle", *MODULES])])
def test_examples_in_docstrings(name):
    if name.startswith("jaxstyle.app.page."):
        pytest.importorskip("gradio", reason="needs Gradio: pip install 'jaxstyle[app]'")
    assert doctest.testmod(importlib.import_module(name)).failed == 0
