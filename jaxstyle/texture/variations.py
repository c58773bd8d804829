"""Variations: textures of one sample that differ by their seeds, as lanes of one program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from jaxstyle._util import arguments
from jaxstyle._util.files import check_outputs
from jaxstyle._util.lock import exclusive_lock
from jaxstyle.image.encode import Encoding
from jaxstyle.image.io import check_output
from jaxstyle.settings import Settings
from jaxstyle.texture.settings import texture_settings
from jaxstyle.transfer import manifest
from jaxstyle.transfer.batch import checkpoints_in
from jaxstyle.transfer.changes import Changes
from jaxstyle.transfer.job import Job, resolved_settings
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.manifest import Manifest
from jaxstyle.transfer.progress import OnProgress
from jaxstyle.transfer.result import Result
from jaxstyle.transfer.run_jobs import check_lanes, run_jobs
from jaxstyle.transfer.sources import Source, Sources, as_styles
from jaxstyle.transfer.stylize import check_run


def synthesize_variations(
    samples: Source | Sequence[Source],
    seeds: Sequence[int],
    settings: Settings | None = None,
    *,
    lanes: int | None = None,
    on_progress: OnProgress | None = None,
    offline: bool = False,
    **changes: Unpack[Changes],
) -> list[Result]:
    """Make several textures like the samples, one for each seed, as lanes of one program.

    Args:
        samples: As for `synthesize`.
        seeds: Of each texture.
        settings: As for `synthesize`.
        lanes: The most at a time (default: as many as memory allows).
        on_progress: Called between chunks of steps.
        offline: Never fetch weights or pictures.
        changes: Settings by name, on top of `settings`.

    Returns:
        A result for each seed, in their order.

    Raises:
        ValueError: No seed; or as for `synthesize`, as the other errors.

    >>> import numpy as np
    >>> sample = np.random.default_rng(0).random((24, 24, 3))
    >>> len(synthesize_variations(sample, (0, 1), size=32, steps=1, scales=1))
    2
    """
    arguments.functions(on_progress=on_progress)
    check_run(settings, offline)
    check_lanes(lanes, None)
    chosen = texture_settings(settings, changes)
    jobs = _jobs(as_styles(samples), seeds, chosen, Sources(offline=offline))
    results = dict(run_jobs(jobs, lanes=lanes, on_progress=on_progress, unit="texture"))
    return [results[number] for number in range(len(jobs))]


def _jobs(
    samples: Sequence[Source], seeds: Sequence[int], settings: Settings, sources: Sources
) -> list[Job]:
    if not len(seeds):
        raise ValueError("expected at least one seed, got none")
    return [make_job(None, samples, replace(settings, seed=seed), sources) for seed in seeds]


def outputs_of(output: Path, count: int) -> list[Path]:
    """Return the files of variations, numbered from 1.

    >>> [path.name for path in outputs_of(Path("wall.png"), 2)]
    ['wall-1.png', 'wall-2.png']
    """
    return [output.with_stem(f"{output.stem}-{number}") for number in range(1, count + 1)]


def write_variations(
    samples: Sequence[Source],
    output: Path,
    count: int,
    settings: Settings,
    *,
    encoding: Mapping[str, Any],
    on_progress: OnProgress | None = None,
    offline: bool = False,
) -> Iterator[tuple[Path, Manifest]]:
    """Make variations, and write each as soon as it is done; those that are there stay.

    Args:
        samples: As for `synthesize`.
        output: See `outputs_of`. Beside it lies the checkpoint of a run that is interrupted, which
            the same call resumes.
        count: How many: the seed of the settings, and those after it.
        settings: Of a texture.
        encoding: As `Result.save` takes it.
        on_progress: Called between chunks of steps.
        offline: Never fetch weights or pictures.

    Yields:
        The file and the manifest of each, as it is done.

    Raises:
        ValueError: A picture or a setting that cannot be used.
        OSError: A file that cannot be read or written.
    """
    paths = outputs_of(output, count)
    seeds = range(settings.seed, settings.seed + count)
    with exclusive_lock(*paths):
        jobs = _jobs(samples, seeds, settings, Sources(offline=offline))
        read = manifest.paths_of(jobs[0].inputs)
        for path in paths:
            check_outputs((path, manifest.beside(path)), read)
            manifest.check(path, read)
            check_output(path, jobs[0].original.shape, Encoding(**encoding))
        before = [_finished(path, job) for path, job in zip(paths, jobs, strict=True)]
        for path, facts in zip(paths, before, strict=True):
            if facts is not None:
                yield path, facts
        running = run_jobs(
            jobs,
            done=[facts is not None for facts in before],
            on_progress=on_progress,
            checkpoints=partial(checkpoints_in, output.parent),
            unit="texture",
        )
        for number, result in running:
            result.save(paths[number], **encoding)
            yield paths[number], result.manifest()


def _finished(path: Path, job: Job) -> Manifest | None:
    return manifest.finished(path, resolved_settings(job), job.inputs, job.networks.checksums())
