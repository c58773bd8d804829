"""`synthesize`: samples in, a texture out; the one loop, without a content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Unpack

from jaxstyle._util import arguments
from jaxstyle.settings import CHECKPOINT_SECONDS, Settings
from jaxstyle.texture.settings import texture_settings
from jaxstyle.transfer.changes import Changes
from jaxstyle.transfer.job import Devices
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.result import Progress, Result
from jaxstyle.transfer.sources import Source, Sources
from jaxstyle.transfer.stylize import check_run, checkpoints_of, run_job


def synthesize(
    samples: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    on_progress: Callable[[Progress], object] | None = None,
    offline: bool = False,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    resume: bool = False,
    devices: Devices | None = None,
    **changes: Unpack[Changes],
) -> Result:
    """Make a texture like the samples.

    It is put together from patches of the samples, as large as `size` says. Where a metric or
    anything else of steps is given, the run is that of `stylize` without a content, from these
    patches or a file as `init` on, through sizes at which the samples grow from 64 pixels.

    Args:
        samples: What it is to look like: a file, `"sample:NAME"`, a `PIL.Image`, an array (float in
            [0, 1] or uint8), bytes, or an open file; a list or tuple of several, which are mixed,
            or with `regions` go to one label each. One larger than the texture is reduced to its
            longest side; a smaller one keeps its own size.
        settings: Everything that can be chosen; the defaults of a texture if not given.
        on_progress: As for `stylize`; so are the others.
        offline: Never fetch weights or pictures.
        checkpoint: The picture's file, beside which the run's state is written for `resume`.
        checkpoint_seconds: Between two of them.
        resume: Resume from the newest checkpoint that is whole, if there is one.
        devices: Divide the picture among devices.
        changes: Settings by name: `size`, one side of a square or `"WIDTHxHEIGHT"`; `tile="both"`
            for copies that fit together; `regions`, a map of which sample goes where.

    Returns:
        The picture, every term's history, and whether all stayed finite.

    Raises:
        ValueError: A picture or a setting that cannot be used; a checkpoint of another run.
        TypeError: A setting that does not exist; an argument of another kind.
        OSError: A file or weights that are not installed.

    References:
        Gatys, Ecker & Bethge, "Texture Synthesis Using Convolutional Neural Networks" (NIPS 2015):
        the idea. Its own metric and constants are the recipe `gatys_texture`.

    >>> import numpy as np
    >>> sample = np.random.default_rng(0).random((24, 24, 3))
    >>> synthesize(sample, size="48x32", steps=1, scales=1).image.shape
    (32, 48, 3)
    """
    arguments.functions(on_progress=on_progress)
    check_run(settings, offline, checkpoint, checkpoint_seconds, resume)
    chosen = texture_settings(settings, changes)
    job = make_job(None, samples, chosen, Sources(offline=offline)).over(devices)
    checkpoints = checkpoints_of(job, checkpoint, checkpoint_seconds)
    return run_job(job, on_progress=on_progress, checkpoints=checkpoints, resume=resume)
