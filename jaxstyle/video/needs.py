"""The packages of the extra `video`, imported where they are needed."""

from __future__ import annotations

import importlib
from typing import Any


def pyav() -> Any:
    """Return PyAV, which reads and writes films.

    Raises:
        ValueError: It is not installed.
    """
    return _imported("av", "films need PyAV")


def opencv() -> Any:
    """Return OpenCV, which estimates optical flow.

    Raises:
        ValueError: It is not installed.
    """
    return _imported("cv2", "optical flow needs OpenCV")


def _imported(module: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise ValueError(f"{what}: pip install 'jaxstyle[video]'") from None
