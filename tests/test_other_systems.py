"""Windows and macOS, imitated: without the modules, names and folders that they lack."""

import sys
from types import SimpleNamespace

import psutil
import pytest
from support import another_system, small

from jaxstyle.transfer import memory

# What a user does: make a picture, be interrupted and resume, make it again, list the weights.
SESSION = """
import sys
from jaxstyle.cli import terminal
from jaxstyle.cli.main import main

terminal.stop_on_signals()

def jaxstyle(*words):
    try:
        main([*map(str, words)])
    except SystemExit as end:
        assert not end.code, (words, end.code)

jaxstyle(*WORDS)
jaxstyle(*WORDS, "--resume")
jaxstyle("replay", "picture.json", "-o", "again.png", "--quiet")
jaxstyle("weights", "list", "--json")
jaxstyle("cache")
from jaxstyle._util.lock import exclusive_lock
with exclusive_lock("picture.png"):
    try:
        with exclusive_lock("picture.png"):
            raise SystemExit("two locks on one path")
    except ValueError:
        pass
"""


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_a_session(system, tmp_path):
    files = small.write_pictures(tmp_path)
    # A console of an old code page, and files that are written in another than UTF-8.
    code_page = {"PYTHONIOENCODING": "cp437", "PYTHONUTF8": "0"} if system == "windows" else {}
    words = small.words("stylize", files, files / "picture.png", "--quiet")
    code = SESSION.replace("WORDS", repr([*map(str, words)]))
    printed = another_system.run(system, code, files, **code_page)
    assert '"name": "vgg16"' in printed
    assert (files / "picture.png").read_bytes() == (files / "again.png").read_bytes()
    assert not [*files.glob(".*.part")]


def test_what_is_imitated_is_lacking(tmp_path):
    code = """
import os, signal
assert not hasattr(os, "O_TMPFILE") and not hasattr(signal, "SIGHUP")
exec('''
from pathlib import Path
assert not Path("/proc/self/status").exists()
try:
    import fcntl
except ImportError:
    print("lacking")
''', {"__name__": "jaxstyle.somewhere"})
"""
    assert another_system.run("windows", code, tmp_path) == "lacking\n"


def test_memory_is_known_on_windows(monkeypatch, tmp_path):
    """There psutil says the peak, and a shell has no limits."""
    info = SimpleNamespace(rss=5, vms=9, peak_wset=7)
    monkeypatch.setitem(sys.modules, "resource", None)  # importing it fails
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _: info)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=11))
    monkeypatch.setattr(memory, "PROCESS_GROUPS", tmp_path / "no such file")
    assert (memory.used(), memory.peak(), memory.available()) == (5, 7, 16)


def test_memory_is_known_on_macos(monkeypatch):
    """There the system counts the peak in bytes, not in KiB, and there is no /proc."""
    resource = pytest.importorskip("resource", reason="Windows has none")

    class NoFile(type(memory.Path())):
        def exists(self):
            return False

    monkeypatch.setattr(memory, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(memory, "Path", NoFile)
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=123456))
    assert memory.peak() == 123456
