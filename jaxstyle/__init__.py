"""Image style transfer in JAX.

>>> import jaxstyle, numpy as np
>>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
>>> result = jaxstyle.stylize(photo, painting, steps=2, scales=1)
>>> result.finite
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxstyle.backbones.record import Backbone as Backbone
    from jaxstyle.batch.progress import BatchProgress as BatchProgress
    from jaxstyle.batch.run import BatchPicture as BatchPicture
    from jaxstyle.batch.stylize_batch import stylize_batch as stylize_batch
    from jaxstyle.grid.stylize_grid import Cell as Cell
    from jaxstyle.grid.stylize_grid import stylize_grid as stylize_grid
    from jaxstyle.metrics.metric import Metric as Metric
    from jaxstyle.objective.judge import judge as judge
    from jaxstyle.objective.style_loss import StyleLoss as StyleLoss
    from jaxstyle.objective.term import Term as Term
    from jaxstyle.objective.term import term as term
    from jaxstyle.settings import Settings as Settings
    from jaxstyle.specs import LayerRef as LayerRef
    from jaxstyle.specs import MetricSpec as MetricSpec
    from jaxstyle.texture.synthesize import synthesize as synthesize
    from jaxstyle.texture.variations import synthesize_variations as synthesize_variations
    from jaxstyle.transfer.continuation import continue_from as continue_from
    from jaxstyle.transfer.presets import settings_of as settings_of
    from jaxstyle.transfer.progress import GridProgress as GridProgress
    from jaxstyle.transfer.replay import replay as replay
    from jaxstyle.transfer.result import Progress as Progress
    from jaxstyle.transfer.result import Result as Result
    from jaxstyle.transfer.stylize import iterate as iterate
    from jaxstyle.transfer.stylize import plan as plan
    from jaxstyle.transfer.stylize import stylize as stylize
    from jaxstyle.video.clip import Selection as Selection
    from jaxstyle.video.film import FilmFrame as FilmFrame
    from jaxstyle.video.film_settings import FilmSettings as FilmSettings
    from jaxstyle.video.make_films import MadeFilm as MadeFilm
    from jaxstyle.video.progress import FilmProgress as FilmProgress
    from jaxstyle.video.stylize_video import stylize_video as stylize_video
    from jaxstyle.video.stylize_videos import stylize_videos as stylize_videos
    from jaxstyle.weights.registry import Weights as Weights

__version__ = "0.2.0"

_HOMES = {
    "Backbone": "backbones.record",
    "BatchPicture": "batch.run",
    "BatchProgress": "batch.progress",
    "Cell": "grid.stylize_grid",
    "FilmFrame": "video.film",
    "FilmProgress": "video.progress",
    "FilmSettings": "video.film_settings",
    "GridProgress": "transfer.progress",
    "LayerRef": "specs",
    "MadeFilm": "video.make_films",
    "Metric": "metrics.metric",
    "MetricSpec": "specs",
    "Progress": "transfer.result",
    "Result": "transfer.result",
    "Selection": "video.clip",
    "Settings": "settings",
    "StyleLoss": "objective.style_loss",
    "Term": "objective.term",
    "Weights": "weights.registry",
    "continue_from": "transfer.continuation",
    "iterate": "transfer.stylize",
    "judge": "objective.judge",
    "plan": "transfer.stylize",
    "replay": "transfer.replay",
    "settings_of": "transfer.presets",
    "stylize": "transfer.stylize",
    "stylize_batch": "batch.stylize_batch",
    "stylize_grid": "grid.stylize_grid",
    "synthesize": "texture.synthesize",
    "synthesize_variations": "texture.variations",
    "stylize_video": "video.stylize_video",
    "stylize_videos": "video.stylize_videos",
    "term": "objective.term",
}
"""Where each public name lives."""
_PACKAGES = (
    *("app", "backbones", "batch", "citations", "grid", "image", "metrics", "objective", "optim"),
    *("recipes", "samples", "study", "texture", "transfer", "video", "weights"),
)

__all__ = sorted(_HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PACKAGES})


def __getattr__(name: str) -> object:
    # Lazy, so that `jaxstyle --help` need not wait for JAX.
    if name in _HOMES:
        value: object = getattr(importlib.import_module(f"jaxstyle.{_HOMES[name]}"), name)
        return value
    if name in _PACKAGES:
        return importlib.import_module(f"jaxstyle.{name}")
    raise AttributeError(f"module 'jaxstyle' has no attribute {name!r}")
