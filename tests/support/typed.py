"""The annotations of functions, checked by beartype whenever they are called."""

import functools
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, runtime_checkable

from beartype import BeartypeConf, FrozenDict, beartype
from jaxtyping import jaxtyped


@runtime_checkable
class Readable(Protocol):
    """An open binary file: `io.BytesIO`, too, which lacks the name that `BinaryIO` has."""

    def read(self, count: int = -1, /) -> bytes: ...


_CONFIGURATION = BeartypeConf(
    is_pep484_tower=True,  # where a float is expected, an integer is accepted
    hint_overrides=FrozenDict({BinaryIO: Readable}),
)


def typed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that also checks its arguments and what it returns."""
    _make_protocols_checkable()
    return beartype(conf=_CONFIGURATION)(function)  # type: ignore[no-any-return, call-overload]


def shaped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that checks besides that axes of one name have one length."""
    if isinstance(function, functools.partial) or function.__name__ == "<lambda>":
        return function  # without annotations
    return jaxtyped(function, typechecker=typed)  # type: ignore[no-any-return]


def _make_protocols_checkable() -> None:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "jaxstyle":
            for value in list(vars(module).values()):
                if isinstance(value, type) and getattr(value, "_is_protocol", False):
                    runtime_checkable(value)
