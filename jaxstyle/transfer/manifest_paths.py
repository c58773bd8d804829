"""Paths in manifests: relative to the manifest where that is possible; inside a picture names only.

An input is recorded relative to its manifest where it lies in the manifest's folder, below it, or
below the folder around it (`photo.jpg`, `../photos/photo.jpg`), so that both can be moved together;
any other by its absolute path. Before version 8 of the settings paths were recorded as they were
given, relative to wherever the command ran.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

from jaxstyle._util.inputs import STANDARD_INPUT, as_text, is_address
from jaxstyle.specs import INITS, is_init

RELATIVE_SINCE = 8
"""The version of the settings from which on relative paths are relative to the manifest."""
Inputs = Mapping[str, Mapping[str, str]]
"""For each role the path of a file and its SHA-256."""


def role_of(key: str) -> str:
    """Return what an input is, without its number among several.

    >>> role_of("style#2")
    'style'
    """
    return key.partition("#")[0]


def names_only(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts of a run with the names of files in place of their paths."""
    return _with_paths(facts, _name)


def relative_to(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts of a run with paths as a manifest in a folder has them."""
    return _with_paths(facts, lambda text: _relative(folder, text))


def located(manifest: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts that a manifest holds, with paths by which files can be opened from here."""
    if facts.get("schema", 1) < RELATIVE_SINCE:
        return dict(facts)

    def place(text: str) -> str:
        return as_text(manifest.parent / text, INITS) if _is_path(text) else text

    return _with_paths(facts, place)


def without_files(settings: Mapping[str, Any], *inputs: Inputs) -> dict[str, Any]:
    """Return settings without those whose files are inputs of all runs: their content decides."""
    roles = set.intersection(*({role_of(key) for key in records} for records in inputs))
    return {name: value for name, value in settings.items() if name not in roles}


def _with_paths(facts: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    inputs = _records(facts["inputs"], change)
    settings = {name: _changed(value, change) for name, value in facts["settings"].items()}
    for name in {role_of(key) for key in inputs} & settings.keys():
        records = [record for key, record in inputs.items() if role_of(key) == name]
        is_word = is_init(settings[name])  # version 0.1 listed a file of that name
        if not is_word and all("path" in record for record in records):
            paths = [record["path"] for record in records]
            settings[name] = paths if isinstance(settings[name], (list, tuple)) else paths[0]
    return {**facts, "inputs": inputs, "settings": settings}


def _records(inputs: Inputs, change: Callable[[str], str]) -> dict[str, dict[str, str]]:
    """Return inputs with other paths; a picture that was cut has a name, and no path."""
    return {
        role: {
            key: change(text) if key == "path" and "cut" not in record else text
            for key, text in record.items()
        }
        for role, record in inputs.items()
    }


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """Return the value of a setting with other paths, wherever one is absolute."""
    if isinstance(value, (list, tuple)):
        return [_changed(element, change) for element in value]
    if isinstance(value, Mapping):
        return {key: _changed(element, change) for key, element in value.items()}
    if isinstance(value, str) and (os.path.isabs(value) or is_address(value)):
        return change(value)
    return value


def _is_path(text: str) -> bool:
    return text != STANDARD_INPUT and not is_address(text)


def _name(text: str) -> str:
    """Return the name of a file, and of an address nothing that is private.

    >>> _name("/home/ada/photo.jpg"), _name("https://example.org/a/b.jpg?token=1")
    ('photo.jpg', 'b.jpg')
    """
    return PurePath(urlsplit(text).path if is_address(text) else text).name


def _relative(folder: Path, text: str) -> str:
    """Return a path as a manifest in a folder has it."""
    if not _is_path(text):
        return text
    path, around = Path(os.path.abspath(text)), Path(os.path.abspath(folder)).parent
    if around == around.parent:  # a root has everything below it
        around = Path(os.path.abspath(folder))
    if not path.is_relative_to(around):
        return str(path)
    relative = os.path.relpath(path, folder)
    # Above a linked folder lies another one than its path says.
    same = os.path.realpath(os.path.join(folder, relative)) == os.path.realpath(path)
    # A file named as one of the words for a start is still a file.
    # With slashes, which every system reads, so that a folder can be moved from one to another.
    return as_text(Path(relative), INITS).replace(os.sep, "/") if same else str(path)
