"""Where jaxstyle keeps files between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where fetched files are kept; it need not exist yet.

    `$JAXSTYLE_CACHE` if set, else `jaxstyle` in `$XDG_CACHE_HOME` or in `~/.cache`. Processes can
    share it: its files are written whole and their names never come to mean something else.
    """
    if chosen := os.environ.get("JAXSTYLE_CACHE"):
        return Path(chosen).expanduser().absolute()
    if os.path.isabs(shared := os.environ.get("XDG_CACHE_HOME", "")):
        return Path(shared, "jaxstyle")
    try:
        return Path.home() / ".cache" / "jaxstyle"
    except RuntimeError:
        # There is no home: a folder that can be neither read nor written stands for no cache.
        return Path(os.devnull, "jaxstyle")
