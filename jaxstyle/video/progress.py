"""Progress of a film: frames, and the time that the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxstyle.batch.progress import duration
from jaxstyle.image.geometry import Picture
from jaxstyle.transfer.loop import Chunk, Loop


@dataclass(frozen=True)
class FilmProgress:
    """The progress of a film, after a chunk of steps.

    Attributes:
        frames: Done so far, in all passes.
        of: In total, or None where the clip does not say.
        step: Steps of the current frame.
        steps: That it takes.
        size: Longest side of the current scale, pixels.
        loss: The weighted total at the last step.
        seconds: Since the film began.
        seconds_left: An estimate, or None before there is one.
        image: The last frame that is done, or None.
    """

    frames: int
    of: int | None
    step: int
    steps: int
    size: int
    loss: float
    seconds: float
    seconds_left: float | None
    image: Picture | None

    @property
    def share(self) -> float:
        """The part that is done, from 0 to 1; 0 where that is not known."""
        if not self.of:
            return 0.0
        return min(1.0, (self.frames + self.step / max(1, self.steps)) / self.of)

    def __str__(self) -> str:
        of = "" if self.of is None else f"/{self.of}"
        left = "" if self.seconds_left is None else f"  {duration(self.seconds_left)} left"
        return (
            f"{self.frames}{of} frames{left}  step {self.step}/{self.steps} at {self.size} px  "
            f"loss {self.loss:.4g}"
        )


OnProgress = Callable[[FilmProgress], object]


class Meter:
    """Measures a film, or several, and reports its progress.

    Attributes:
        of: Frames in all passes, if they are known.
    """

    def __init__(self, of: int | None = None, on_progress: OnProgress | None = None) -> None:
        """Begin.

        Args:
            of: See above.
            on_progress: To whom progress is reported.
        """
        self.of, self._on_progress = of, on_progress
        self._began = time.perf_counter()
        # The first frames take more steps, and compile: the others go by their own pace.
        self._pace_began: float | None = None
        self._frames, self._paced = 0, 0
        self._is_painting = False
        self._image: Picture | None = None

    def chunk(self, loop: Loop, chunk: Chunk, lanes: int = 1) -> None:
        """Report a chunk of steps of the frames that are painted now, `lanes` of them."""
        self._is_painting = True
        if self._on_progress is None:
            return
        now, step, steps = time.perf_counter(), loop.records[0].steps, loop.jobs[0].steps
        left = None
        if self.of is not None and self._paced and self._pace_began is not None:
            frames = max(0.0, self.of - self._frames - lanes * step / max(1, steps))
            left = frames * (now - self._pace_began) / self._paced
        self._on_progress(
            FilmProgress(
                self._frames,
                self.of,
                step,
                steps,
                chunk.size,
                float(np.mean([record.history["total"][-1] for record in loop.records])),
                now - self._began,
                left,
                self._image,
            )
        )

    def finish(self, images: Sequence[Picture | None]) -> None:
        """Count frames that are done together, and keep the last picture as a preview."""
        self._frames += len(images)
        self._image = next((one for one in reversed(images) if one is not None), self._image)
        if self._pace_began is not None:
            self._paced += len(images)
        elif self._is_painting:
            self._pace_began = time.perf_counter()
