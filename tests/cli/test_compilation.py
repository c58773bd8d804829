"""Compiled programs are kept within a bound."""

import os
import subprocess
import sys
import warnings

import jax
import pytest

from jaxstyle.cli import compilation

PROGRAM = """
import jax, jax.numpy as jnp
from jaxstyle.cli import compilation
compilation.MAX_BYTES = 50_000
compilation._MIN_COMPILE_SECONDS = 0
compilation.start_jax()
jax.jit(lambda x: jnp.sin(x) @ x)(jnp.ones((9, 9))).block_until_ready()
"""


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXSTYLE_CACHE", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    return tmp_path / "compiled"


def test_the_oldest_programs_are_removed(folder):
    # As a cache without a bound leaves them: no times of access.
    folder.mkdir()
    for number in range(4):
        path = folder / f"jit_old-{number}-cache"
        path.write_bytes(bytes(20_000))
        os.utime(path, (number, number))
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    names = {path.name for path in folder.glob("*-cache")}
    assert {f"jit_old-{number}-cache" for number in (0, 1)}.isdisjoint(names)
    assert "jit_old-3-cache" in names
    assert any("lambda" in name for name in names)
    assert sum(path.stat().st_size for path in folder.glob("*-cache")) <= 50_000


@pytest.fixture
def updates(monkeypatch):
    """What would be configured of JAX, which has no cache yet."""
    updates = {}
    monkeypatch.setattr(jax.config, "update", updates.__setitem__)
    monkeypatch.setattr(type(jax.config), "jax_compilation_cache_dir", None)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    return updates


def test_the_cache_has_a_bound(folder, updates):
    compilation.start_jax()
    assert updates["jax_compilation_cache_dir"] == str(folder)
    assert updates["jax_compilation_cache_max_size"] == 2**30


def test_a_chosen_folder_stays(updates, monkeypatch):
    monkeypatch.setattr(type(jax.config), "jax_compilation_cache_dir", "elsewhere")
    compilation.start_jax()
    assert updates == {}


def test_without_a_cache_nothing_is_kept(monkeypatch, updates):
    monkeypatch.setenv("JAXSTYLE_CACHE", os.devnull)
    compilation.start_jax()
    assert updates == {}


def test_corrupt_programs_are_removed(tmp_path, monkeypatch):
    for name in ("jit_a-01-cache", "jit_a-01-atime", "jit_b-01-cache"):
        (tmp_path / name).touch()
    shown = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_: shown.append(str(message)))
    compilation._discard_corrupt_programs(tmp_path)
    prefix = "Error reading persistent compilation cache entry for"
    for text in (f"{prefix} 'jit_b': Timeout: x", f"{prefix} 'jit_a': zlib.error: x", "another"):
        warnings.showwarning(UserWarning(text), UserWarning, "file.py", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["jit_b-01-cache"]
    assert shown == ["another"]
