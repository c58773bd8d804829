"""The folder in which jaxstyle keeps files between runs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the folder of fetched and compiled files; it need not exist yet.

    It is `$JAXSTYLE_CACHE` if set, else the platform's. Processes can share it: its files are
    written whole, and a name never comes to mean another content.
    """
    if chosen := os.environ.get("JAXSTYLE_CACHE"):
        return Path(chosen).expanduser().absolute()
    try:
        folder = platformdirs.user_cache_path("jaxstyle", appauthor=False)
    except RuntimeError:
        folder = Path()
    # Without a home the path is relative. Files below a file can neither be read nor written.
    return folder if folder.is_absolute() else Path(os.devnull, "jaxstyle")
