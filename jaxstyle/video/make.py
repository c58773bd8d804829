"""A film from a clip to a file or to a folder of frames, with its manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jaxstyle._util.files import check_outputs, sha256
from jaxstyle._util.log import logger
from jaxstyle.image.io import write_image
from jaxstyle.settings import SCHEMA, Settings
from jaxstyle.transfer.manifest import beside, differing_settings
from jaxstyle.transfer.sources import Source, Sources, as_styles
from jaxstyle.video import manifest as film_manifest
from jaxstyle.video.clip import Clip, Selection
from jaxstyle.video.film import Film, FilmFrame
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.flow_sources import flows_from
from jaxstyle.video.kept import Kept, unfinished
from jaxstyle.video.opening import clip_of
from jaxstyle.video.progress import Meter
from jaxstyle.video.schedule import check_times
from jaxstyle.video.writing import Encoding, Shown, check_film, check_parent, write_film


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
        then: What a manifest says of the frames: each is painted in the lane in which it was.
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
    then: Sequence[Mapping[str, Any]] = ()

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
            check_parent(self.output)
        clip = clip_of(self.clip, self.selection)
        styles = [s for s in self.styles if isinstance(s, (str, os.PathLike))]
        check_outputs((self.output, self.manifest), (*clip.files, *map(str, styles)))
        if self.manifest.exists() and film_manifest.read(self.manifest) is None:
            raise ValueError(
                f"{self.manifest} exists and is not the manifest of a film; choose another output"
            )
        return clip

    def film_of(
        self, clip: Clip, sources: Sources, meter: Meter, *, folder: Path | None, resume: bool
    ) -> Film:
        """Return the film as it is painted.

        Args:
            clip: What `check` opened.
            sources: Where pictures and weights come from.
            meter: To whom frames are reported.
            folder: Where what is done is kept; None for nowhere.
            resume: Resume where it was interrupted.

        Raises:
            ValueError: Times that do not go with the styles, or no such folder of flow files.
        """
        styles = as_styles(list(self.styles))
        return Film(
            clip=clip,
            styles=styles,
            settings=self.settings,
            film=self.film,
            flows=flows_from(self.flow),
            sources=sources,
            selection=self.selection,
            times=check_times(self.times, len(styles), self.settings) if self.times else (),
            folder=folder,
            resume=resume,
            meter=meter,
        )

    def finished(self, film: Film) -> list[dict[str, Any]] | None:
        """Return the facts of a film's frames if it is there, whole, of the same; else None.

        Args:
            film: That was opened.
        """
        then = film_manifest.read(self.manifest) if self.manifest.exists() else None
        if then is None:
            return None
        now, of_frames = self._facts(film), then["frames"]
        output = {name: one for name, one in then["output"].items() if name != "sha256"}
        weights = then["weights"].items()
        is_same = (
            output == now["output"]
            and all(then[name] == now[name] for name in ("film", "times", "selection", "scales"))
            and all(now["weights"].get(name, digest) == digest for name, digest in weights)
            # A metric or an optimizer that is an object may be another one of the same name.
            and {*then.get("not_replayable", [])} <= {*then["inputs"]}
            and _what(then["inputs"]) == _what(now["inputs"])
            and not differing_settings(now["settings"], now["inputs"], then)  # type: ignore[arg-type]
        )
        if is_same and self.is_folder:
            places = (self._picture(film.clip, number) for number in range(len(of_frames)))
            is_same = all(place.is_file() for place in places)
        elif is_same:
            is_same = self.output.is_file() and sha256(self.output) == then["output"]["sha256"]
        if is_same and "sha256" not in now["inputs"]["clip"]:
            is_same = [*film.digests()] == [facts["sha256"] for facts in of_frames]
        return of_frames if is_same else None

    def write(self, film: Film) -> None:
        """Write the film, all of whose frames are painted, and its manifest.

        Raises:
            OSError: It cannot be written; its frames are kept.
        """
        frames = [film.painted[number] for number in sorted(film.painted)]
        if self.is_folder:
            self._write_frames(film.clip, _shown(film, frames))
        else:
            write_film(self.output, _shown(film, frames), film.clip, self.encoding)
        self._write_manifest(film, frames)
        Kept(unfinished(self.output)).remove()

    def _write_frames(self, clip: Clip, shown: Iterator[Shown]) -> None:
        self.output.mkdir(parents=True, exist_ok=True)
        for number, (pixels, _, _) in enumerate(shown):
            write_image(self._picture(clip, number), pixels)

    def _picture(self, clip: Clip, number: int) -> Path:
        name = clip.names[number] if clip.names else f"frame-{number + 1:06}"
        return self.output / f"{name}.png"

    def _write_manifest(self, film: Film, frames: Sequence[FilmFrame]) -> None:
        """Write the manifest; one that cannot be written is logged: the film is there."""
        facts = self._facts(film)
        if not self.is_folder:
            facts["output"]["sha256"] = sha256(self.output)
        facts["frames"] = [{"time": round(f.seconds, 6), **f.facts} for f in frames]
        try:
            film_manifest.write(self.manifest, facts)
        except OSError as error:
            logger.warning(f"the film is in {self.output}, but without a manifest: {error}")

    def _facts(self, film: Film) -> dict[str, Any]:
        """Return what the manifest says of a film but for its frames."""
        inputs: dict[str, dict[str, str]] = {"clip": {"path": self.clip}}
        if len(film.clip.files) == 1:
            inputs["clip"]["sha256"] = sha256(film.clip.files[0])
        inputs |= film.shared["inputs"]
        if self.flow is not None:
            inputs["flow"] = {"path": str(self.flow)}
        return {
            "schema": SCHEMA,
            **film.shared,
            "inputs": inputs,
            "selection": self.selection.to_plain(),
            "output": {"name": self.output.name, **asdict(self.encoding)},
        }


def _what(inputs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return of each input its SHA-256; of a folder where it is."""
    return {
        role: record.get("sha256") or os.path.realpath(record["path"])
        for role, record in inputs.items()
    }


def _shown(film: Film, frames: Sequence[FilmFrame]) -> Iterator[Shown]:
    assert film.folder is not None
    kept = Kept(film.folder)
    for frame in frames:
        pixels = np.round(255 * kept.shown(frame.number)).astype(np.uint8)
        yield pixels, frame.seconds, frame.duration
