import os
import subprocess
import sys

import pytest

from jaxstyle._util.lock import exclusive_lock

LOCK = "import sys; from jaxstyle._util.lock import exclusive_lock as lock\n"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXSTYLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_one_process_at_a_time(tmp_path, cache):
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "a.png")
    code = f"{LOCK}for path in sys.argv[1:]:\n try:\n  with lock(path): print('free')\n"
    code += " except ValueError as error: print(error)"
    paths = [str(tmp_path / name) for name in ("a.png", "link.png", "b.png")]
    with exclusive_lock(tmp_path / "a.png"):
        done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True)
        writing = [f"another run is writing {path}" for path in paths[:2]]
        assert done.stdout.splitlines() == [*writing, "free"]
        with pytest.raises(ValueError, match="another run is writing"), exclusive_lock(link):
            pass
    with exclusive_lock(link):
        pass
    assert list((cache / "running").iterdir()) == []


def test_a_killed_process_holds_nothing(tmp_path):
    code = f"{LOCK}import os, signal\nwith lock('a.png'): os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode != 0
    with exclusive_lock(tmp_path / "a.png"):
        pass


def test_nothing_is_locked_without_a_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXSTYLE_CACHE", os.devnull)
    with exclusive_lock(tmp_path / "a.png"), exclusive_lock(tmp_path / "a.png"):
        pass


def test_several_paths_at_once(tmp_path):
    with exclusive_lock(tmp_path / "a.png", tmp_path / "a.json"):
        with (
            pytest.raises(ValueError, match=r"writing .*a\.json"),
            exclusive_lock(tmp_path / "a.webp", tmp_path / "a.json"),
        ):
            pass
        with exclusive_lock(tmp_path / "a.webp"):
            pass
