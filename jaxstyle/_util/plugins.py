"""Objects by name, of this package and of others that register theirs by entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import Any, Protocol, TypeVar

from jaxstyle._util.log import logger


class Named(Protocol):
    """An object with a name."""

    @property
    def name(self) -> str:
        """The name, unique in a registry."""


T = TypeVar("T", bound=Named)


class Registry(Mapping[str, T]):
    """Objects by name: the built-in ones, and those of other packages.

    The latter are loaded when a name that is not built in is first asked for, not at import: such a
    package imports this one first. One whose name is taken is left out with a warning.
    """

    def __init__(
        self,
        group: str,
        kind: type[T],
        built_in: Iterable[T],
        belongs: Callable[[T], bool] = lambda value: True,
    ) -> None:
        """Create a registry.

        Args:
            group: The entry points' group.
            kind: The type of the objects.
            built_in: The objects of this package.
            belongs: Whether a registered object belongs here.

        Raises:
            RuntimeError: Two built-in objects have the same name.
        """
        self._group, self._kind, self._belongs = group, kind, belongs
        self._built_in: dict[str, T] = {}
        for value in built_in:
            if self._built_in.setdefault(value.name, value) is not value:
                raise RuntimeError(f"two objects of {group} are named {value.name!r}")

    @cached_property
    def _values(self) -> dict[str, T]:
        values = dict(self._built_in)
        for source, value in registered(self._group, self._kind):
            if self._belongs(value) and values.setdefault(value.name, value) is not value:
                logger.warning(
                    f"entry point {source} is left out: there is a {self._kind.__name__} "
                    f"{value.name!r} already"
                )
        return values

    def __getitem__(self, name: str) -> T:
        return self._built_in[name] if name in self._built_in else self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@cache
def registered(group: str, kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """Return the objects that the entry points of a group load to, with the entry points' values.

    An entry point loads to one object or to a tuple of them. One that cannot be loaded, or that
    gives something else, is left out with a warning: another package must not break this one.

    Args:
        group: Such as `"jaxstyle.metrics"`.
        kind: The type of the objects.
    """
    from importlib.metadata import entry_points  # takes a while, and most runs need no plugin

    values = []
    for entry in sorted(entry_points(group=group)):
        try:
            loaded = entry.load()
        except Exception as error:  # the code of another package
            reason = " ".join(str(error).split()) or type(error).__name__
            logger.warning(f"entry point {entry.value} of {group} is left out: {reason}")
            continue
        for value in loaded if isinstance(loaded, tuple) else (loaded,):
            if isinstance(value, kind):
                values.append((entry.value, value))
            else:
                logger.warning(
                    f"entry point {entry.value} of {group} is left out: "
                    f"expected a {kind.__name__}, got {type(value).__name__}"
                )
    return tuple(values)
