"""Weights that are not installed: tests that need them are skipped unless they were fetched."""

import os

import pytest

from jaxstyle.weights import registry


def needed(name):
    """Return the weights of a name; they are fetched if `JAXSTYLE_TEST_FETCH` is set, as in CI."""
    try:
        return registry.load(name, offline=not os.environ.get("JAXSTYLE_TEST_FETCH"))
    except OSError as error:
        pytest.skip(str(error))
