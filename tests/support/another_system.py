"""A Python that lacks what Windows or macOS lack, run in a process of its own.

Modules, and the folders `/proc` and `/sys`, are taken away from jaxstyle and from the library that
locks files for it; JAX and psutil have other sources there.
"""

import builtins
import io
import os
import signal
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path
from types import SimpleNamespace

POSIX_MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "termios")
LACKS = {
    "windows": {
        "modules": POSIX_MODULES,
        os: ("O_TMPFILE", "fchmod", "link", "mkfifo", "sched_getaffinity"),
        signal: ("SIGHUP", "SIGKILL", "SIGUSR1"),
    },
    "macos": {"modules": (), os: ("O_TMPFILE", "sched_getaffinity"), signal: ()},
}
_HIDDEN = ("/proc", "/sys")
_OURS = ("jaxstyle", "filelock")


def imitate(system):
    """Take away what a system lacks, before jaxstyle is imported, and be strict about encodings."""
    lacks = LACKS[system]
    _refuse_modules(lacks["modules"])
    for module in (os, signal):
        for name in filter(partial(hasattr, module), lacks[module]):
            delattr(module, name)
    _hide_folders()
    if system == "windows":
        _tell_memory_as_windows()
    warnings.filterwarnings("error", category=EncodingWarning, module=r"jaxstyle(\.|$)")


def _refuse_modules(modules):
    original = builtins.__import__

    def guarded(name, module_globals=None, *more):
        importer = (module_globals or {}).get("__name__", "")
        if name in modules and importer.startswith(_OURS):
            raise ImportError(f"No module named {name!r}")
        return original(name, module_globals, *more)

    builtins.__import__ = guarded


def _tell_memory_as_windows():
    import psutil

    original = psutil.Process.memory_info

    def memory_info(process):
        info = original(process)
        return SimpleNamespace(rss=info.rss, vms=info.vms, peak_wset=info.rss)

    psutil.Process.memory_info = memory_info


def _hide_folders():
    def without(function):
        def guarded(path, *more, **named):
            is_path = isinstance(path, (str, Path))
            if is_path and str(path).startswith(_HIDDEN) and _is_asked_by_us():
                raise FileNotFoundError(2, "No such file or directory", str(path))
            return function(path, *more, **named)

        return guarded

    for module, name in ((builtins, "open"), (io, "open"), (os, "stat"), (os, "open")):
        setattr(module, name, without(getattr(module, name)))


def _is_asked_by_us():
    """Whether ours is the nearest code that is not of Python itself."""
    frame = sys._getframe(2)
    while frame:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] not in sys.stdlib_module_names:
            return name.startswith(_OURS) or name == "__main__"
        frame = frame.f_back
    return False


def run(system, code, folder, **environment):
    """Run code in such a Python, in a folder; return what it printed."""
    prologue = f"from support.another_system import imitate\nimitate({system!r})\n"
    own = {"PYTHONPATH": str(Path(__file__).parents[1])}
    if "fcntl" in LACKS[system]["modules"]:
        # Without it a lock is a file that is there, and one that other systems leave behind looks
        # held: in a common cache JAX would wait ten seconds with each program.
        own["JAXSTYLE_CACHE"] = str(Path(folder) / "cache")
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", prologue + code],
        cwd=folder,
        env=os.environ | own | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
