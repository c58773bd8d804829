"""The logger. Info: what is fetched, planned or noticed. Warning: what is probably not meant."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger("jaxstyle")
logger.addHandler(logging.NullHandler())


@contextmanager
def reported_to(report: Callable[[str], object] | None) -> Iterator[None]:
    """Call a deprecated argument `report` with every message; None changes nothing."""
    if report is None:
        yield
        return
    advice = "report= is deprecated: attach a handler to logging.getLogger('jaxstyle')"
    warnings.warn(advice, DeprecationWarning, stacklevel=4)
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: report(record.getMessage())  # type: ignore[assignment, method-assign]
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(logging.INFO, level or logging.INFO))
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
