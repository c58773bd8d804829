"""Options that commands share, and one option for every setting."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from jaxstyle._util.log import logger
from jaxstyle.settings import RUN, Settings

Function = TypeVar("Function", bound=Callable[..., Any])
PATH: click.ParamType[Path] = click.Path(path_type=Path)
COUNT = click.IntRange(1)
_SETTING_FOLLOWS = (
    r"expected (?:no |a name for |at least one |every name in |every )?"
    r"|.* is (?:of a run|finished,) with |(?=\w+ and masks )|(?=\w+: expected )"
)


@dataclass
class Invocation:
    """One run of the command line: its words, and whether an error shows its traceback."""

    words: list[str] = field(default_factory=list)
    debug: bool = False


class Parsed(click.ParamType):  # type: ignore[type-arg]  # before click 8.4 it takes none
    """A value that a function parses; its `ValueError` is the message of a usage error."""

    def __init__(self, metavar: str, parse: Callable[[str], Any]) -> None:
        self.name = metavar
        self._parse = parse

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Parse a word."""
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
    """A command whose help lists options in groups, by their first options, and then examples."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for every group, and one for options without a group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record and isinstance(parameter, click.Option):
                groups.setdefault(getattr(parameter, "group", ""), []).append(record)
        others = groups.pop("")
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


def setting_options(
    command: Function,
    without: Collection[str] = (),
    defaults: Mapping[str, Any] = MappingProxyType({}),
    **helps: str,
) -> Function:
    """Add an option for every setting, as its metadata say.

    Args:
        command: What receives them.
        without: Settings that the command has not.
        defaults: What it has in place of the settings' own, by name, for the help.
        helps: Help texts in place of the settings' own.
    """
    settings = sorted(fields(Settings), key=lambda setting: setting.metadata["group"] == RUN)
    for setting in (one for one in reversed(settings) if one.name not in without):
        kind, name, group = setting.metadata["kind"], setting.name, setting.metadata["group"]
        words = name.replace("_", "-")
        type_: click.ParamType[Any] = Parsed(kind.metavar or "TEXT", kind.parse)
        if kind.choices or kind.is_flag:
            type_ = click.Choice(kind.choices) if kind.choices else click.BOOL
        text = helps.get(name, setting.metadata["help"])
        default = kind.show(defaults.get(name, setting.default))
        command = grouped_option(group)(
            f"--{words}/--no-{words}" if kind.is_flag else f"--{words}",
            name,
            type=type_,
            default=setting.default if kind.is_flag else None,
            multiple=kind.multiple,
            help=f"{text} [default: {default}]" if default else text,
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

    Only where messages name settings: a file can have such a name, too.

    >>> with_option_names("expected style_weight to be at least 0, got nan")
    'expected --style-weight to be at least 0, got nan'
    """
    names = "|".join(setting.name for setting in fields(Settings) if "_" in setting.name)
    return re.sub(
        rf"(?s)^({_SETTING_FOLLOWS})({names})(?=[ :]|$)",
        lambda match: f"{match[1]}--{match[2].replace('_', '-')}",
        message,
    )


def _switch(
    *names: str, help: str, act: Callable[[click.Context], object]
) -> Callable[[Function], Function]:
    """Return an option that acts where it is given; the command does not receive it."""

    def callback(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            act(ctx)

    return click.option(*names, is_flag=True, expose_value=False, callback=callback, help=help)


def _show_tracebacks(ctx: click.Context) -> None:
    ctx.ensure_object(Invocation).debug = True


def diagnostics(command: Function) -> Function:
    """Add `--quiet`, `--verbose` and `--debug`."""
    return _QUIET(_VERBOSE(DEBUG(command)))


DEBUG = _switch("--debug", help="Show the traceback of an error.", act=_show_tracebacks)
# `log_to_stderr` restores the level.
_QUIET = _switch(
    "--quiet", help="Show errors only.", act=lambda ctx: logger.setLevel(logging.ERROR)
)
_VERBOSE = _switch(
    "-v", "--verbose", help="Show details, too.", act=lambda ctx: logger.setLevel(logging.DEBUG)
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
OFFLINE = click.option("--offline", is_flag=True, help="Never fetch anything.")

FOLDER = grouped_option("Output")(
    "-o",
    "--output",
    type=PATH,
    required=True,
    metavar="FOLDER",
    help="Folder for the pictures, tables and the page.",
)
