"""What the commands of the command line share: kinds of values, a flag for each setting, notes."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click
from click.core import ParameterSource

from jaxstyle.settings import CHOICE, MIXTURES, Settings, choice, given_type, hints

if TYPE_CHECKING:
    Type = click.ParamType[tuple[Any, ...]]
else:
    Type = click.ParamType  # before click 8.4 it takes no parameter


class Words(Type):
    """A value of several parts, and what reads it; what is wrong it says as a `ValueError`."""

    def __init__(self, name: str, read: Callable[[str], tuple[Any, ...]]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[Any, ...]:
        """From the words of the command line."""
        if isinstance(value, tuple):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _parameter(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise ValueError(f"expected {PARAMETER.name}, got {text!r}") from None


def _layers(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _part(text: str) -> tuple[int, int]:
    first, _, count = text.partition("/")
    if not (first.isdigit() and count.isdigit() and 1 <= int(first) <= int(count)):
        raise ValueError(f"expected a share such as 2/3, the second of three, got {text!r}")
    return int(first) - 1, int(count)


def numbers(kind: type[float] = float) -> Words:
    """Numbers with commas between."""

    def read(text: str) -> tuple[float, ...]:
        try:
            return tuple(kind(each) for each in text.split(","))
        except ValueError:
            whole = "whole " if kind is int else ""
            raise ValueError(f"expected {whole}numbers with commas between, got {text!r}") from None

    return Words("NUMBER,…", read)


SHARE = Words(CHOICE, choice)
"""`NAME`, `NAME=WEIGHT`, or `NAME~SMOOTHING@LAYER,LAYER=WEIGHT`."""
PARAMETER = Words("METRIC.PARAMETER=VALUE", _parameter)
LAYERS = Words("LAYER,LAYER,…", _layers)
PART = Words("K/N", _part)
"""A share of the work: `2/3` is the second of three, counted from 0 inside."""


def setting_flags(command: Callable[..., Any], **helps: str) -> Callable[..., Any]:
    """One flag for every field of `Settings`, with its type, default and help.

    Args:
        command: Gets the flags.
        helps: What the command says of a setting in place of its own help.
    """
    for each in reversed(fields(Settings)):
        hint = given_type(hints()[each.name])
        options: dict[str, Any] = {}
        numeric = hint in (tuple[float, ...], tuple[int, ...])
        flag = f"--{each.name.replace('_', '-')}"
        kind: Any = hint
        if get_origin(hint) is Literal:
            kind = click.Choice(get_args(hint))
        elif each.name in MIXTURES:
            kind, options = SHARE, {"multiple": True}
        elif each.name == "parameter":
            kind, options = PARAMETER, {"multiple": True}
        elif each.name in ("content_mask", "style_mask"):
            kind, options = str, {"multiple": True, "metavar": "FILE"}
        elif numeric:
            kind = numbers(get_args(hint)[0])
        elif get_origin(hint) is tuple:
            kind = LAYERS
        elif hint is bool:
            kind, flag = None, f"{flag}/--no-{each.name.replace('_', '-')}"
        shown = each.default if each.default not in (None, ()) else False
        if each.name in MIXTURES:
            shown = ", ".join(name for name, _ in each.default)
        elif isinstance(shown, float):
            shown = f"{shown:g}"
        elif numeric:
            shown = ",".join(f"{value:g}" for value in each.default) or False
        command = click.option(
            flag,
            each.name,
            type=kind,
            default=each.default,
            show_default=False,
            help=helps.get(each.name, each.metadata["help"])
            + (f" [default: {shown}]" if shown is not False else ""),
            **options,
        )(command)
    return command


DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of an error.")
OFFLINE = click.option("--offline", is_flag=True, help="Never fetch anything.")
QUIET = click.option("--quiet", is_flag=True, help="Say nothing but errors.")
FOLDER = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where pictures, tables and the page go.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


def as_flags(message: str) -> str:
    """A message in which settings of two words are called as on the command line.

    >>> as_flags("expected style_weight to be at least 0, got nan")
    'expected --style-weight to be at least 0, got nan'
    """
    names = "|".join(each.name for each in fields(Settings) if "_" in each.name)
    return re.sub(
        rf"(?<![\w./'-])({names})(?= )", lambda found: f"--{found[1].replace('_', '-')}", message
    )


def said(chosen: dict[str, Any]) -> dict[str, Any]:
    """The settings that were said, not left at their defaults."""
    source = click.get_current_context().get_parameter_source
    return {
        name: value for name, value in chosen.items() if source(name) is not ParameterSource.DEFAULT
    }


def silent(line: str) -> None:
    """Say nothing."""


def note(line: str) -> None:
    """A line on standard error."""
    print(line, file=sys.stderr, flush=True)


def _forgive(folder: Path) -> None:
    """Let go of programs that a killed process or a full disk left cut off.

    JAX warns of one at every start, compiles anew, and leaves it where it is.
    """
    show = warnings.showwarning

    def showwarning(message: Warning | str, *place: Any, **more: Any) -> None:
        told = re.match(
            r"Error (reading|writing) persistent compilation cache.*?'(\w+)", str(message)
        )
        if not told:
            show(message, *place, **more)
        for path in folder.glob(f"{told[2]}-*") if told else ():
            path.unlink(missing_ok=True)

    warnings.showwarning = showwarning


def keep_compilations() -> None:
    """A second run of the same sizes then compiles nothing."""
    import os

    import jax

    from jaxstyle._util.cache import cache_folder

    folder = cache_folder() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(folder, os.W_OK):
        _forgive(folder)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
