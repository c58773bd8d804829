"""Limits of the process and of its group: the plan knows them, and an error is one line."""

import subprocess
import sys

import jax
import numpy as np
import pytest
from support.small import CONTENT, SMALL, STYLE

import jaxstyle
from jaxstyle.transfer import memory

GIB = memory.GIB


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a function that puts the process into a group, with limits by folder."""

    def make(lines, files):
        for name, text in files.items():
            path = tmp_path / "groups" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(text))
        (tmp_path / "self").write_text(lines)
        monkeypatch.setattr(memory, "PROCESS_GROUPS", tmp_path / "self")
        monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")

    return make


def group(folder, limit, taken, old=0, names=("memory.max", "memory.current", "inactive_file")):
    prefix = f"{folder}/" if folder else ""
    stats = f"anon 5\n{names[2]} {old}\n"
    return {
        f"{prefix}{names[0]}": limit,
        f"{prefix}{names[1]}": taken,
        f"{prefix}memory.stat": stats,
    }


OLD = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@pytest.mark.parametrize(
    ("lines", "files", "free"),
    [
        ("0::/job/step\n", group("job/step", 9 * GIB, GIB) | group("job", 3 * GIB, GIB), 2 * GIB),
        ("0::/job\n", group("job", "max\n", GIB) | group("", 4 * GIB, 3 * GIB, GIB), 2 * GIB),
        ("0::/elsewhere/of/the/host\n", group("", 2 * GIB, GIB), GIB),
        ("4:cpu,memory:/a\n0::/\n", group("memory/a", 3 * GIB, GIB, names=OLD), 2 * GIB),
        ("0::/full\n", group("full", GIB, 2 * GIB), 0),
    ],
)
def test_groups(groups, lines, files, free):
    groups(lines, files)
    before = memory.used()
    assert abs(memory.available() - before - free) < GIB / 8


def test_a_group_without_memory_has_no_plan(groups):
    groups("0::/\n", group("", GIB, GIB))
    with pytest.raises(ValueError, match="that does not fit"):
        jaxstyle.stylize(CONTENT, STYLE, **SMALL)


def test_the_limit_of_a_shell():
    code = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({6 * GIB}, {6 * GIB}))\n"
        "from jaxstyle.transfer import memory\n"
        "print(memory.available())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 6 * GIB


@pytest.mark.parametrize(
    "error",
    [
        jax.errors.JaxRuntimeError("INTERNAL: Out of memory allocating 518131840 bytes."),
        jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 5 bytes"),
        MemoryError(),
    ],
)
def test_an_exhausted_memory_is_explained(monkeypatch, error):
    def step(*args):
        raise error

    monkeypatch.setattr("jaxstyle.transfer.steppers.whole.WholeStepper.step", step)
    with pytest.raises(MemoryError, match=r"could not get more memory .* a smaller size"):
        jaxstyle.stylize(CONTENT, STYLE, **SMALL)
    with pytest.raises(MemoryError, match="could not get more memory"):
        list(jaxstyle.iterate(CONTENT, STYLE, **SMALL))


def test_an_array_that_no_memory_can_hold_is_explained():
    with pytest.raises(MemoryError, match="smaller size"), memory.explained():
        np.zeros(1 << 60, np.uint8)
    with pytest.raises(RuntimeError, match="something else"), memory.explained():
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")
