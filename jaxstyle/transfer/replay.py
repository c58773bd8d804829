"""`replay`: a picture again, from its manifest."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np

from jaxstyle import samples
from jaxstyle._util import arguments
from jaxstyle._util.files import sha256
from jaxstyle._util.inputs import as_text, is_address
from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.image.encode import Encoding
from jaxstyle.image.io import check_file, reread, storable, write_image
from jaxstyle.image.transparency import with_alpha
from jaxstyle.plain import from_plain
from jaxstyle.settings import Settings, names
from jaxstyle.specs import INITS, is_init
from jaxstyle.transfer import manifest
from jaxstyle.transfer.batch import batch_of, lanes_of, plan_batches, result_of, run_batch
from jaxstyle.transfer.earlier import Earlier
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.manifest import Manifest
from jaxstyle.transfer.manifest_paths import role_of
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
            are where they were, or beside the manifest; what was fetched is fetched again.
        changed_inputs: Accept inputs and weights that changed.
        offline: Never fetch weights or pictures.
        on_progress: Called between chunks of steps; not for a picture that was made in a batch.

    Raises:
        ValueError: The file is not a manifest, it cannot be replayed, or an input changed.
        OSError: An input is missing.
    """
    run = arguments.path("run", run)
    arguments.flags(changed_inputs=changed_inputs, offline=offline)
    arguments.functions(on_progress=on_progress)
    check_file(run)
    facts = manifest.read(run)
    if facts is None:
        raise ValueError(f"{run} is not the manifest of a picture of jaxstyle")
    if missing := facts.get("not_replayable"):
        raise ValueError(f"{run} is not replayable: a manifest cannot hold {', '.join(missing)}")
    sources = Sources(offline=offline)
    paths = _inputs(run, facts, inputs or {}, changed_inputs, sources)
    content, styles = paths.get("content"), _files_of("style", paths)
    settings = recorded_settings(run, facts, paths)
    job = make_job(content, styles, settings, sources, as_recorded=True)
    # What does not change the picture, as a material's maps, stays with it.
    others = {role: sources.record(path, role) for role, path in paths.items()}
    job = replace(job, earlier=Earlier.of_manifest(facts), inputs={**others, **job.inputs})
    for line in _differences(facts, job, changed_inputs):
        logger.warning(line)
    batch = batch_of(facts) if job.steps else None
    if not job.steps:
        result = run_job(job)
    elif batch is None:
        layouts: Any = facts["memory"].get("layouts", ())
        if layouts and len(layouts) != (count := len(job.scales)):
            scales = "1 scale" if count == 1 else f"{count} scales"
            raise ValueError(f"{run}: expected memory.layouts of {scales}, got {len(layouts)}")
        result = run_job(_divided(job, facts), on_progress=on_progress, layouts=layouts)
    else:
        result = _replay_in_batch(job, batch)
    if "output" in facts:
        result.facts["output"] = facts["output"]
    return result


def _divided(job: Job, facts: Manifest) -> Job:
    """Return the job over as many devices as it was made on, if there are."""
    count: Any = facts["memory"].get("devices", 1)
    if count <= len(jax.devices()):
        return job.over(count)
    logger.warning(f"it was made on {count} devices, and here are {len(jax.devices())}")
    return job


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


def recorded_settings(run: Path, facts: Manifest, paths: Mapping[str, Path | str]) -> Settings:
    """Return the manifest's settings, with files where they are now."""
    try:
        settings = from_plain(facts["settings"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{run}: {error}") from None
    if facts.get("schema", 1) < 3 and settings.calibrate and settings.calibration is None:
        # They were computed once, for all scales.
        settings = replace(settings, calibration=facts.get("calibration", {}))
    files: dict[str, Any] = {}
    for name in {role_of(key) for key in paths} & set(names()):
        texts = tuple(
            as_text(path, INITS) if isinstance(path, Path) else path
            for path in _files_of(name, paths)
        )
        files[name] = texts if isinstance(getattr(settings, name), tuple) else texts[0]
    return replace(settings, **files)


def _files_of(role: str, paths: Mapping[str, Path | str]) -> tuple[Path | str, ...]:
    """Return all files of a role, in their order."""
    return tuple(path for key, path in paths.items() if role_of(key) == role)


def _inputs(
    run: Path, facts: Manifest, moved: Mapping[str, str | Path], changed: bool, sources: Sources
) -> dict[str, Path | str]:
    """Locate every input, and check that it is the same file as then."""
    records = dict(facts["inputs"])
    if is_init(facts["settings"].get("init")):
        records.pop("init", None)  # a file of that name, which version 0.1 listed, but did not use
    for role in moved:
        if role not in records:
            known = ", ".join(records)
            raise ValueError(f"no input {role!r} among {known}{nearest(role, records)}")
    for role in ("style",) if facts.get("texture") else ("content", "style"):
        if role not in records:
            raise ValueError(f"{run} is a damaged manifest: expected inputs.{role}, got nothing")
    return {
        role: place_of(run, role, record, moved.get(role), changed, sources)
        for role, record in records.items()
    }


def place_of(
    run: Path,
    role: str,
    record: Mapping[str, str],
    moved: str | Path | None,
    changed: bool,
    sources: Sources,
) -> Path | str:
    """Return where an input is now: a file, or an address.

    Raises:
        ValueError: It changed, or the manifest does not say where it was.
        OSError: There is no such file, or nothing is fetched.
    """
    if "cut" in record:
        raise ValueError(f"{run} belongs to a study, whose own command makes its pictures again")
    if "path" not in record:
        raise ValueError(f"{run} is a damaged manifest: expected inputs.{role}.path, got nothing")
    recorded = Path(record["path"])
    elsewhere: list[Path] = []
    files: list[Path | str]
    if moved is not None:
        files = [moved if is_address(moved) else sources.path(moved)]
        if isinstance(files[0], Path):
            check_file(files[0])
    elif is_address(record["path"]):
        files = [record["path"]]
    else:
        # A pipe of then is not asked again.
        places = [*_places(run, recorded, sources)]
        files = [path for path in places[:_NEAR] if os.path.isfile(path)]
        elsewhere = [path for path in places[_NEAR:] if os.path.isfile(path)]
    for number, path in enumerate([*files, *elsewhere]):
        with contextlib.suppress(*([OSError, ValueError] if number else [])):
            if sources.record(path, role)["sha256"] == record["sha256"]:
                return path
    # A file of the same name elsewhere may be anything.
    if not files and (changed or not elsewhere):
        raise FileNotFoundError(
            f"there is no file {recorded}, the {role} of {run}; --input {role}=FILE "
            f"(inputs={{{role!r}: FILE}}) says where it is now"
        )
    if not changed:
        raise ValueError(
            f"the {role}, {[*files, *elsewhere][0]}, is not the file that it was; "
            "--changed-inputs (changed_inputs=True) accepts it"
        )
    return files[0]


_NEAR = 3
"""How many of the places of an input are near: a changed file is accepted there alone."""


def _places(run: Path, recorded: Path, sources: Sources) -> Iterator[Path]:
    """Yield where an input may be now, the likeliest place first.

    First `_NEAR` of them: where it was; as far from the manifest as it was from the folder of the
    run; beside the manifest. Where all were moved together, as far from any folder above the
    manifest. A sample's place, which is another on each machine.

    Args:
        run: The manifest.
        recorded: The input, as the run had it.
        sources: Where samples come from.
    """
    yield from (recorded, run.parent / recorded, run.parent / recorded.name)
    folder = run.absolute().parent
    parts = recorded.parts[1:] if recorded.is_absolute() else recorded.parts
    for above in (folder, *folder.parents):
        yield from (above.joinpath(*parts[first:]) for first in range(len(parts)))
    if sample := samples.called(recorded.name):
        with contextlib.suppress(OSError):
            yield sources.path(sample)


def _differences(facts: Manifest, job: Job, changed: bool) -> list[str]:
    """Return what may let the bytes differ, in lines."""
    now = manifest.environment()
    lines = []
    for then, values in ((facts["versions"], now["versions"]), (facts["device"], now["device"])):
        lines += [
            f"{name}: {then.get(name)} then, {value} now"
            for name, value in values.items()
            # Version 0.1 did not count cores.
            if then.get(name) != value and not (name == "cores" and name not in then)
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
    if facts is None:  # it was a pipe
        return f"{output}: {run} cannot be read again, so nothing is compared"
    then = facts.get("picture", {})
    if sha256(output) == then.get("sha256"):
        return f"{output}: the same bytes"
    first = run.parent / Path(then.get("name", run.with_suffix(".png").name)).name
    if not (first.is_file() and sha256(first) == then.get("sha256", sha256(first))):
        totals = (facts["history"]["total"], result.history["total"])
        ends = ", ".join(f"{losses[-1]:.6g}" if losses else "none" for losses in totals)
        return f"{output}: the first picture is missing; last loss then and now: {ends}"
    one, other, rounded = with_alpha(*reread(first)), with_alpha(*reread(output)), ""
    if first.suffix.lower() != output.suffix.lower():
        # The loss of a lossy format would be all of the difference.
        with TemporaryDirectory() as folder:
            again = Path(folder) / first.name
            written = Encoding.from_plain(facts.get("output", {}))
            pixels = storable(again, result.image, result.alpha)
            write_image(again, pixels, quality=written.quality, bits=written.bits)
            other = with_alpha(*reread(again))
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
