"""Image style transfer in JAX.

>>> import jaxstyle, numpy as np
>>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
>>> made = jaxstyle.stylize(photo, painting, steps=2, scales=1)
>>> made.finite
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxstyle.grid.stylize_grid import Cell as Cell
    from jaxstyle.grid.stylize_grid import stylize_grid as stylize_grid
    from jaxstyle.objective.judge import judge as judge
    from jaxstyle.settings import Settings as Settings
    from jaxstyle.transfer.stylize import Progress as Progress
    from jaxstyle.transfer.stylize import Stylized as Stylized
    from jaxstyle.transfer.stylize import stylize as stylize

__version__ = "0.1.0"
__all__ = ["Cell", "Progress", "Settings", "Stylized", "judge", "stylize", "stylize_grid"]

_HOMES = {
    "Cell": "jaxstyle.grid.stylize_grid",
    "Settings": "jaxstyle.settings",
    "judge": "jaxstyle.objective.judge",
    "Progress": "jaxstyle.transfer.stylize",
    "Stylized": "jaxstyle.transfer.stylize",
    "stylize": "jaxstyle.transfer.stylize",
    "stylize_grid": "jaxstyle.grid.stylize_grid",
}


_PARTS = ("backbones", "image", "metrics", "objective", "optim", "recipes", "study", "transfer")
"""Modules that are there after `import jaxstyle`, once they are asked for."""
_INSIDE = {
    "backbones": "extractor",
    "image": "io",
    "objective": "objective",
    "optim": "step",
    "study": "datasets",
    "transfer": "stylize",
}
"""And what is asked for inside of them."""


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PARTS})


def __getattr__(name: str) -> Any:
    # Lazy, so that `jaxstyle --help` need not wait for JAX.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _PARTS:
        if name in _INSIDE:
            importlib.import_module(f"jaxstyle.{name}.{_INSIDE[name]}")
        return importlib.import_module(f"jaxstyle.{name}")
    raise AttributeError(f"module 'jaxstyle' has no attribute {name!r}")
