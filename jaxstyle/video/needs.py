"""The packages of the extra `video`, imported where they are needed."""

from __future__ import annotations

import importlib
from typing import Any


def pyav() -> Any:
    """Return PyAV, which reads and writes films.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    return _imported("av", "PyAV", "films are read and written")


def opencv() -> Any:
    """Return OpenCV, which estimates optical flow.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    return _imported("cv2", "OpenCV", "optical flow is estimated")


def _imported(module: str, name: str, purpose: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        message = f"{purpose} with {name}: pip install 'jaxstyle[video]'"
        raise ModuleNotFoundError(message, name=module) from None
