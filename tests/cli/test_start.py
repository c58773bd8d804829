"""How the command starts: in large pages of memory, where the system gives them on demand."""

import os
import subprocess
import sys

import pytest

from jaxstyle import __main__, __version__
from jaxstyle.cli import main as cli
from jaxstyle.cli import streams, terminal

TUNABLE = "glibc.malloc.hugetlb=1"


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Start the command; return what happens: `exec` with its tunables and words, or `main`."""
    pages = tmp_path / "enabled"
    pages.write_text("always [madvise] never\n")
    events = []
    # Recorded first, so that what `start` writes is undone afterwards.
    monkeypatch.setenv("GLIBC_TUNABLES", "")
    monkeypatch.delenv("GLIBC_TUNABLES")
    monkeypatch.setattr(__main__, "_LARGE_PAGES", pages)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-X", "dev", "jaxstyle", "--version"])
    monkeypatch.setattr(cli, "main", lambda: events.append("main"))
    # What belongs to a process of its own.
    for module, name in (
        (streams, "open_standard_streams"),
        (terminal, "stop_on_signals"),
        (terminal, "redeliver_dropped_interrupts"),
    ):
        monkeypatch.setattr(module, name, lambda: None)

    def execv(path, words):
        events.append((os.environ["GLIBC_TUNABLES"], path, words))
        raise PermissionError("so that the test continues, and the command with it")

    monkeypatch.setattr(os, "execv", execv)

    def start():
        __main__.start()
        return events

    start.pages = pages
    return start


def test_python_starts_once_more(start):
    words = [sys.executable, "-X", "dev", "jaxstyle", "--version"]
    assert start() == [(TUNABLE, sys.executable, words), "main"]


def test_only_once(start):
    start()
    assert start()[2:] == ["main"]


def test_other_tunables_stay(start, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=1")
    assert start()[0][0] == f"glibc.malloc.check=1:{TUNABLE}"


@pytest.mark.parametrize("tunable", ["glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=2"])
def test_a_choice_of_the_user_stays(start, monkeypatch, tunable):
    monkeypatch.setenv("GLIBC_TUNABLES", tunable)
    assert start() == ["main"]


@pytest.mark.parametrize("enabled", ["[always] madvise never", "always madvise [never]", None])
def test_where_pages_are_not_given_on_demand(start, enabled):
    start.pages.unlink()
    if enabled:
        start.pages.write_text(enabled)
    assert start() == ["main"]


def test_the_command():
    """Output and exit status come through, whether Python started once more or not."""
    command = [sys.executable, "-m", "jaxstyle"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == f"jaxstyle {__version__}\n"
    wrong = subprocess.run([*command, "stylize", "a b.png"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("jaxstyle: error: ")
