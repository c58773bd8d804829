"""The manifest: beside every picture lies what made it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxstyle import __version__
from jaxstyle._util.files import sha256, write_whole
from jaxstyle.image.io import write_image

if TYPE_CHECKING:
    from jaxstyle.transfer.batched import Before
    from jaxstyle.transfer.stylize import Stylized

MARK = "jaxstyle manifest"
Inputs = dict[str, dict[str, str]]
"""For each role the path of a file and its SHA-256."""
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "pillow")


def beside(picture: str | Path) -> Path:
    """Where the manifest of a picture lies: `out.png` has `out.json`."""
    return Path(picture).with_suffix(".json")


def check(picture: str | Path) -> None:
    """Refuse to overwrite a JSON file that is not a manifest of ours, or another picture's.

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
        raise ValueError(f"{path} tells of {other.name}; choose another output, or delete that")


def inputs_of(settings: Mapping[str, Any], content: Path, styles: Sequence[Path]) -> Inputs:
    """Path and SHA-256 of every file that a run reads, by its role."""
    from jaxstyle import samples

    inputs = {"content": content, **_numbered("style", styles)}
    for role in ("content_mask", "style_mask"):
        inputs |= _numbered(role, [Path(mask) for mask in settings[role]])
    init = samples.resolve(settings["init"], offline=True)
    if init.is_file():
        inputs["init"] = init
    return {role: {"path": str(path), "sha256": sha256(path)} for role, path in inputs.items()}


def _numbered(role: str, paths: Sequence[Path]) -> dict[str, Path]:
    """The files of a role by their names: `style`, then `style#2`."""
    return {f"{role}#{n + 1}" if n else role: path for n, path in enumerate(paths)}


def files_of(role: str, paths: Mapping[str, Path]) -> tuple[Path, ...]:
    """All files of a role, in their order."""
    return tuple(path for name, path in paths.items() if name.partition("#")[0] == role)


def describe(made: Stylized, inputs: Inputs) -> dict[str, Any]:
    """Settings, seeds, versions, device, the inputs' and weights' SHA-256, and the history."""
    return {
        "kind": MARK,
        **made.facts,
        "inputs": inputs,
        **environment(),
        "finite": made.finite,
        "failure": made.failure,
        "history": made.history,
    }


def environment() -> dict[str, Any]:
    """Versions and the device."""
    import jax

    device = jax.local_devices()[0]
    return {
        "versions": {"python": platform.python_version(), "jaxstyle": __version__}
        | {name: metadata.version(name) for name in _PACKAGES},
        "device": {"platform": device.platform, "kind": device.device_kind},
    }


def keep(picture: Path, made: Stylized, inputs: Inputs) -> None:
    """Write a picture and its manifest.

    The manifest comes last: where one lies, it is its picture's.
    """
    facts = describe(made, inputs)
    # What differs from one time to the next is not in the picture: its bytes are the same again.
    lasting = {n: value for n, value in facts.items() if n not in ("history", "memory", "seconds")}
    beside(picture).unlink(missing_ok=True)
    write_image(picture, made.image, settings=json.dumps(lasting))
    facts["picture"] = {"name": picture.name, "sha256": sha256(picture)}
    text = json.dumps(facts, indent=1) + "\n"
    write_whole(beside(picture), lambda file: file.write(text.encode()))


def read(path: Path) -> dict[str, Any] | None:
    """A manifest of ours, or None if it is none."""
    try:
        facts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    needed = {"kind", "settings", "inputs", "weights", "versions", "device", "memory", "history"}
    whole = isinstance(facts, dict) and needed <= facts.keys() and facts["kind"] == MARK
    return facts if whole else None


def before(facts: Mapping[str, Any]) -> Before | None:
    """The program of several lanes with which a picture was made; None if it was alone."""
    from jaxstyle.transfer.batched import Before

    memory = facts["memory"]
    return Before(memory["lanes"], memory["shared"]) if "shared" in memory else None


def finished(
    picture: Path,
    settings: Mapping[str, Any],
    inputs: Inputs,
    weights: Mapping[str, str],
    *,
    failed: bool = False,
) -> dict[str, Any] | None:
    """The manifest of a picture that is there, whole, and made with these settings of these files.

    None if there is no such picture.

    Args:
        picture: The file.
        settings: All settings, filled in.
        inputs: The files that are read, with their SHA-256.
        weights: The SHA-256 of weights by name; what else it was made with is not looked at.
        failed: Whether one whose run stopped at numbers that are not finite is there too.
    """
    facts = read(beside(picture))
    if not facts or "picture" not in facts or not picture.is_file():
        return None
    own, others = (
        {role: each["sha256"] for role, each in given.items()}
        for given in (facts["inputs"], inputs)
    )
    same = (
        all(weights.get(name, then) == then for name, then in facts["weights"].items())
        and (failed or facts["finite"])
        and plain(settings) == facts["settings"]
        and own == others
        and sha256(picture) == facts["picture"]["sha256"]
    )
    return facts if same else None


def plain(data: Any) -> Any:
    """Data as JSON has it: tuples are lists."""
    return json.loads(json.dumps(data, default=str))
