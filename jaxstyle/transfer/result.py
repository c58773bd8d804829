"""What a run gives: its result, and its progress meanwhile."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from jaxstyle._util import arguments
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import as_pillow
from jaxstyle.settings import SCHEMA
from jaxstyle.transfer import manifest
from jaxstyle.transfer.manifest import Facts, Inputs, Manifest, paths_of


@dataclass(frozen=True, repr=False)
class Result:
    """What `stylize` returns. It shows itself in a notebook.

    Attributes:
        image: The picture, sRGB in [0, 1], float32.
        history: Each term's unweighted loss at every step, by name; and `"total"`, weighted.
        failure: One line on what was not finite and when, or None. `image` is then the last good
            picture.
        facts: What a manifest says of the run.
        inputs: Path and SHA-256 of every picture that was read, by role; no path of arrays.
        obstacles: What a manifest cannot hold, by name: then the run is not replayable.
    """

    image: Picture
    history: dict[str, list[float]]
    failure: str | None
    facts: Facts
    inputs: Inputs = field(default_factory=dict)
    obstacles: tuple[str, ...] = ()

    @property
    def finite(self) -> bool:
        """Whether every loss, gradient and pixel stayed finite."""
        return self.failure is None

    def save(self, path: str | Path) -> Path:
        """Write the picture, and its manifest beside it (`out.png` has `out.json`).

        Checkpoints of a run that was to make this file are removed.

        Args:
            path: Ends in .png, .jpg, .jpeg, .webp, .tif or .tiff.

        Returns:
            The path.

        Raises:
            ValueError: An unknown extension, a file that is not a manifest is in the way, or the
                path is that of a picture that the run read.
            OSError: The picture cannot be written; an earlier one is left as it was.
        """
        path = arguments.path("path", path)
        manifest.check(path, paths_of(self.inputs))
        manifest.write(path, self.image, self.manifest())
        for checkpoint in manifest.checkpoints_beside(path):
            checkpoint.unlink(missing_ok=True)
        return path

    def manifest(self) -> Manifest:
        """Return the manifest, without the picture's file."""
        facts = {"kind": manifest.MARK, "schema": SCHEMA, **self.facts}
        facts |= {"inputs": self.inputs, **manifest.environment()}
        facts |= {"finite": self.finite, "failure": self.failure, "history": self.history}
        if self.obstacles:
            facts["not_replayable"] = list(self.obstacles)
        return cast(Manifest, facts)

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        as_pillow(self.image).save(stream, "PNG")
        return stream.getvalue()

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        totals = self.history["total"]
        loss = f", loss {totals[-1]:.4g}" if totals else ""
        seconds = f", {self.facts['seconds']:.0f} s" if "seconds" in self.facts else ""
        failure = f", {self.failure}" if self.failure else ""
        return f"<Result {width} × {height}, {len(totals)} steps{loss}{seconds}{failure}>"


@dataclass(frozen=True)
class Progress:
    """The progress of a run, after a chunk of steps.

    Attributes:
        step: Steps taken over all scales.
        steps: Steps in total.
        size: Longest side of the current scale, pixels.
        loss: The weighted total at the last step.
        terms: Each term's unweighted loss by name.
        parts: Each term's part of `loss`, weighted: they add up to it.
        seconds: Since the run began.
        rate: Steps per second, in the last chunk.
        seconds_left: An estimate: a step costs in proportion to its pixels. None before a chunk
            that compiled nothing.
        image: The picture so far.
        result: What `stylize` returns; of the last element of `iterate` only.
    """

    step: int
    steps: int
    size: int
    loss: float
    terms: dict[str, float]
    parts: dict[str, float]
    seconds: float
    rate: float
    seconds_left: float | None
    image: Picture
    result: Result | None = None

    @property
    def share(self) -> float:
        """The part of all steps that is taken, from 0 to 1."""
        return self.step / max(1, self.steps)

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f"  {self.seconds_left:.0f} s left"
        parts = " + ".join(f"{name} {value:.3g}" for name, value in self.parts.items())
        return (
            f"step {self.step}/{self.steps}  {self.size} px{left}  loss {self.loss:.4g} = {parts}"
        )
