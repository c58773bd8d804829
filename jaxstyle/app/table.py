"""The table: what lies on it, and how a manifest or a picture sets it as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from jaxstyle.app import gallery
from jaxstyle.app.orders import FILE_SETTINGS, Order
from jaxstyle.app.rooms import Room
from jaxstyle.app.uploads import keep, path_of, with_digest
from jaxstyle.optim import optimizers
from jaxstyle.plain import from_plain, to_plain
from jaxstyle.settings import Settings
from jaxstyle.transfer.manifest import Manifest
from jaxstyle.transfer.manifest_paths import role_of
from jaxstyle.transfer.presets import read_run, settings_of

_AS_RESOLVED = ("size", "learning_rate", "positions", "init_noise", "calibration")
"""Settings that a manifest states where the table leaves them to their defaults."""
_BEGINNINGS = ("init", "init_noise", "scales", "scale_factor", "scale_steps", "details")
"""Settings that say how a run begins, which one that continues a picture does not."""


@dataclass(frozen=True)
class Table:
    """What lies on the table.

    Attributes:
        content: The upload to show, or nothing.
        styles: The uploads to paint it like.
        settings: Of the next run; no paths among them.
        files: Uploads by the setting that names them.
        missing: What a manifest names that is not here: in words.
        labels: Of the regions of a label map, which is one of the files.
    """

    content: str = ""
    styles: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def of_order(order: Order) -> Table:
    """Return the table from which a run was ordered."""
    settings = from_plain(order.settings)
    files = dict(order.files)
    return Table(order.content, order.styles, settings, files, labels=order.labels)


def of_picture(room: Room, name: str) -> Table:
    """Return the table that makes a picture of the room again.

    Raises:
        ValueError: It has no manifest, or one that cannot be read.
    """
    entry = gallery.find(room, name)
    facts = gallery.facts_of(entry)
    if facts is None:
        return of_file(room, entry.path)
    return _of_facts(room, facts, settings_of(entry.path.with_suffix(".json")), trusted=True)


def of_file(room: Room, file: Path) -> Table:
    """Return the table that a manifest sets, or a picture made by jaxstyle.

    Of the inputs only those are found that the room has, by their SHA-256: no path in the file is
    opened.

    Raises:
        ValueError: The file is neither.
        OSError: It cannot be read.
    """
    try:
        facts = read_run(file)
        settings = settings_of(file)
    except ValueError as error:
        raise ValueError(str(error).replace(str(file), file.name)) from None
    return _of_facts(room, facts, settings, trusted=False)


def _of_facts(room: Room, facts: Manifest, settings: Settings, *, trusted: bool) -> Table:
    if isinstance(settings.calibration, str):
        settings = replace(settings, calibration=None)
    # A rate that is the optimizer's own would stay where another optimizer is chosen.
    usual = optimizers.find(settings.optimizer, settings.optimizer_parameter).learning_rate
    if settings.learning_rate == usual:
        settings = replace(settings, learning_rate=None)
    stored: dict[str, list[str]] = {}
    missing = []
    for key, record in facts["inputs"].items():
        role, digest = role_of(key), str(record.get("sha256", ""))
        path = Path(str(record.get("path", "")))
        kept = with_digest(room, digest)
        if kept is None and trusted and path.is_file():
            candidate = keep(room, path)
            kept = candidate if candidate == with_digest(room, digest) else None
        if kept is None:
            missing.append(f"the {role.replace('_', ' ')} {path.name}".strip())
        else:
            stored.setdefault(role, []).append(kept)
    files = {role: tuple(names) for role, names in stored.items() if role in FILE_SETTINGS}
    content = stored.get("content", [""])[0]
    given: Any = facts["settings"].get("region_labels")
    labels = tuple(given or ()) if "regions" in files else ()
    styles = tuple(stored.get("style", ()))
    return Table(content, styles, settings, files, tuple(missing), labels)


def changed_names(facts: Manifest, table: Table) -> tuple[str, ...]:
    """Return which settings of the table are others than those of a picture that it continues.

    What the table leaves to a default that the picture's manifest states is no change.
    """
    then, usual = facts["settings"], to_plain(Settings())
    now = {**to_plain(table.settings), "region_labels": table.labels}
    names = []
    for setting in fields(Settings):
        name = setting.name
        if name in FILE_SETTINGS or name in _BEGINNINGS or name == "recipe":
            continue
        if name in _AS_RESOLVED and now[name] == usual[name]:
            continue
        if _plain(now[name]) != _plain(then.get(name, usual[name])):
            names.append(name)
    before = {role_of(key) for key in facts["inputs"]}
    names += [n for n in FILE_SETTINGS if n != "init" and (n in table.files or n in before)]
    return tuple(names)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: lists for tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def sources_of(room: Room, table: Table) -> Sequence[Path]:
    """Return the files of the content and the styles."""
    return [path_of(room, stored) for stored in (table.content, *table.styles) if stored]
