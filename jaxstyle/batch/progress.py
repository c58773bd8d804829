"""Progress of a batch: over all of its pictures, with the time that the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from jaxstyle.transfer.progress import GridProgress


@dataclass(frozen=True)
class BatchProgress:
    """The progress of a batch, after a chunk of steps.

    Attributes:
        pictures: Done so far, of those that are to be made.
        of: Pictures that are to be made: without those that were there before.
        failed: How many of those that are done failed.
        lanes: Pictures that are run together now.
        size: Longest side of the current scale, pixels.
        loss: The mean of their weighted totals at the last step.
        seconds: Since the batch began.
        seconds_left: An estimate: a step costs in proportion to pictures and pixels.
    """

    pictures: int
    of: int
    failed: int
    lanes: int
    size: int
    loss: float
    seconds: float
    seconds_left: float

    @property
    def share(self) -> float:
        """The part that is done, from 0 to 1, by time."""
        whole = self.seconds + self.seconds_left
        return self.seconds / whole if whole else 1.0

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return (
            f"{self.pictures}/{self.of} pictures{failed}  {duration(self.seconds_left)} left"
            f"  {self.lanes} at {self.size} px  loss {self.loss:.4g}"
        )


OnProgress = Callable[[BatchProgress], object]


class Meter:
    """Measure a batch's work, and report its progress."""

    def __init__(self, works: Iterable[float], on_progress: OnProgress | None) -> None:
        """Begin.

        Args:
            works: The work of each picture that is to be made.
            on_progress: To whom progress is reported.
        """
        self._began, self._on_progress = time.perf_counter(), on_progress
        works = [*works]
        self._total, self._of = sum(works), len(works)
        self._done, self._pictures, self._failed = 0.0, 0, 0
        self._latest: GridProgress | None = None

    def count(self, work: float, *, failed: bool) -> None:
        """Count a picture that is done, or failed."""
        self._done += work
        self._pictures += 1
        self._failed += failed

    def part(self, work: float) -> Callable[[GridProgress], None]:
        """Return what is called after each chunk of steps of pictures of so much work."""

        def on_chunk(progress: GridProgress) -> None:
            self._latest = progress
            self._report(progress, self._done + work * progress.share)

        return on_chunk

    def report(self) -> None:
        """Report what is done between two batches."""
        if self._latest:
            self._report(self._latest, self._done)

    def _report(self, now: GridProgress, work: float) -> None:
        if self._on_progress and work:
            seconds = time.perf_counter() - self._began
            left = seconds * max(0.0, self._total - work) / work
            counts = self._pictures, self._of, self._failed
            self._on_progress(BatchProgress(*counts, now.lanes, now.size, now.loss, seconds, left))


def duration(seconds: float) -> str:
    """Return a time in words.

    >>> duration(41.2), duration(750), duration(11_500)
    ('41 s', '12 min', '3 h 11 min')
    """
    minutes = int(seconds // 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
