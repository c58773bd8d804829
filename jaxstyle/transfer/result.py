"""What a run gives: its result, and its progress meanwhile."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

from jaxstyle._util import arguments
from jaxstyle._util.log import logger
from jaxstyle.image.encode import Encoding, as_pillow
from jaxstyle.image.geometry import Alpha, Picture
from jaxstyle.image.io import format_of, storable
from jaxstyle.image.transparency import with_alpha
from jaxstyle.settings import SCHEMA
from jaxstyle.transfer import manifest
from jaxstyle.transfer.manifest import Facts, Manifest, paths_of
from jaxstyle.transfer.manifest_paths import Inputs


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
        alpha: The content's transparency, from 0 to 1, shape (height, width); None if it is opaque.
    """

    image: Picture
    history: dict[str, list[float]]
    failure: str | None
    facts: Facts
    inputs: Inputs = field(default_factory=dict)
    obstacles: tuple[str, ...] = ()
    alpha: Alpha | None = None

    @property
    def finite(self) -> bool:
        """Whether every loss, gradient and pixel stayed finite."""
        return self.failure is None

    def save(
        self,
        path: str | Path,
        *,
        bits: int | None = None,
        quality: int | None = None,
        dpi: float | None = None,
        metadata: bool | None = None,
    ) -> Path:
        """Write the picture, and its manifest beside it (`out.png` has `out.json`).

        Checkpoints of a run that was to make this file are removed. An argument that is not given
        is what the picture had that was replayed, if the format has it.

        Args:
            path: Ends in .png, .jpg, .jpeg, .webp, .tif or .tiff. JPEG holds no transparency: white
                is behind the picture there.
            bits: Of each value: 8, or 16 in PNG and TIFF.
            quality: Of JPEG and WebP, 1 to 100 (95).
            dpi: Pixels per inch, for whoever prints the picture.
            metadata: Whether the settings are stored inside the picture, too, with the names of
                files but not their folders (True).

        Returns:
            The path.

        Raises:
            ValueError: An unknown extension, a file that is not a manifest is in the way, the path
                is that of a picture that the run read, or an argument is out of its range.
            OSError: The picture cannot be written; an earlier one is left as it was.
        """
        path = arguments.path("path", path)
        given = {"bits": bits, "quality": quality, "dpi": dpi, "metadata": metadata}
        encoding = self.encoding(path, given)
        manifest.check(path, paths_of(self.inputs))
        pixels = storable(path, self.image, self.alpha)
        if self.alpha is not None and pixels.shape[2] == 3:
            logger.info(f"{path}: JPEG has no transparency, so white is behind the picture")
        manifest.write(path, pixels, self.manifest(), encoding)
        for checkpoint in manifest.checkpoints_beside(path):
            checkpoint.unlink(missing_ok=True)
        return path

    def encoding(self, path: str | Path, given: Mapping[str, Any]) -> Encoding:
        """Return how a file is written: as given, else as it was before, if the format has it."""
        before = Encoding.from_plain(self.facts.get("output", {})).for_format(format_of(path))
        return replace(
            before, **{name: value for name, value in given.items() if value is not None}
        )

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
        as_pillow(with_alpha(self.image, self.alpha)).save(stream, "PNG")
        return stream.getvalue()

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        totals = self.history["total"]
        loss = f", loss {totals[-1]:.4g}" if totals else ""
        seconds = f", {self.facts['seconds']:.0f} s" if "seconds" in self.facts else ""
        failure = f", {self.failure}" if self.failure else ""
        return f"<Result {width} × {height}, {len(totals)} steps{loss}{seconds}{failure}>"


class Losses(NamedTuple):
    """The losses of a step."""

    step: int  # from 1
    total: float  # weighted
    terms: dict[str, float]  # each term's, unweighted
    parts: dict[str, float]  # each term's part of the total


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
        alpha: The transparency of `image`; None if it is opaque.
        latest: The losses of each step since the progress before.
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
    alpha: Alpha | None = None
    latest: tuple[Losses, ...] = ()

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
