"""The manifest: beside every picture lies a JSON file that says how it was made."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np

from jaxstyle._util.files import sha256, write_whole
from jaxstyle.image.io import write_image
from jaxstyle.settings import SCHEMA, differences
from jaxstyle.transfer.geometry import displayed
from jaxstyle.transfer.job import Job, resolved_settings
from jaxstyle.transfer.loop import Loop
from jaxstyle.transfer.result import Facts, Result
from jaxstyle.transfer.steppers.batched import BatchSpec

MARK = "jaxstyle manifest"
Inputs = Mapping[str, Mapping[str, str]]
"""For each role the path of a file and its SHA-256."""
_PACKAGES = ("jaxstyle", "jax", "jaxlib", "flax", "optax", "numpy", "pillow")


class Environment(TypedDict):
    """The versions and the device of a run."""

    versions: dict[str, str]
    device: dict[str, str]


class Manifest(Facts, total=False):
    """A manifest as JSON holds it."""

    kind: str  # `MARK`
    schema: int  # version of the settings (`jaxstyle.settings.SCHEMA`); absent means 1
    inputs: Inputs  # path and SHA-256 of every file, by role
    versions: dict[str, str]  # of Python and packages
    device: dict[str, str]  # platform and kind
    finite: bool  # whether every number stayed finite
    failure: str | None  # what did not
    history: dict[str, list[float]]  # each term's losses
    picture: dict[str, str]  # the picture's file name and SHA-256
    not_replayable: list[str]  # what the manifest cannot hold, by name


def beside(picture: str | Path) -> Path:
    """Return where the manifest of a picture lies: `out.png` has `out.json`."""
    return Path(picture).with_suffix(".json")


def check(picture: str | Path) -> None:
    """Refuse to overwrite a JSON file that is not a manifest, or another picture's.

    Raises:
        ValueError: Such a file lies where the manifest would go.
    """
    path = beside(picture)
    if not path.exists():
        return
    facts = read(path)
    if facts is None:
        raise ValueError(f"{path} exists and is not a jaxstyle manifest; choose another output")
    other = path.with_name(facts.get("picture", {}).get("name", Path(picture).name))
    if other.name != Path(picture).name and other.exists():
        raise ValueError(f"{path} belongs to {other.name}; choose another output, or delete that")


def make_result(loop: Loop, lane: int, memory: Mapping[str, object], seconds: float) -> Result:
    """Return the result of one job of a loop that has ended, with all that a manifest says."""
    job, record = loop.jobs[lane], loop.records[lane]
    pairs = zip(job.names, loop.constants[lane] or (), strict=False)
    facts: Facts = {
        "settings": resolved_settings(job),
        "scales": [scale._asdict() for scale in job.scales],
        "calibration": {name: np.asarray(values).tolist() for name, values in pairs},
        "weights": job.networks.checksums(),
        "memory": dict(memory),
        "seconds": round(seconds, 3),
    }
    image, obstacles = displayed(job, loop.pictures[lane]), tuple(job.obstacles)
    return Result(image, record.history, record.failure, facts, job.inputs, obstacles)


def identity(job: Job) -> dict[str, dict[str, Any]]:
    """Return all that decides the bytes of a job's result: equal for jobs that are the same."""
    current = environment()
    return {
        "settings": plain(resolved_settings(job)),
        "pictures": job.picture_digests,
        "weights": job.networks.checksums(),
        "versions": current["versions"] | current["device"],
    }


def environment() -> Environment:
    """Return the versions and the device."""
    import jax

    device = jax.local_devices()[0]
    return {
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in _PACKAGES},
        "device": {"platform": device.platform, "kind": device.device_kind},
    }


def describe(result: Result, inputs: Inputs) -> Manifest:
    """Return the manifest of a result, without its picture."""
    facts = {
        "kind": MARK,
        "schema": SCHEMA,
        **result.facts,
        "inputs": inputs,
        **environment(),
        "finite": result.finite,
        "failure": result.failure,
        "history": result.history,
    }
    if result.obstacles:
        facts["not_replayable"] = list(result.obstacles)
    return cast(Manifest, facts)


def write_result(picture: Path, result: Result, inputs: Inputs | None = None) -> None:
    """Write a picture and its manifest.

    The manifest comes last: where one lies, it is its picture's.

    Args:
        picture: The picture's file.
        result: What came out.
        inputs: The files that were read; the result's if not given.
    """
    facts = describe(result, result.inputs if inputs is None else inputs)
    # What differs from one time to the next is not in the picture: its bytes are the same again.
    volatile = ("history", "memory", "seconds", "schema")
    lasting = {name: value for name, value in facts.items() if name not in volatile}
    beside(picture).unlink(missing_ok=True)
    write_image(picture, result.image, settings=json.dumps(lasting))
    facts["picture"] = {"name": picture.name, "sha256": sha256(picture)}
    text = json.dumps(facts, indent=1) + "\n"
    write_whole(beside(picture), lambda file: file.write(text.encode()))


def read(path: str | Path) -> Manifest | None:
    """Read a manifest; None if the file is none."""
    try:
        facts = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    needed = {"kind", "settings", "inputs", "weights", "versions", "device", "memory", "history"}
    if not (isinstance(facts, dict) and needed <= facts.keys() and facts["kind"] == MARK):
        return None
    return cast(Manifest, facts)


def batch_of(facts: Manifest) -> BatchSpec | None:
    """Return the batch in which a picture was made; None if it was alone."""
    memory: dict[str, Any] = facts["memory"]
    if "shared" not in memory:
        return None
    return BatchSpec(memory["lanes"], memory["shared"], memory.get("lane", 0))


def finished(
    picture: Path,
    settings: Mapping[str, Any],
    inputs: Inputs,
    weights: Mapping[str, str],
    *,
    failed: bool = False,
) -> Manifest | None:
    """Return the manifest of a picture that is whole and was made with these settings and files.

    None if there is no such picture.

    Args:
        picture: The file.
        settings: All settings, every default filled in.
        inputs: The files that are read, with their SHA-256.
        weights: The SHA-256 of weights by name; other weights it was made with do not matter.
        failed: Whether a picture whose run stopped at numbers that are not finite counts too.
    """
    facts = read(beside(picture))
    if not facts or "picture" not in facts or not picture.is_file():
        return None
    then, now = (
        {role: record["sha256"] for role, record in records.items()}
        for records in (facts["inputs"], inputs)
    )
    # A metric or an optimizer that is an object may be another one of the same name.
    unknown = {*facts.get("not_replayable", [])} - {*facts["inputs"]}
    same = (
        all(weights.get(name, digest) == digest for name, digest in facts["weights"].items())
        and (failed or facts["finite"])
        and not unknown
        and not differences(plain(settings), facts["settings"])
        and now == then
        and sha256(picture) == facts["picture"]["sha256"]
    )
    return facts if same else None


def plain(data: Any) -> Any:
    """Return data as JSON has it: tuples are lists."""
    return json.loads(json.dumps(data, default=str))
