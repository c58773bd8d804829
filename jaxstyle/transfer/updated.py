"""Manifests of earlier versions, in the words of this one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

FULL_SIZE_SINCE = 10
"""The version of the settings from which on the content weight is that at full size; before, it was
that at 256 pixels."""


def updated(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's facts with settings that mean here what they meant in their version.

    >>> settings = {"content_weight": 0.5, "content_decay": 2.0}
    >>> updated({"schema": 9, "settings": settings, "scales": [{"size": 512}]})["settings"]
    {'content_weight': 0.25, 'content_decay': 2.0}
    """
    settings, scales = dict(facts["settings"]), facts.get("scales")
    size = scales[-1]["size"] if scales else settings.get("size")
    decay = settings.get("content_decay", 1.0)
    if facts.get("schema", 1) < FULL_SIZE_SINCE and decay != 1 and isinstance(size, int):
        settings["content_weight"] *= decay ** math.log2(256 / size)
    return {**facts, "settings": settings}
