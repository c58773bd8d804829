"""Progress of a film: frames, and the time that the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from jaxstyle.batch.progress import duration
from jaxstyle.image.geometry import Picture


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


class Meter:
    """Measures a film, and reports its progress."""

    def __init__(
        self,
        count: int | None,
        passes: int,
        on_progress: Callable[[FilmProgress], object] | None,
    ) -> None:
        """Begin.

        Args:
            count: The clip's frames, if they are known.
            passes: Over them.
            on_progress: To whom progress is reported.
        """
        self._of = None if count is None else count * passes
        self._on_progress = on_progress
        self._began = self._pace_began = time.perf_counter()
        self._frames, self._paced = 0, 0
        self._is_painting = False
        self._image: Picture | None = None

    def chunk(self, step: int, steps: int, size: int, loss: float) -> None:
        """Report a chunk of steps of the current frame."""
        self._is_painting = True
        if self._on_progress is None:
            return
        now = time.perf_counter()
        left = None
        if self._of is not None and self._paced:
            frames = max(0.0, self._of - self._frames - step / max(1, steps))
            left = frames * (now - self._pace_began) / self._paced
        self._on_progress(
            FilmProgress(
                self._frames,
                self._of,
                step,
                steps,
                size,
                loss,
                now - self._began,
                left,
                self._image,
            )
        )

    def finish(self, image: Picture | None) -> None:
        """Count a frame that is done, and keep it as a preview."""
        self._frames += 1
        self._image = image if image is not None else self._image
        if self._paced or self._is_painting:
            if not self._paced and self._frames == 1:
                # The first frame takes more steps, and compiles: the others go by their own pace.
                self._pace_began = time.perf_counter()
            self._paced += self._frames > 1
