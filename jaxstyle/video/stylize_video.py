"""`stylize_video`: a clip in, the frames of a film out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Unpack

from jaxstyle._util import arguments
from jaxstyle.settings import Settings
from jaxstyle.transfer.changes import Changes
from jaxstyle.transfer.job import chosen_settings
from jaxstyle.transfer.sources import Source, Sources, as_styles
from jaxstyle.video.clip import Selection
from jaxstyle.video.film import Film, FilmFrame
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.flow_sources import flows_from
from jaxstyle.video.opening import clip_of
from jaxstyle.video.progress import FilmProgress, Meter
from jaxstyle.video.schedule import check_times


def stylize_video(
    frames: str | os.PathLike[str] | Iterable[Source],
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    film: FilmSettings | None = None,
    selection: Selection | None = None,
    style_times: Sequence[float] = (),
    flow: str | Path | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
    on_progress: Callable[[FilmProgress], object] | None = None,
    offline: bool = False,
    **changes: Unpack[Changes],
) -> Iterator[FilmFrame]:
    """Paint the frames of a clip like the style, so that what they show stays still.

    The first frame is made as `stylize` makes a picture. Each later one starts from the one before,
    moved along the optical flow, and is compared with it wherever that can be trusted.

    Args:
        frames: A file that PyAV opens (the extra `video`); a folder of pictures, sorted as people
            number them; a glob; or pictures in any form, one after the other.
        style: How to paint them, or several.
        settings: Everything that can be chosen of a picture; the defaults if not given. Masks and
            maps may be clips as well: a folder, a glob, or a film gives each frame its own.
        film: How frames follow one another; the defaults if not given.
        selection: Which frames are taken; all if not given.
        style_times: When each of several styles is the only one, seconds, ascending; between them
            they are faded. All count always if not given.
        flow: A folder of flow files by another program, `forward_1_2.flo` and `backward_2_1.flo`,
            with frames numbered from 1. OpenCV (the extra `video`) estimates it if not given.
        folder: Where what is done is kept, for `resume`. It may be removed in the end.
        resume: Resume with what is in `folder`; the frames are the same as without interruption.
        on_progress: Called between chunks of steps.
        offline: Never fetch weights or pictures.
        changes: Settings by name, on top of `settings`.

    Yields:
        The frames, in their order, as they are done.

    Raises:
        ValueError: A clip, a picture or a setting that cannot be used; a folder of another film;
            the extra `video` is needed, and not installed.
        TypeError: A setting that does not exist.
        OSError: A file that cannot be read or written; what is done is kept in `folder`.

    References:
        Ruder, Dosovitskiy & Brox, "Artistic style transfer for videos" (GCPR 2016, arXiv
        1604.08610). Deviations: `jaxstyle.video.trust`, `jaxstyle.video.painter`; terms are
        calibrated, and the first frame goes from coarse to fine.

    >>> import numpy as np
    >>> from jaxstyle.video.film_settings import FilmSettings
    >>> frame, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    >>> film = FilmSettings(frame_steps=1)
    >>> [f.number for f in stylize_video([frame] * 2, painting, film=film, steps=1, scales=1)]
    [0, 1]
    """
    arguments.instance("settings", settings, Settings, optional=True)
    arguments.instance("film", film, FilmSettings, optional=True)
    arguments.instance("selection", selection, Selection, optional=True)
    arguments.flags(resume=resume, offline=offline)
    arguments.functions(on_progress=on_progress)
    if folder is not None:
        arguments.path("folder", folder)
    elif resume:
        raise ValueError("expected a folder to resume from")
    styles, chosen = as_styles(style), chosen_settings(settings, changes)
    times = check_times(style_times, len(styles), chosen) if len(style_times) else ()
    clip, film = clip_of(frames, selection), film or FilmSettings()
    of = None if clip.count is None else clip.count * film.passes
    return Film(
        clip=clip,
        styles=styles,
        settings=chosen,
        film=film,
        flows=flows_from(flow),
        sources=Sources(offline=offline),
        selection=selection or Selection(),
        times=times,
        folder=None if folder is None else Path(folder),
        resume=resume,
        meter=Meter(of, on_progress),
    ).frames()
