"""A film from a clip to a file or to a folder of frames, with its manifest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from jaxstyle._util.files import check_outputs, reason, sha256, write_whole
from jaxstyle._util.lock import exclusive_lock
from jaxstyle._util.log import logger
from jaxstyle.image.io import write_image
from jaxstyle.settings import SCHEMA, Settings, pictures_of
from jaxstyle.transfer import manifest_paths
from jaxstyle.transfer.manifest import beside
from jaxstyle.transfer.sources import Source, Sources, as_styles
from jaxstyle.video.clip import Clip, Selection, clip_of
from jaxstyle.video.film import Film, FilmFrame, OnProgress
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.flow_sources import flows_from
from jaxstyle.video.kept import unfinished
from jaxstyle.video.schedule import check_times
from jaxstyle.video.writing import Encoding, Shown, check_film, write_film

MARK = "jaxstyle film"
"""The kind of a film's manifest."""


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
        if self.manifest.exists() and read_manifest(self.manifest) is None:
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
                if not any(unfinished(self.output).glob("*.npz")):
                    raise
                text = f"{reason(error)}; what is done is kept, and --resume continues"
                raise type(error)(text) if type(error) in (OSError, ValueError) else OSError(
                    text
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
        painted: list[FilmFrame] = []
        digests: list[str] = []
        with closing(film.frames()) as frames:
            for frame in frames:
                digests.append(frame.facts["sha256"])
                painted.append(_without_image(frame))
        shown = _shown(film, painted)
        if self.is_folder:
            self._write_frames(clip, shown)
        else:
            write_film(self.output, shown, clip, self.encoding)
        self._write_manifest(clip, film, painted)
        from jaxstyle.video.kept import Kept

        Kept(unfinished(self.output)).remove()
        return len(painted)

    def _write_frames(self, clip: Clip, shown: Iterator[Shown]) -> None:
        self.output.mkdir(parents=True, exist_ok=True)
        for number, (pixels, _, _) in enumerate(shown):
            name = clip.names[number] if clip.names else f"frame-{number + 1:06}"
            write_image(self.output / f"{name}.png", pixels)

    def _write_manifest(self, clip: Clip, film: Film, frames: Sequence[FilmFrame]) -> None:
        """Write the manifest; one that cannot be written is logged: the film is there."""
        path = self.manifest
        facts = {"kind": MARK, "schema": SCHEMA, **film.shared}
        inputs = dict(film.shared["inputs"])
        record = {"path": str(self.clip)}
        if clip.audio or len(clip.files) == 1:
            record["sha256"] = sha256(clip.files[0])
        facts["inputs"] = {"clip": record, **inputs}
        facts["selection"] = {
            "start": self.selection.start,
            "end": self.selection.end,
            "every": self.selection.every,
            "fps": None if self.selection.rate is None else str(self.selection.rate),
        }
        if self.flow is not None:
            facts["inputs"]["flow"] = {"path": str(self.flow)}
        facts["output"] = {"name": self.output.name, **self.encoding.to_plain()}
        if not self.is_folder:
            facts["output"]["sha256"] = sha256(self.output)
        facts["frames"] = [{"time": round(f.seconds, 6), **f.facts} for f in frames]
        facts = manifest_paths.relative_to(path.parent, facts)
        text = json.dumps(facts, indent=1) + "\n"
        try:
            write_whole(path, lambda file: file.write(text.encode()))
        except OSError as error:
            logger.warning(f"the film is in {self.output}, but without a manifest: {error}")


def _without_image(frame: FilmFrame) -> FilmFrame:
    return FilmFrame(
        frame.number, np.zeros((0, 0, 3), np.float32), frame.seconds, frame.duration, frame.facts
    )


def _shown(film: Film, frames: Sequence[FilmFrame]) -> Iterator[Shown]:
    from jaxstyle.video.kept import Kept

    assert film.folder is not None
    kept = Kept(film.folder)
    for frame in frames:
        pixels = np.round(255 * kept.shown(frame.number)).astype(np.uint8)
        yield pixels, frame.seconds, frame.duration


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Read a film's manifest; None if the file is none. Its paths can be opened from here.

    Raises:
        ValueError: It is one, but damaged.
    """
    try:
        facts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(facts, dict) or facts.get("kind") != MARK:
        return None
    for name, kind in _FORM.items():
        if not isinstance(facts.get(name), kind):
            raise ValueError(f"{path} is a damaged manifest: expected {name}")
    return manifest_paths.located(path, facts)


_FORM: Mapping[str, type] = {
    "settings": dict,
    "film": dict,
    "inputs": dict,
    "selection": dict,
    "output": dict,
    "frames": list,
    "times": list,
    "weights": dict,
}


def replayed(
    run: Path, output: Path, inputs: Mapping[str, str], *, offline: bool = False
) -> FilmRun:
    """Return the run that makes the film of a manifest again.

    Args:
        run: The manifest.
        output: The new film.
        inputs: Where inputs are now, by role: `clip`, `style`, …
        offline: Never fetch anything.

    Raises:
        ValueError: It is no manifest of a film, it is not replayable, or an input changed.
        OSError: An input is missing.
    """
    from jaxstyle.transfer.replay import place_of, recorded_settings

    facts = read_manifest(run)
    if facts is None:
        raise ValueError(f"{run} is not the manifest of a film of jaxstyle")
    if missing := facts.get("not_replayable"):
        raise ValueError(f"{run} is not replayable: a manifest cannot hold {', '.join(missing)}")
    sources = Sources(offline=offline)
    records = dict(facts["inputs"])
    unknown = [role for role in inputs if role not in records]
    if unknown:
        raise ValueError(f"no input {unknown[0]!r} among {', '.join(records)}")
    clip, flow = records.pop("clip"), records.pop("flow", None)
    place = inputs.get("clip", clip["path"])
    if "sha256" in clip and Path(place).is_file() and sha256(place) != clip["sha256"]:
        raise ValueError(f"the clip, {place}, is not the file that it was")
    paths = {
        role: place_of(run, role, record, inputs.get(role), False, sources)
        for role, record in records.items()
    }
    selection = facts["selection"]
    rate = selection["fps"]
    encoding = {k: v for k, v in facts["output"].items() if k in ("codec", "crf", "lossless")}
    films = {".mp4", ".m4v", ".mov", ".mkv", ".webm"}
    if output.suffix.lower() not in films or output.suffix != Path(facts["output"]["name"]).suffix:
        encoding = {}
    return FilmRun(
        clip=str(place),
        styles=[path for role, path in paths.items() if role.partition("#")[0] == "style"],
        output=output,
        settings=recorded_settings(run, facts, paths),  # type: ignore[arg-type]
        film=FilmSettings.from_plain(facts["film"]),
        selection=Selection(
            selection["start"],
            selection["end"],
            selection["every"],
            None if rate is None else Fraction(rate),
        ),
        times=tuple(facts["times"]),
        flow=None if flow is None else Path(flow["path"]),
        encoding=Encoding(**encoding),
        offline=offline,
    )


__all__ = ["MARK", "FilmRun", "pictures_of", "read_manifest", "replayed"]
