"""The command that makes one cell of a grid alone."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jaxstyle import recipes
from jaxstyle._util.inputs import STANDARD_INPUT, as_text
from jaxstyle.grid.sweep import PICTURES
from jaxstyle.kinds import Parameters
from jaxstyle.settings import MIXTURES, Settings, kind_of, names
from jaxstyle.specs import MetricSpec


def stylize_command(
    pictures: Sequence[Any], settings: Settings, given: Iterable[str], output: str
) -> str | None:
    """Return the command line that makes a picture of these settings, quoted for a shell.

    >>> chosen = Settings(steps=5, metric="gram=0.5+histogram")
    >>> stylize_command(["a photo.jpg", "b.jpg"], chosen, [], "c.png")
    "jaxstyle stylize 'a photo.jpg' b.jpg -o c.png --steps 5 --metric gram=0.5 --metric histogram"

    Args:
        pictures: The content and the styles.
        settings: Of the run. Those are written that differ from their recipe's, or the defaults.
        given: Names of others to write, too.
        output: The picture file.

    Returns:
        None if the command line cannot say it: pictures in memory, objects in place of names.
    """
    files = [_file(picture) for picture in pictures]
    named = {} if settings.recipe is None else {"recipe": settings.recipe}
    usual = recipes.settings(**named)
    words: list[str] = []
    for name in ("recipe", *(name for name in names() if name != "recipe")):
        value = getattr(settings, name)
        is_usual = name not in named and _same(value, getattr(usual, name))
        if is_usual and name not in given:
            continue
        option = _option(name, value)
        if option is None and not is_usual:
            return None
        words += option or []
    if None in files:
        return None
    content, *styles = (file or "" for file in files)
    # Several positional styles are an older spelling.
    inputs = [content, *styles] if len(styles) == 1 else [content, *_each("--style", styles)]
    return f"jaxstyle {shlex.join(['stylize', *inputs, '-o', output, *words])}"


def replay_command(manifest: str, output: str) -> str:
    """Return the command line that makes the picture of a manifest again.

    >>> replay_command("grid/cells/seed=1.json", "seed=1.png")
    'jaxstyle replay grid/cells/seed=1.json -o seed=1.png'
    """
    return f"jaxstyle {shlex.join(['replay', manifest, '-o', output])}"


def names_given(changes: Iterable[str], values: Mapping[str, Any]) -> set[str]:
    """Return the settings that a cell's changes and swept values name.

    >>> sorted(names_given(["steps"], {"metric.gram": 2, "mmd.width": 1, "content": "a.png"}))
    ['metric', 'parameter', 'steps']
    """
    owners = {name.partition(".")[0] if "." in name else name for name in values}
    parameters = {name.partition(".")[0] for name in values if "." in name} - {*MIXTURES}
    return {*changes, *owners, *(["parameter"] * bool(parameters))} - parameters - {*PICTURES}


def _file(source: Any) -> str | None:
    """Return a picture as a word that is no option; None if it is no file."""
    if not isinstance(source, (str, os.PathLike)):
        return None
    text = source if isinstance(source, str) else os.fsdecode(as_text(source))
    is_option = text.startswith("-") and text != STANDARD_INPUT
    return os.path.join(os.curdir, text) if is_option else text


def _option(name: str, value: Any) -> list[str] | None:
    """Return an option as words; None if its text would be read as another value."""
    kind, flag = kind_of(name), f"--{name.replace('_', '-')}"
    if value is None:
        return None
    if kind.is_flag:
        return [flag if value else flag.replace("--", "--no-", 1)]
    many = value if kind.multiple else (value,)
    pairs = isinstance(kind, Parameters)
    texts = [f"{part[0]}={_number(part[1])}" if pairs else _text(part) for part in many]
    if None in texts or not texts:
        return None
    read = [kind.parse(text) for text in texts if text is not None]
    checked = kind.check(name, tuple(read) if kind.multiple else read[0])
    return _each(flag, [text or "" for text in texts]) if _same(checked, value) else None


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, MetricSpec) and value.value is None:
        weight = "" if value.weight == 1 else f"={_number(value.weight)}"
        return f"{replace(value, weight=1.0)}{weight}"
    if isinstance(value, tuple):
        parts = [_text(part) for part in value]
        return None if None in parts else ",".join(part or "" for part in parts)
    return None


def _number(value: float) -> str:
    """Return a number in as few digits as give it back."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _each(flag: str, words: Iterable[str]) -> list[str]:
    return [part for word in words for part in (flag, word)]


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal; an array equals nothing."""
    equal = one == other
    return equal if isinstance(equal, bool) else False
