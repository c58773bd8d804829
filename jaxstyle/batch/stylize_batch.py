"""`stylize_batch`: a folder of pictures in, a folder of pictures out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from jaxstyle._util import arguments
from jaxstyle._util.files import check_folder, check_outputs
from jaxstyle._util.lock import exclusive_lock
from jaxstyle.batch.names import Pair, outputs_of, pairs_of
from jaxstyle.batch.pictures import gather, is_remote
from jaxstyle.batch.progress import OnProgress
from jaxstyle.batch.run import Batch, BatchPicture
from jaxstyle.image.encode import Encoding, check_encoding
from jaxstyle.image.io import FORMATS
from jaxstyle.objective.build import extractor_for, terms_from_settings
from jaxstyle.optim import optimizers
from jaxstyle.settings import Settings, pictures_of
from jaxstyle.transfer import manifest
from jaxstyle.transfer.changes import Changes
from jaxstyle.transfer.job import chosen_settings
from jaxstyle.transfer.run_jobs import check_lanes
from jaxstyle.transfer.sources import Source, Sources


def stylize_batch(
    contents: Source | Sequence[Source],
    styles: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    folder: str | Path,
    pairwise: bool = False,
    recursive: bool = False,
    format: str = "png",
    resume: bool = False,
    skip_existing: bool = False,
    lanes: int | None = None,
    on_progress: OnProgress | None = None,
    offline: bool = False,
    bits: int | None = None,
    quality: int | None = None,
    dpi: float | None = None,
    metadata: bool | None = None,
    **changes: Unpack[Changes],
) -> list[BatchPicture]:
    """Paint many pictures, each like one style, into a folder.

    Pictures of one shape are lanes of one compiled program, as many at a time as there is memory
    for. Each is written, with its manifest, as soon as its lanes are done, under the name of its
    content: `photo.jpg` becomes `photo.png`, or `photo-painting.png` if there are several styles. A
    name that occurs twice gets a number: `photo-2.png`. A picture that fails is logged, and the
    others go on.

    Args:
        contents: What to show: one or several of a picture file, `"sample:NAME"`, a folder, a glob
            such as `"photos/*.jpg"`, `"@FILE"` for the lines of a text file, or a picture in any
            other form that `stylize` takes. Of folders and globs, hidden files are left out, and
            pictures that jaxstyle made.
        styles: How to paint it: likewise. Every content is painted like every style.
        settings: Everything that can be chosen; the defaults if not given.
        folder: Where the pictures go; created if it is missing. A batch that is interrupted leaves
            a checkpoint there.
        pairwise: The first content like the first style, the second like the second …
        recursive: Search folders with their sub-folders, which `folder` gets, too.
        format: Of the pictures: `"png"`, `"jpg"`, `"webp"` or `"tif"`.
        resume: Do not make pictures again that are there, whole, of the same settings and files;
            and resume a batch that was interrupted.
        skip_existing: Do not make pictures whose files are there, whatever they are.
        lanes: The most pictures at a time (default: 16 for each device, or fewer as memory allows).
        on_progress: Called between chunks of steps.
        offline: Never fetch weights or pictures.
        bits: As for `Result.save`; so are `quality`, `dpi` and `metadata`.
        quality: Of JPEG and WebP.
        dpi: Pixels per inch.
        metadata: Whether settings are stored inside the pictures, too.
        changes: Settings by name, on top of `settings`.

    Returns:
        What became of each picture, in order: of a content all styles, then the next content.

    Raises:
        ValueError: A setting that cannot be used; no picture, or none that can be made; a picture
            that would be written over one that is read.
        TypeError: A setting that does not exist; an argument of another kind.
        OSError: A folder that cannot be read or written; weights that are not installed.

    >>> import tempfile
    >>> import numpy as np
    >>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    >>> folder = tempfile.mkdtemp()
    >>> made = stylize_batch([photo, photo / 2], painting, folder=folder, steps=1, scales=1)
    >>> [(one.picture.name, one.status) for one in made]
    [('picture.png', 'made'), ('picture-2.png', 'made')]
    """
    arguments.instance("settings", settings, Settings, optional=True)
    arguments.flags(
        pairwise=pairwise,
        recursive=recursive,
        resume=resume,
        skip_existing=skip_existing,
        offline=offline,
    )
    arguments.functions(on_progress=on_progress)
    check_lanes(lanes, None)
    folder = arguments.path("folder", folder)
    check_folder(folder)
    extension = f".{arguments.text('format', format)}"
    if extension not in FORMATS:
        raise ValueError(f"expected format as {', '.join(n[1:] for n in FORMATS)}, got {format!r}")
    given = {"bits": bits, "quality": quality, "dpi": dpi, "metadata": metadata}
    encoding = Encoding(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    check_encoding(FORMATS[extension], f"a {extension} file", encoding)
    chosen = chosen_settings(settings, changes)
    photos = gather(contents, recursive=recursive, output=folder)
    pairs = pairs_of(photos, gather(styles, output=folder), pairwise)
    outputs = outputs_of(pairs, folder, extension, reads_manifests=not skip_existing)
    sources = Sources(offline=offline)
    _check_settings(chosen, sources)
    with exclusive_lock(folder):
        batch = Batch(
            pairs, outputs, chosen, sources, folder=folder, lanes=lanes, encoding=encoding
        )
        if skip_existing:
            batch.skip_existing()
        written = [outputs[n] for n in range(len(pairs)) if n not in batch.done]
        _check_outputs(written, pairs, chosen, sources)
        batch.run(resume=resume, on_progress=on_progress)
    return [batch.done[number] for number in range(len(pairs))]


def _check_settings(settings: Settings, sources: Sources) -> None:
    """Raise what every picture would raise: of metrics, networks and the optimizer."""
    terms = terms_from_settings(settings, sources.networks)
    extractor_for(
        terms,
        sources.networks,
        pooling=settings.pooling,
        padding=settings.padding,
        precision=settings.precision,
    )
    optimizers.find(settings.optimizer, settings.optimizer_parameter)


def _check_outputs(
    outputs: Sequence[Path], pairs: Sequence[Pair], settings: Settings, sources: Sources
) -> None:
    """Refuse to write over what is read, or over a file that something else made."""
    read = [one.source for pair in pairs for one in pair] + [settings.calibration]
    read += [file for files in pictures_of(settings).values() for file in files]
    files = {one for one in read if isinstance(one, (str, os.PathLike)) and not is_remote(one)}
    check_outputs(
        [path for output in outputs for path in (output, manifest.beside(output))],
        [sources.path(file) for file in files],
    )
    for output in outputs:
        manifest.check(output)
