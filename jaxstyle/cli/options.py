"""Options that commands share, and one option for every setting."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from jaxstyle._util.log import logger
from jaxstyle.kinds import Number
from jaxstyle.settings import Settings

if TYPE_CHECKING:
    Type = click.ParamType[Any]
else:
    Type = click.ParamType  # before click 8.4 it takes no parameter

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass
class Invocation:
    """One run of the command line: its words, and whether an error shows its traceback."""

    words: list[str] = field(default_factory=list)
    debug: bool = False


class Parsed(Type):
    """A value that a function parses; its `ValueError` is the message of a usage error."""

    def __init__(self, metavar: str, parse: Callable[[str], Any]) -> None:
        self.name = metavar
        self._parse = parse

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Parse a word; a default is a value already."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class GroupedOption(click.Option):
    """An option with the title of the help group in which it is listed."""

    def __init__(self, *args: Any, group: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help lists options in groups, and examples at the end.

    Groups come in the order of their first options.
    """

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for every group, and one for options without a group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        others: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record and isinstance(parameter, GroupedOption):
                groups.setdefault(parameter.group, []).append(record)
            elif record and isinstance(parameter, click.Option):
                others.append(record)
        for title, records in (*groups.items(), ("Other options" if groups else "Options", others)):
            with formatter.section(title):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, one a line; a line within one is a continuation."""
        with formatter.section("Examples"):
            for example in self.examples:
                text = example.replace("\n", " \\\n      ")
                formatter.write(f"{'':{formatter.current_indent}}{text}\n")


def grouped_option(group: str) -> Callable[..., Callable[[Function], Function]]:
    """Return `click.option` for options that the help lists in a group."""
    return partial(click.option, cls=GroupedOption, group=group)


def setting_options(command: Function, **helps: str) -> Function:
    """Add an option for every field of `Settings`.

    Type, default, help and group come from the field's metadata.

    Args:
        command: The function that receives the values by name.
        helps: Help texts by setting that replace those of the fields.
    """
    for setting in reversed(fields(Settings)):
        kind, name = setting.metadata["kind"], setting.name
        option = f"--{name.replace('_', '-')}"
        type_: click.ParamType[Any] | None = None
        if kind.choices:
            type_ = click.Choice(kind.choices)
        elif kind.is_flag:
            option = f"{option}/--no-{name.replace('_', '-')}"
        else:
            noun = "NUMBER" if isinstance(kind, Number) else "TEXT"
            type_ = Parsed(kind.metavar or noun, kind.parse)
        default = kind.show(setting.default)
        command = grouped_option(setting.metadata["group"])(
            option,
            name,
            type=type_,
            default=setting.default if kind.is_flag else None,
            multiple=kind.multiple,
            help=helps.get(name, setting.metadata["help"])
            + (f" [default: {default}]" if default else ""),
        )(command)
    return command


def explicit_options(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that the user gave, without those left at their defaults."""
    source = click.get_current_context().get_parameter_source
    return {
        name: value for name, value in values.items() if source(name) is not ParameterSource.DEFAULT
    }


def command_line() -> str:
    """Return the command as it was given, quoted for a shell."""
    invocation = click.get_current_context().ensure_object(Invocation)
    return f"jaxstyle {shlex.join(invocation.words)}"


def with_option_names(message: str) -> str:
    """Write settings of two words in a message as the command line spells them.

    >>> with_option_names("expected style_weight to be at least 0, got nan")
    'expected --style-weight to be at least 0, got nan'
    """
    names = "|".join(setting.name for setting in fields(Settings) if "_" in setting.name)
    return re.sub(
        rf"(?<![\w./'-])({names})(?= )", lambda match: f"--{match[1].replace('_', '-')}", message
    )


def _set_debug(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Invocation).debug = True


def _set_level(level: int) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            ctx.call_on_close(lambda before=logger.level: logger.setLevel(before))
            logger.setLevel(level)

    return callback


DEBUG = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_set_debug,
    help="Show the traceback of an error.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
OFFLINE = click.option("--offline", is_flag=True, help="Never fetch anything.")
_QUIET = click.option(
    "--quiet",
    is_flag=True,
    expose_value=False,
    callback=_set_level(logging.ERROR),
    help="Show errors only.",
)
_VERBOSE = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    expose_value=False,
    callback=_set_level(logging.DEBUG),
    help="Show details, too.",
)
FOLDER = grouped_option("Output")(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Folder for the pictures, tables and the page.",
)


def diagnostics(command: Function) -> Function:
    """Add `--quiet`, `--verbose` and `--debug`."""
    return _QUIET(_VERBOSE(DEBUG(command)))
