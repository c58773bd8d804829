"""What all tests share: programs that compile fast, and are compiled once.

Compiling is most of the suite's time. Programs are compiled without most of XLA's optimizations
(`JAX_DISABLE_MOST_OPTIMIZATIONS=0` brings them back), and JAX's persistent cache, in pytest's own
(`pytest --cache-clear` empties it), shares them between modules, workers, the processes that tests
start, and runs of the suite.
"""

import gc
import os

import pytest

# Environment variables, for the processes that tests start; set before JAX is imported.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

import jax  # noqa: E402


def pytest_configure(config):
    cache = getattr(config, "cache", None)  # none with `-p no:cacheprovider`
    if cache is not None:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache.mkdir("jax")))
        jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])


@pytest.fixture(autouse=True, scope="module")
def programs_are_released():
    """Each compiled program holds several memory maps, of which a process may have 65,530."""
    yield
    jax.clear_caches()
    gc.collect()
