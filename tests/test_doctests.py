"""The examples in docstrings give the results that they show."""

import doctest
import importlib
import pkgutil

import pytest

import jaxstyle

MODULES = [module.name for module in pkgutil.walk_packages(jaxstyle.__path__, "jaxstyle.")]


@pytest.mark.parametrize("name", ["jaxstyle", *MODULES])
def test_examples_in_docstrings(name):
    if name.startswith("jaxstyle.app.page."):
        pytest.importorskip("gradio", reason="needs Gradio: pip install 'jaxstyle[app]'")
    assert doctest.testmod(importlib.import_module(name)).failed == 0
