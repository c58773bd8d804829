"""How the command begins: in large pages of memory, where the system gives them on demand."""

import os
import subprocess
import sys

import pytest

from jaxstyle import __main__, __version__
from jaxstyle.cli.main import main as cli

WISH = "glibc.malloc.hugetlb=1"


@pytest.fixture
def began(monkeypatch, tmp_path):
    """What happens when the command begins: `exec` with its tunables and words, or `main`."""
    pages = tmp_path / "enabled"
    pages.write_text("always [madvise] never\n")
    found = []
    # Recorded first, so that what `start` writes is taken back afterwards.
    monkeypatch.setenv("GLIBC_TUNABLES", "")
    monkeypatch.delenv("GLIBC_TUNABLES")
    monkeypatch.setattr(__main__, "_LARGE_PAGES", pages)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-X", "dev", "jaxstyle", "--version"])
    monkeypatch.setattr(cli, "main", lambda: found.append("main"))
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)

    def execv(path, words):
        found.append((os.environ["GLIBC_TUNABLES"], path, words))
        raise PermissionError("so that the test goes on, and the command with it")

    monkeypatch.setattr(os, "execv", execv)

    def start():
        __main__.start()
        return found

    start.pages = pages
    return start


def test_python_begins_once_more(began):
    words = [sys.executable, "-X", "dev", "jaxstyle", "--version"]
    assert began() == [(WISH, sys.executable, words), "main"]


def test_only_once(began):
    began()
    assert began()[2:] == ["main"]


def test_other_wishes_stay(began, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=1")
    assert began()[0][0] == f"glibc.malloc.check=1:{WISH}"


@pytest.mark.parametrize("wish", ["glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=2"])
def test_who_has_chosen_is_left_alone(began, monkeypatch, wish):
    monkeypatch.setenv("GLIBC_TUNABLES", wish)
    assert began() == ["main"]


@pytest.mark.parametrize("enabled", ["[always] madvise never", "always madvise [never]", None])
def test_where_pages_are_not_given_on_demand(began, enabled):
    began.pages.unlink()
    if enabled:
        began.pages.write_text(enabled)
    assert began() == ["main"]


def test_the_command():
    """What it says and how it ends comes through, whether Python began once more or not."""
    command = [sys.executable, "-m", "jaxstyle"]
    said = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"jaxstyle {__version__}\n"
    wrong = subprocess.run([*command, "stylize", "a b.png"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("jaxstyle: error: ")
