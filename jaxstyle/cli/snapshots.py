"""Unfinished pictures of a run: previews, frames, and what an interruption leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxstyle._util.files import check_folder, check_outputs, reason
from jaxstyle._util.log import logger

if TYPE_CHECKING:
    from jaxstyle.image.encode import Encoding
    from jaxstyle.transfer.result import Progress

_PREVIEW_SECONDS = 3.0


def check_frames(
    frames: Path | None, output: Path, read: Sequence[str | Path], *, resume: bool
) -> None:
    """Refuse a folder for frames that holds those of another run, or a file that is read.

    Raises:
        ValueError: It does, or it is no folder.
    """
    if frames is None:
        return
    check_folder(frames)
    if output.stem.isdigit() and output.resolve().parent == frames.resolve():
        raise ValueError(f"{output} could be one of the frames; choose another output")
    numbered = [path for path in frames.glob("*.png") if path.stem.isdigit()]
    if numbered and not resume:
        raise ValueError(
            f"{frames} has the frames of another run; choose another folder, or empty it"
        )
    check_outputs(numbered, read)


class Snapshots:
    """Writes unfinished pictures: to the output now and then, and as frames named by step.

    One that cannot be written is logged, and the others are left out: the run goes on.

    Attributes:
        outputs: What it writes to.
    """

    def __init__(
        self,
        output: Path,
        frames: Path | None,
        encoding: Encoding,
        *,
        preview: bool,
        resume: bool,
    ) -> None:
        from jaxstyle.transfer import manifest

        self._output, self._frames, self._preview = output, frames, preview
        self._encoding = encoding
        self._written = 0.0
        self._last: Progress | None = None
        # A finished picture has a manifest; one that an interrupted run left has none.
        unfinished = resume and not manifest.beside(output).exists()
        self._may_replace = preview or unfinished or not output.exists()
        self.outputs = [output, manifest.beside(output), *([frames] if frames else [])]
        if frames:
            frames.mkdir(parents=True, exist_ok=True)

    def __call__(self, progress: Progress) -> None:
        """Write what is due at this point of the run."""
        self._last = progress
        if self._preview and progress.seconds - self._written >= _PREVIEW_SECONDS:
            try:
                self._write(progress)
            except OSError as error:
                logger.warning(f"no preview, and none after it: {reason(error)}")
                self._preview = False
            self._written = progress.seconds
        if self._frames:
            self._write_frame(self._frames, progress)

    def _write_frame(self, folder: Path, progress: Progress) -> None:
        from jaxstyle.image.io import storable, write_image

        path = folder / f"{progress.step:05}.png"
        try:
            # Named by step, so that a resumed run continues the frames.
            write_image(path, storable(path, progress.image, progress.alpha))
        except OSError as error:
            logger.warning(f"no frame of step {progress.step}, and none after it: {reason(error)}")
            self._frames = None

    def save(self) -> str | None:
        """Write the last picture, unless a finished one is in its place, and return where it is.

        The answer is a clause for a message, or None if there is no picture yet.
        """
        if not self._last:
            return None
        if not self._may_replace:
            return f"{self._output} is unchanged"
        try:
            self._write(self._last)
        except OSError as error:
            return f"no picture: {reason(error)}"
        return f"step {self._last.step} is in {self._output}"

    def _write(self, progress: Progress) -> None:
        from jaxstyle.image.io import storable
        from jaxstyle.transfer import manifest

        pixels = storable(self._output, progress.image, progress.alpha)
        manifest.replace_picture(self._output, pixels, self._encoding)
