"""A texture: a run without a content, whose picture has only the statistics of its samples."""

from __future__ import annotations

from collections.abc import Sequence

from jaxstyle.objective.term import Term
from jaxstyle.settings import Settings
from jaxstyle.specs import is_init

_OF_PLACES = ("luminance", "chroma", "oklab")
"""Ways to keep the colors that a content has at each place."""
_OF_ALL = ("histogram", "covariance")


def check_texture(settings: Settings, terms: Sequence[Term]) -> None:
    """Refuse what only a content could say.

    Args:
        settings: Of a run without a content.
        terms: What it compares.

    Raises:
        ValueError: A setting, or a metric, needs a content.
    """
    if settings.content_weight:
        raise ValueError(
            f"expected content_weight 0 of a texture, which has no content, got "
            f"{settings.content_weight:g}"
        )
    if is_init(settings.init, ("content", "adain")):
        raise ValueError(
            f"expected another init of a texture, which has no content, got {settings.init}"
        )
    lacks_colors = settings.color in _OF_ALL and settings.color_from is None
    if settings.color in _OF_PLACES or lacks_colors:
        raise ValueError(
            "expected color style or match of a texture, which has no content, or color_from with "
            f"histogram or covariance, got {settings.color}"
        )
    if guided := [term.metric.name for term in terms if term.metric.guided]:
        raise ValueError(
            f"expected other metrics of a texture, which has no content, by which {guided[0]} "
            "chooses places of the style"
        )
