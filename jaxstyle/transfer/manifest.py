"""The manifest: beside every picture lies a JSON file that says how it was made."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, TypedDict, cast

from jaxstyle._util.cores import cores
from jaxstyle._util.files import NAME_BYTES, check_outputs, sha256, write_whole
from jaxstyle._util.log import logger
from jaxstyle.image.encode import Encoding
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import encoder
from jaxstyle.plain import differences
from jaxstyle.transfer import manifest_paths
from jaxstyle.transfer.manifest_form import check_form
from jaxstyle.transfer.manifest_paths import Inputs
from jaxstyle.transfer.updated import updated

MARK = "jaxstyle manifest"
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
    # the picture that the run continued: its SHA-256; of each term, how many losses are earlier
    continues: dict[str, object]
    texture: bool  # whether there was no content
    output: dict[str, object]  # how the picture's file is written: `Encoding.plain`


class Environment(TypedDict):
    """The versions and the device of a run."""

    versions: dict[str, str]
    device: dict[str, str]


class Manifest(Facts, total=False):
    """A manifest as JSON holds it."""

    kind: str  # `MARK`
    schema: int  # version of the settings (`jaxstyle.settings.SCHEMA`); absent means 1
    inputs: Inputs  # path, relative to the manifest or absolute, and SHA-256, by role
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
    name, room = Path(picture).name, NAME_BYTES - len(".checkpoint-before")
    if len(os.fsencode(name)) > room:
        name = f"{name[:40]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"
    newest, previous = f"{name}.checkpoint", f"{name}.checkpoint-before"
    return Path(picture).with_name(newest), Path(picture).with_name(previous)


def check(picture: str | Path, inputs: Iterable[str | Path] = ()) -> None:
    """Refuse to write a picture over what is not an earlier picture of the same name.

    Args:
        picture: Where it is to be written, with its manifest and its checkpoints.
        inputs: The files that the run reads.

    Raises:
        ValueError: One of these files would be overwritten; or where the manifest would go lies
            a JSON file that is none, or another picture's.
    """
    path = beside(picture)
    check_outputs((picture, path, *checkpoints_beside(picture)), inputs)
    if not path.exists():
        return
    facts = read(path)
    if facts is None:
        raise ValueError(f"{path} exists and is not a jaxstyle manifest; choose another output")
    other = path.with_name(facts.get("picture", {}).get("name", Path(picture).name))
    if other.name != Path(picture).name and other.exists():
        raise ValueError(f"{path} belongs to {other.name}; choose another output, or delete that")


def paths_of(inputs: Inputs) -> list[str]:
    """Return the files of a run's inputs; arrays have none."""
    return [record["path"] for record in inputs.values() if "path" in record]


def environment() -> Environment:
    """Return the versions and the device."""
    import jax

    device = jax.local_devices()[0]
    # Sums are divided among the cores of a CPU, and so rounded in other places with others.
    of_cpu = {"cores": str(cores())} if device.platform == "cpu" else {}
    return {
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in _PACKAGES},
        "device": {"platform": device.platform, "kind": device.device_kind, **of_cpu},
    }


def write(picture: Path, image: Picture, facts: Manifest, encoding: Encoding | None = None) -> None:
    """Write a picture and its manifest.

    The manifest comes last: where one lies, it is its picture's. One that cannot be written is
    logged: the picture is there.

    Args:
        picture: Where it is written.
        image: Its pixels.
        facts: What its manifest says, but for the picture's file.
        encoding: How it is written.

    Raises:
        OSError: The picture cannot be written; an earlier one is left as it was.
    """
    encoding = encoding or Encoding()
    settings = inside(facts) if encoding.metadata else None
    replace_picture(picture, image, encoding, settings=settings)
    kept = manifest_paths.relative_to(picture.parent, facts)
    kept["output"] = encoding.plain()
    kept["picture"] = {"name": picture.name, "sha256": sha256(picture)}
    text = json.dumps(kept, indent=1) + "\n"
    try:
        write_whole(beside(picture), lambda file: file.write(text.encode()))
    except OSError as error:
        logger.warning(f"the picture is in {picture}, but without a manifest: {error}")


def inside(facts: Manifest) -> str:
    """Return what a picture says of its run: nothing that differs from one time to the next.

    So its bytes are the same again. Nor does it tell strangers in which folders inputs lay.
    """
    volatile = ("history", "memory", "seconds", "output")
    lasting = {name: value for name, value in facts.items() if name not in volatile}
    return json.dumps(manifest_paths.names_only(lasting))


def replace_picture(
    picture: Path,
    image: Picture,
    encoding: Encoding | None = None,
    *,
    settings: str | None = None,
) -> None:
    """Write a picture, whose manifest is no longer that of an earlier one."""
    write_whole(
        picture,
        encoder(picture, image, encoding, settings=settings),
        before=lambda: beside(picture).unlink(missing_ok=True),
    )


def read(path: str | Path) -> Manifest | None:
    """Read a manifest; None if the file is none. The paths of its inputs can be opened from here.

    Raises:
        ValueError: It is one, but a key is missing or has another kind of value.
    """
    try:
        facts = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(facts, dict) or facts.get("kind") != MARK:
        return None
    check_form(path, facts)
    return cast(Manifest, manifest_paths.located(Path(path), updated(facts)))


def read_if_whole(path: str | Path) -> Manifest | None:
    """Read a manifest; None if the file is none, or a damaged one, which is logged."""
    try:
        return read(path)
    except ValueError as error:
        logger.warning(f"{error}; it does not count")
        return None


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
    facts = read_if_whole(beside(picture))
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
        and not differing_settings(settings, inputs, facts)
        and now == then
        and sha256(picture) == facts["picture"]["sha256"]
    )
    return facts if same else None


def differing_settings(settings: Mapping[str, Any], inputs: Inputs, facts: Manifest) -> list[str]:
    """Return the names of settings that differ from a manifest's; of files the content decides."""
    now, then = (
        manifest_paths.without_files(values, inputs, facts["inputs"])
        for values in (plain(settings), facts["settings"])
    )
    return differences(now, then)


def check_unfinished(picture: Path, settings: Mapping[str, Any], inputs: Inputs) -> None:
    """Refuse to resume a picture that is finished, with other settings or of other files.

    Its run is over: there is nothing that could go on, and the picture would be replaced.

    Args:
        picture: The file.
        settings: Those that are asked for now, every default filled in.
        inputs: The files that are read, with their SHA-256.

    Raises:
        ValueError: The picture has a manifest of a run that came to its end.
    """
    facts = read(beside(picture)) if picture.is_file() else None
    if facts is None or not facts.get("finite", True):
        return
    now, then = plain(settings), facts["settings"]
    names = differing_settings(settings, inputs, facts)
    what = ", ".join(f"{name} {then.get(name)}, not {now.get(name)}" for name in names)
    raise ValueError(
        f"{picture} is finished, with {what or 'other pictures or weights'}; leave out --resume "
        "to make it anew, choose another output, or continue from it with --init"
    )


def plain(data: Any) -> Any:
    """Return data as JSON has it: tuples are lists."""
    return json.loads(json.dumps(data, default=str))
