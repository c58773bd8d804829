"""Objects that other installed packages register by entry points."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import TypeVar

from jaxstyle._util.log import logger

T = TypeVar("T")


def registered(group: str, kind: type[T]) -> Iterator[tuple[str, T]]:
    """Yield the objects that the entry points of a group load to, with the entry point's value.

    An entry point loads to one object or to a tuple of them. One that cannot be loaded, or that
    gives something else, is left out with a warning: somebody else's package must not break ours.

    Args:
        group: Such as `"jaxstyle.metrics"`.
        kind: The type of the objects.
    """
    for entry in sorted(entry_points(group=group)):
        try:
            loaded = entry.load()
        except Exception as error:  # somebody else's code
            reason = " ".join(str(error).split()) or type(error).__name__
            logger.warning(f"entry point {entry.value} of {group} is left out: {reason}")
            continue
        for value in loaded if isinstance(loaded, tuple) else (loaded,):
            if isinstance(value, kind):
                yield entry.value, value
            else:
                logger.warning(
                    f"entry point {entry.value} of {group} is left out: "
                    f"expected a {kind.__name__}, got {type(value).__name__}"
                )
