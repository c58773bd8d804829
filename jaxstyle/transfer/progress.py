"""Progress of a grid: what is done, how well, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxstyle._util.counts import counted
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.loop import Chunk, Loop
from jaxstyle.transfer.result import Progress


@dataclass(frozen=True)
class GridProgress:
    """The progress of a grid, after a chunk of steps.

    Attributes:
        cells: Done so far.
        of: Cells in total.
        lanes: Cells that are run together now.
        size: Longest side of the current scale, pixels.
        loss: The mean of their weighted totals at the last step.
        seconds: Since the grid began.
        seconds_left: An estimate: a step costs in proportion to lanes and pixels.
    """

    cells: int
    of: int
    lanes: int
    size: int
    loss: float
    seconds: float
    seconds_left: float

    @property
    def share(self) -> float:
        """The part that is done, from 0 to 1, by time."""
        return self.seconds / (self.seconds + self.seconds_left)

    def __str__(self) -> str:
        return (
            f"{self.cells}/{counted(self.of, 'cell')}  {counted(self.lanes, 'lane')} at "
            f"{self.size} px  {self.seconds:.0f} s, {self.seconds_left:.0f} s left  "
            f"loss {self.loss:.4g}"
        )


OnProgress = Callable[[GridProgress], object]


class Meter:
    """Measure a grid's work, and report its progress."""

    def __init__(self, jobs: Sequence[Job], on_progress: OnProgress | None) -> None:
        self._began = time.perf_counter()
        self._total = sum(job.work_left(0) for job in jobs)
        self._of, self._on_progress = len(jobs), on_progress
        self._work, self._cells = 0.0, 0

    def finish(self, cells: int) -> None:
        """Count cells that are done."""
        self._cells += cells

    def batch(self, lanes: int) -> Callable[[Loop, Chunk], None]:
        """Return what is called after each chunk of a batch."""

        def on_chunk(loop: Loop, chunk: Chunk) -> None:
            self._work += lanes * chunk.steps * chunk.size**2
            losses = [r.history["total"][-1] for r in loop.records if r.history["total"]]
            self._tell(lanes, chunk.size, float(np.mean(losses)))

        return on_chunk

    def single(self, job: Job) -> Callable[[Progress], None]:
        """Return what is called after each chunk of a cell that runs alone."""
        before = self._work

        def on_chunk(progress: Progress) -> None:
            self._work = before + job.work_left(0) - job.work_left(progress.step)
            self._tell(1, progress.size, progress.loss)

        return on_chunk

    def _tell(self, lanes: int, size: int, loss: float) -> None:
        if self._on_progress:
            seconds = time.perf_counter() - self._began
            left = seconds * max(0.0, self._total - self._work) / self._work
            progress = GridProgress(self._cells, self._of, lanes, size, loss, seconds, left)
            self._on_progress(progress)
