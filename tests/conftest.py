"""What all tests share."""

import gc

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def programs_are_let_go():
    """Each compiled program holds several memory maps, of which a process may have 65,530."""
    yield
    jax.clear_caches()
    gc.collect()
