"""Weights that are not installed: tests that need them are skipped where they are not fetched."""

import os

import pytest

from jaxstyle.weights import registry as weights


def needed(name):
    """The weights of that name; fetched if `JAXSTYLE_TEST_FETCH` is set, as in CI."""
    try:
        return weights.load(name, offline=not os.environ.get("JAXSTYLE_TEST_FETCH"))
    except OSError as error:
        pytest.skip(str(error))
