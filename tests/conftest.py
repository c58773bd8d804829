"""What all tests share: programs that compile fast, and are compiled once.

Compiling would be most of the suite's time. Here XLA optimizes little (`XLA_FLAGS= pytest` has
programs compiled as users have them), and JAX's persistent cache, in pytest's own cache folder
(`pytest --cache-clear` empties it), shares programs between modules, workers, the processes that
tests start, and runs of the suite.
"""

import gc
import os
import shutil
import subprocess
import sys

import jax
import pytest

# Without optimization, and without MLIR's emitters, which take most of the time. Nor with fused
# multiply-adds: without optimization the same formula is rounded in two ways in two places of one
# program, and the gradient of a maximum then misses its maximum.
FAST_COMPILATION = (
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_max_isa=AVX"
)
LARGEST_CACHE = 2**30


def pytest_configure(config):
    """Set environment variables, which workers and the processes that tests start inherit."""
    if "XLA_FLAGS" not in os.environ:
        flags = {"XLA_FLAGS": FAST_COMPILATION}
        # XLA aborts the process when it does not know a flag, so another process tries them.
        trial = [sys.executable, "-c", "import jax; jax.devices()"]
        known = subprocess.run(trial, env=os.environ | flags, capture_output=True).returncode == 0
        os.environ.update(flags if known else {"XLA_FLAGS": ""})
    cache = getattr(config, "cache", None)  # absent with `-p no:cacheprovider`
    if cache is not None and "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        folder = cache.mkdir("jax")
        # JAX's own limit is too slow for thousands of small programs.
        if sum(path.stat().st_size for path in folder.iterdir()) > LARGEST_CACHE:
            shutil.rmtree(folder, ignore_errors=True)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    if folder := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


def pytest_collection_finish(session):
    """Look for garbage seldom, and not in what was imported and collected.

    That stays until the end, and there is much of it; tracing makes so many objects that Python
    would look through all of them again and again, for a tenth of the suite's time. Garbage is
    collected after every module.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 100)


@pytest.fixture(autouse=True, scope="module")
def programs_are_released():
    """Each compiled program holds several memory maps, of which a process may have 65,530."""
    yield
    jax.clear_caches()
    gc.collect()


@pytest.fixture
def float64():
    """Run a test with jax_enable_x64."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)
