"""A film from a clip to a file or to a folder of frames, with its manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from jaxstyle._util.files import check_outputs, reason, sha256
from jaxstyle._util.lock import exclusive_lock
from jaxstyle._util.log import logger
from jaxstyle.image.io import write_image
from jaxstyle.settings import SCHEMA, Settings
from jaxstyle.transfer.manifest import beside
from jaxstyle.transfer.sources import Source, Sources, as_styles
from jaxstyle.video import manifest as film_manifest
from jaxstyle.video.clip import Clip, Selection
from jaxstyle.video.film import NO_PICTURE, Film, FilmFrame, OnProgress
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.flow_sources import flows_from
from jaxstyle.video.kept import Kept, unfinished
from jaxstyle.video.opening import clip_of
from jaxstyle.video.schedule import check_times
from jaxstyle.video.writing import Encoding, Shown, check_film, write_film


@dataclass(frozen=True)
class FilmRun:
    """What a film is made of, and where to.

    Attributes:
        clip: A file, a folder or a glob.
        styles: How it is painted.
        output: The film's file, or a folder for its frames.
        settings: Of its pictures.
        film: How its frames follow one another.
        selection: Which frames are taken.
        times: When each style is shown; empty for all of them always.
        flow: A folder of flow files, or None.
        encoding: How the file is written.
        offline: Never fetch anything.
    """

    clip: str
    styles: Sequence[Source]
    output: Path
    settings: Settings
    film: FilmSettings = field(default_factory=FilmSettings)
    selection: Selection = field(default_factory=Selection)
    times: tuple[float, ...] = ()
    flow: Path | None = None
    encoding: Encoding = field(default_factory=Encoding)
    offline: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether the frames are written as pictures."""
        return not self.output.suffix or self.output.is_dir()

    @property
    def manifest(self) -> Path:
        """Where the manifest lies."""
        return self.output / "film.json" if self.is_folder else beside(self.output)

    def check(self) -> Clip:
        """Check everything that can be checked before a frame is painted, and open the clip.

        Raises:
            ValueError: Something cannot be used or written, or would be overwritten.
            OSError: Something is missing.
        """
        if self.is_folder:
            if self.encoding != Encoding():
                raise ValueError("expected codec, crf and lossless for a film, not for a folder")
            if self.output.is_file():
                raise ValueError(f"expected a folder, {self.output} is a file")
            if self.output.resolve() == Path(self.clip).resolve():
                raise ValueError(f"{self.output} would be overwritten, and is read")
        else:
            check_film(self.output, self.encoding)
        clip = clip_of(self.clip, self.selection)
        styles = [s for s in self.styles if isinstance(s, (str, os.PathLike))]
        check_outputs((self.output, self.manifest), (*clip.files, *map(str, styles)))
        if self.manifest.exists() and film_manifest.read(self.manifest) is None:
            raise ValueError(
                f"{self.manifest} exists and is not the manifest of a film; choose another output"
            )
        return clip

    def make(self, *, resume: bool = False, on_progress: OnProgress | None = None) -> int:
        """Make the film, and its manifest.

        Args:
            resume: Resume where it was interrupted.
            on_progress: Called between chunks of steps.

        Returns:
            The number of its frames.

        Raises:
            ValueError: Something cannot be used.
            OSError: Something cannot be read or written; what is done is kept beside the output.
        """
        clip = self.check()
        with exclusive_lock(self.output):
            try:
                return self._make(clip, resume, on_progress)
            except (OSError, ValueError) as error:
                is_kept = any(unfinished(self.output).glob("*.npz"))
                if not is_kept or "--resume" in str(error):
                    raise
                text = f"{reason(error)}; what is done is kept, and --resume continues"
                raise (
                    type(error)(text) if type(error) in (OSError, ValueError) else OSError(text)
                ) from error

    def _make(self, clip: Clip, resume: bool, on_progress: OnProgress | None) -> int:
        styles = as_styles(list(self.styles))
        times = check_times(self.times, len(styles), self.settings) if self.times else ()
        film = Film(
            clip=clip,
            styles=styles,
            settings=self.settings,
            film=self.film,
            flows=flows_from(self.flow),
            sources=Sources(offline=self.offline),
            selection=self.selection,
            times=times,
            folder=unfinished(self.output),
            resume=resume,
            on_progress=on_progress,
        )
        with closing(film.frames()) as frames:
            # The folder has the pictures: thousands of them would fill the memory.
            painted = [replace(frame, image=NO_PICTURE) for frame in frames]
        shown = _shown(film, painted)
        if self.is_folder:
            self._write_frames(clip, shown)
        else:
            write_film(self.output, shown, clip, self.encoding)
        self._write_manifest(clip, film, painted)
        Kept(unfinished(self.output)).remove()
        return len(painted)

    def _write_frames(self, clip: Clip, shown: Iterator[Shown]) -> None:
        self.output.mkdir(parents=True, exist_ok=True)
        for number, (pixels, _, _) in enumerate(shown):
            name = clip.names[number] if clip.names else f"frame-{number + 1:06}"
            write_image(self.output / f"{name}.png", pixels)

    def _write_manifest(self, clip: Clip, film: Film, frames: Sequence[FilmFrame]) -> None:
        """Write the manifest; one that cannot be written is logged: the film is there."""
        inputs: dict[str, dict[str, str]] = {"clip": {"path": self.clip}}
        if len(clip.files) == 1:
            inputs["clip"]["sha256"] = sha256(clip.files[0])
        inputs |= film.shared["inputs"]
        if self.flow is not None:
            inputs["flow"] = {"path": str(self.flow)}
        output = {"name": self.output.name, **asdict(self.encoding)}
        if not self.is_folder:
            output["sha256"] = sha256(self.output)
        facts = {
            "schema": SCHEMA,
            **film.shared,
            "inputs": inputs,
            "selection": self.selection.to_plain(),
            "output": output,
            "frames": [{"time": round(f.seconds, 6), **f.facts} for f in frames],
        }
        try:
            film_manifest.write(self.manifest, facts)
        except OSError as error:
            logger.warning(f"the film is in {self.output}, but without a manifest: {error}")


def _shown(film: Film, frames: Sequence[FilmFrame]) -> Iterator[Shown]:
    assert film.folder is not None
    kept = Kept(film.folder)
    for frame in frames:
        pixels = np.round(255 * kept.shown(frame.number)).astype(np.uint8)
        yield pixels, frame.seconds, frame.duration
