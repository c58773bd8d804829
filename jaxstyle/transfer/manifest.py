"""The manifest: beside every picture lies a JSON file that says how it was made."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, TypedDict, cast

from jaxstyle._util.files import sha256, write_whole
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import write_image
from jaxstyle.plain import differences

MARK = "jaxstyle manifest"
Inputs = Mapping[str, Mapping[str, str]]
"""For each role the path of a file and its SHA-256."""
_PACKAGES = ("jaxstyle", "jax", "jaxlib", "flax", "optax", "numpy", "pillow")


class Facts(TypedDict, total=False):
    """What a manifest says of a run."""

    settings: dict[str, object]  # with every default filled in
    scales: list[dict[str, int]]  # size and steps of each
    calibration: dict[str, list[list[float]]]  # constants by term, scale and layer
    papers: list[str]  # that the run owes: authors, title, year
    weights: dict[str, str]  # the SHA-256 of each network's weights, by name
    memory: dict[str, object]  # how a step was laid out; bytes at the peak
    seconds: float  # the run's duration


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


def checkpoints_beside(picture: str | Path) -> tuple[Path, Path]:
    """Return where the newest checkpoint of a picture lies, and the one before it."""
    name = Path(picture).name
    newest, previous = f"{name}.checkpoint", f"{name}.checkpoint-before"
    return Path(picture).with_name(newest), Path(picture).with_name(previous)


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


def environment() -> Environment:
    """Return the versions and the device."""
    import jax

    device = jax.local_devices()[0]
    return {
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in _PACKAGES},
        "device": {"platform": device.platform, "kind": device.device_kind},
    }


def write(picture: Path, image: Picture, facts: Manifest) -> None:
    """Write a picture and its manifest.

    The manifest comes last: where one lies, it is its picture's.
    """
    # What differs from one time to the next is not in the picture: its bytes are the same again.
    volatile = ("history", "memory", "seconds", "schema")
    lasting = {name: value for name, value in facts.items() if name not in volatile}
    beside(picture).unlink(missing_ok=True)
    write_image(picture, image, settings=json.dumps(lasting))
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
