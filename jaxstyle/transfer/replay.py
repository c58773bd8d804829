"""`replay`: a picture again, from its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import numpy as np

from jaxstyle._util.files import sha256
from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.image.io import check_input, read_image, write_image
from jaxstyle.plain import from_plain
from jaxstyle.settings import Settings
from jaxstyle.transfer import manifest
from jaxstyle.transfer.batch import batch_of, lanes_of, plan_batches, result_of, run_batch
from jaxstyle.transfer.job import Job, make_job
from jaxstyle.transfer.manifest import Manifest
from jaxstyle.transfer.result import Progress, Result
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers.batched import BatchSpec
from jaxstyle.transfer.stylize import run_job


def replay(
    run: str | Path,
    *,
    inputs: Mapping[str, str | Path] | None = None,
    changed_inputs: bool = False,
    offline: bool = False,
    on_progress: Callable[[Progress], object] | None = None,
) -> Result:
    """Make a picture again from its manifest.

    On the same machine, with the same versions, the bytes are the same; of what differs, the logger
    `jaxstyle` says so.

    Args:
        run: The manifest: the `.json` beside a picture.
        inputs: Where inputs are now, by role (`content`, `style`, `style#2`, `init`, …); the others
            are where they were, or beside the manifest.
        changed_inputs: Accept inputs and weights that changed.
        offline: Never fetch weights or pictures.
        on_progress: Called between chunks of steps; not for a picture that was made in a batch.

    Raises:
        ValueError: The file is not a manifest, it cannot be replayed, or an input changed.
        OSError: An input is missing.
    """
    run = Path(run)
    check_input(run)
    facts = manifest.read(run)
    if facts is None:
        raise ValueError(f"{run} is not the manifest of a picture of jaxstyle")
    if missing := facts.get("not_replayable"):
        raise ValueError(f"{run} is not replayable: a manifest cannot hold {', '.join(missing)}")
    paths = _inputs(run, facts, inputs or {}, changed_inputs)
    sources = Sources(offline=offline)
    content, styles = paths["content"], _files_of("style", paths)
    job = make_job(content, styles, _settings(facts, paths), sources)
    for line in _differences(facts, job, changed_inputs):
        logger.warning(line)
    batch = batch_of(facts)
    if batch is None:
        layouts = facts["memory"].get("layouts", ())
        return run_job(job, on_progress=on_progress, layouts=layouts)  # type: ignore[arg-type]
    return _replay_in_batch(job, batch)


def _replay_in_batch(job: Job, batch: BatchSpec) -> Result:
    """Run a job in the lane in which it was, beside copies of itself."""
    devices = jax.devices()
    plan = plan_batches([job], None, devices, batch)
    lane = min(batch.lane, plan.width - 1)
    lanes = lanes_of([None] * lane + [job], plan.width)
    loop = run_batch(
        lanes, devices, shared=plan.shared, constants={}, on_chunk=lambda loop, chunk: None
    )
    return result_of(loop, lane, plan, 0.0)


def _settings(facts: Manifest, paths: Mapping[str, Path]) -> Settings:
    """Return the manifest's settings, with files where they are now."""
    settings = from_plain(facts["settings"])
    if facts.get("schema", 1) < 3 and settings.calibrate and settings.calibration is None:
        # They were computed once, for all scales.
        settings = replace(settings, calibration=facts["calibration"])
    return replace(
        settings,
        content_mask=tuple(map(str, _files_of("content_mask", paths))),
        style_mask=tuple(map(str, _files_of("style_mask", paths))),
        init=str(paths.get("init", settings.init)),
    )


def _files_of(role: str, paths: Mapping[str, Path]) -> tuple[Path, ...]:
    """Return all files of a role, in their order."""
    return tuple(path for name, path in paths.items() if name.partition("#")[0] == role)


def _inputs(
    run: Path, facts: Manifest, moved: Mapping[str, str | Path], changed: bool
) -> dict[str, Path]:
    """Locate every input, and check that it is the same file as then."""
    records = facts["inputs"]
    for role in moved:
        if role not in records:
            known = ", ".join(records)
            raise ValueError(f"no input {role!r} among {known}{nearest(role, records)}")
    paths = {}
    for role, record in records.items():
        if "cut" in record:
            raise ValueError(
                f"{run} belongs to a study, whose own command makes its pictures again"
            )
        path = Path(moved.get(role, record["path"]))
        if role not in moved and not path.exists() and (run.parent / path.name).exists():
            path = run.parent / path.name  # both were moved together
        check_input(path)
        if not changed and sha256(path) != record["sha256"]:
            raise ValueError(
                f"the {role}, {path}, is not the file that it was; "
                "--changed-inputs (changed_inputs=True) accepts it"
            )
        paths[role] = path
    return paths


def _differences(facts: Manifest, job: Job, changed: bool) -> list[str]:
    """Return what may let the bytes differ, in lines."""
    now = manifest.environment()
    lines = []
    for then, values in ((facts["versions"], now["versions"]), (facts["device"], now["device"])):
        lines += [
            f"{name}: {then.get(name)} then, {value} now"
            for name, value in values.items()
            if then.get(name) != value
        ]
    for name, digest in facts["weights"].items():
        if name in job.networks and job.networks[name].sha256 != digest:
            line = f"the weights {name} are not those of then"
            if not changed:
                raise ValueError(f"{line}; --changed-inputs (changed_inputs=True) accepts them")
            lines.append(line)
    return lines


def compare_with_first(run: Path, output: Path, result: Result) -> str:
    """Return in words how far a replayed picture is from the first one."""
    facts = manifest.read(run)
    assert facts is not None  # `replay` read it
    then = facts.get("picture", {})
    if sha256(output) == then.get("sha256"):
        return f"{output}: the same bytes"
    first = run.parent / Path(then.get("name", run.with_suffix(".png").name)).name
    if not (first.is_file() and sha256(first) == then.get("sha256", sha256(first))):
        totals = (facts["history"]["total"], result.history["total"])
        ends = ", ".join(f"{losses[-1]:.6g}" if losses else "none" for losses in totals)
        return f"{output}: the first picture is missing; last loss then and now: {ends}"
    one, other, rounded = read_image(first), read_image(output), ""
    if first.suffix.lower() != output.suffix.lower():
        # The loss of a lossy format would be all of the difference.
        with TemporaryDirectory() as folder:
            write_image(Path(folder) / first.name, result.image)
            other = read_image(Path(folder) / first.name)
        rounded = f", as {first.suffix} stores them"
    if one.shape != other.shape:
        return f"{output}: of another size than {first}"
    apart = np.abs(one - other) * 255
    if not apart.any():
        return f"{output}: the same pixels{rounded}"
    return (
        f"{output}: differs from {first} by at most {apart.max():.0f}, on average "
        f"{apart.mean():.3g}, of 255{rounded}"
    )
