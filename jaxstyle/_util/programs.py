"""`jax.jit` for large programs, which XLA compiles for a CPU in two thirds of the time."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, cached_property, update_wrapper
from typing import Any

import jax

_QUICK = {"xla_cpu_use_fusion_emitters": False}
"""Without MLIR's emitters, which take a third of the time; what they emit is no quicker
(benchmarks/compiling.md)."""


class Program:
    """A function that is compiled, once for each shape of its arguments.

    As `jax.jit` of it, but for options of the compiler, which JAX takes of whole programs alone:
    where another function is traced, call `nested`.

    Attributes:
        nested: The function as a part of other programs.
    """

    def __init__(self, function: Callable[..., Any], **how: Any) -> None:
        """Nothing is compiled yet, and no device is asked for.

        Args:
            function: What is compiled.
            how: Arguments of `jax.jit`.
        """
        self._function, self._how = function, how
        self.nested = jax.jit(function, **how)
        update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, and compile it first where that was not done yet."""
        return self._jitted(*args, **kwargs)

    def lower(self, *args: Any, **kwargs: Any) -> jax.stages.Lowered:
        """Trace and lower it for the shapes of arguments; see `jax.jit`."""
        lowered: jax.stages.Lowered = self._jitted.lower(*args, **kwargs)
        return lowered

    @cached_property
    def _jitted(self) -> Any:
        return jax.jit(self._function, compiler_options=_options(), **self._how)


def program(**how: Any) -> Callable[[Callable[..., Any]], Program]:
    """Make functions into programs: a decorator that takes arguments of `jax.jit`."""
    return lambda function: Program(function, **how)


@cache
def _options() -> dict[str, bool]:
    """Return the compiler's options; none where XLA does not know them, or is asked for others."""
    flags = os.environ.get("XLA_FLAGS", "").split()
    asked = any(name in flag and not flag.endswith("=false") for flag in flags for name in _QUICK)
    if asked or jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda: 0, compiler_options=_QUICK)()
    except jax.errors.JaxRuntimeError:
        return {}
    return _QUICK
