import os
from pathlib import Path

import platformdirs
import pytest

from jaxstyle._util.cache import cache_folder


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("JAXSTYLE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_the_variable_overrides_the_platform(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXSTYLE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("JAXSTYLE_CACHE", "relative")
    assert cache_folder() == Path.cwd() / "relative"


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="paths of Linux")
def test_linux(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "jaxstyle"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "jaxstyle"


def test_without_a_home_there_is_no_cache(monkeypatch):
    def raises(*args, **kwargs):
        raise RuntimeError("could not determine the home directory")

    # Versions of platformdirs differ: one raises, another returns a relative path.
    for path in (raises, lambda *args, **kwargs: Path("~/.cache/jaxstyle")):
        monkeypatch.setattr(platformdirs, "user_cache_path", path)
        folder = cache_folder()
        assert folder.is_absolute()
        assert not (folder / "weights").exists()
        assert list((folder / "weights").rglob("*")) == []
        with pytest.raises(OSError, match="Not a directory"):
            folder.mkdir(parents=True)
