"""The programs of a run's scales, compiled side by side while its first steps are taken already."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from jaxstyle._util.cores import cores
from jaxstyle.transfer.steppers.stepper import Demand, Stepper


def compiled_together(demands: Iterable[Demand]) -> list[Any]:
    """Compile programs side by side, each as soon as it is lowered, and return them."""
    with ThreadPoolExecutor(cores()) as pool:
        futures = [pool.submit(demand.lowered.compile) for demand in demands]
        return [future.result() for future in futures]


class Ahead:
    """Compiles the programs of scales before their turn, in threads: XLA lets others run meanwhile.

    JAX keeps what is compiled, so that a stepper that is called later finds its programs. One that
    cannot be made ahead fails again in its turn, where it is reported.
    """

    def __init__(self) -> None:
        """Nothing is compiled yet."""
        self._pool = ThreadPoolExecutor(cores(), "jaxstyle-compile")
        self._tracing = ThreadPoolExecutor(1, "jaxstyle-trace")
        self._begun: dict[int, list[Future[Any]]] = {}
        self._traced: dict[int, Future[None]] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Compile no more; what is being compiled is not waited for."""
        for pool in (self._tracing, self._pool):
            pool.shutdown(wait=False, cancel_futures=True)

    def start(self, stepper: Stepper, size: int, *, aside: bool = False) -> None:
        """Begin with the programs of a scale, in the order in which they run.

        Args:
            stepper: Whose programs.
            size: Longest side of the scale, pixels.
            aside: Trace them in a thread, too, one scale after the other. It does not know of
                contexts of JAX's configuration in which the caller is: a program that would be
                another one there is compiled again in its turn.
        """
        if size in self._begun:
            return
        self._begun[size] = []
        if aside:
            self._traced[size] = self._tracing.submit(self._trace, stepper, size)
        else:
            self._trace(stepper, size)

    def _trace(self, stepper: Stepper, size: int) -> None:
        with suppress(ValueError):  # a picture too small for a metric
            for demand in stepper.demands(size):
                self._begun[size].append(self._pool.submit(demand.lowered.compile))

    def finish(self, size: int) -> None:
        """Wait until the programs of a scale are compiled, so that none is compiled twice."""
        traced = self._traced.get(size)
        for futures in ([traced] if traced else [], self._begun.get(size, [])):
            # `wait` would wait for ever for what was cancelled.
            wait(future for future in futures if not future.cancelled())
