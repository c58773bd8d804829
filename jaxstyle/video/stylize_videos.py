"""`stylize_videos`: clips in, a folder of films out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from jaxstyle._util import arguments
from jaxstyle._util.files import check_folder
from jaxstyle.settings import Settings
from jaxstyle.transfer.changes import Changes
from jaxstyle.transfer.job import chosen_settings
from jaxstyle.transfer.run_jobs import check_lanes
from jaxstyle.transfer.sources import Source, as_styles
from jaxstyle.video.clip import Selection
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.make import FilmRun
from jaxstyle.video.make_films import MadeFilm, make_films
from jaxstyle.video.names import films_in
from jaxstyle.video.progress import FilmProgress
from jaxstyle.video.writing import Encoding


def stylize_videos(
    clips: Sequence[str | os.PathLike[str]],
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    folder: str | Path,
    film: FilmSettings | None = None,
    selection: Selection | None = None,
    style_times: Sequence[float] = (),
    format: str = "mp4",
    lanes: int | None = None,
    resume: bool = False,
    on_progress: Callable[[FilmProgress], object] | None = None,
    offline: bool = False,
    **changes: Unpack[Changes],
) -> list[MadeFilm]:
    """Paint clips like the style, into a folder of films.

    Clips of one shape are painted together, frame by frame, each a lane of one compiled program;
    each film is that which `stylize_video` makes of its clip, to rounding. A film is written, with
    its manifest, as soon as it is painted, under the name of its clip: `a.mp4`. One that fails is
    logged, and the others go on.

    Args:
        clips: Files that PyAV opens (the extra `video`), folders of pictures, or globs.
        style: How to paint them, or several: all are painted like all of these.
        settings: Everything that can be chosen of a picture; the defaults if not given.
        folder: Where the films go; created if it is missing.
        film: How frames follow one another; the defaults if not given.
        selection: Which frames of each clip are taken; all if not given.
        style_times: As for `stylize_video`.
        format: `"mp4"`, `"m4v"`, `"mov"`, `"mkv"`, `"webm"`, or `"frames"`: a folder of pictures.
        lanes: The most films at a time; if there are fewer, scenes of theirs are lanes, too
            (default: 16 films for each device, or fewer as memory allows; no scenes).
        resume: Resume with what is in the folder: films that are there, whole, of the same settings
            and clips are not made again.
        on_progress: Called between chunks of steps, with the frames of all films.
        offline: Never fetch weights or pictures.
        changes: Settings by name, on top of `settings`.

    Returns:
        What became of each clip, in order; of one that is given twice, once.

    Raises:
        ValueError: A setting that cannot be used; no clip, or none that can be painted.
        TypeError: A setting that does not exist; an argument of another kind.
        OSError: A folder that cannot be written; weights that are not installed.

    >>> import tempfile
    >>> import numpy as np
    >>> from jaxstyle.image.io import write_image
    >>> from jaxstyle.video.film_settings import FilmSettings
    >>> folder, clips = tempfile.mkdtemp(), []
    >>> for name in "ab":
    ...     clips.append(f"{folder}/{name}")
    ...     os.mkdir(clips[-1])
    ...     write_image(f"{clips[-1]}/1.png", np.random.default_rng(0).random((24, 32, 3)))
    >>> short = {"film": FilmSettings(frame_steps=1), "steps": 1, "scales": 1}
    >>> painting = np.random.default_rng(1).random((24, 32, 3))
    >>> films = stylize_videos(clips, painting, folder=f"{folder}/out", format="frames", **short)
    >>> [(one.film.name, one.status, one.frames) for one in films]
    [('a', 'made', 1), ('b', 'made', 1)]
    """
    arguments.instance("settings", settings, Settings, optional=True)
    arguments.instance("film", film, FilmSettings, optional=True)
    arguments.instance("selection", selection, Selection, optional=True)
    arguments.flags(resume=resume, offline=offline)
    arguments.functions(on_progress=on_progress)
    check_lanes(lanes, None)
    folder = arguments.path("folder", folder)
    check_folder(folder)
    given = [clips] if isinstance(clips, (str, os.PathLike)) else clips
    if not given:
        raise ValueError("expected clips, got none")
    common = FilmRun(
        clip="",
        styles=as_styles(style),
        output=folder,
        settings=chosen_settings(settings, changes),
        film=film or FilmSettings(),
        selection=selection or Selection(),
        times=tuple(style_times),
        encoding=Encoding(),
        offline=offline,
    )
    runs = [
        replace(common, clip=clip, output=output)
        for clip, output in films_in(folder, [os.fspath(clip) for clip in given], format)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    return make_films(runs, lanes=lanes, resume=resume, on_progress=on_progress)
