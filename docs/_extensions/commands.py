"""The command reference: a page for every command, from the click commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click
from pages import generated

from jaxstyle.cli.main import commands

INTRODUCTION = """# Commands

`jaxstyle COMMAND --help` says the same. An error is one line and exits with status 2; Ctrl-C saves
what there is and exits with 130.
"""


def _pages() -> Iterator[tuple[str, str]]:
    names = sorted(commands.commands)
    lines = [
        f"- [`jaxstyle {name}`]({name}.md): {commands.commands[name].short_help}" for name in names
    ]
    tree = ["```{toctree}", ":hidden:", "", *names, "```", ""]
    yield "index", "\n".join([INTRODUCTION, *lines, "", *tree])
    for name in sorted(commands.commands):
        yield name, "\n".join(_page(commands.commands[name], f"jaxstyle {name}", 1))


def _page(command: click.Command, path: str, level: int) -> Iterator[str]:
    """Yield the lines that describe a command, and those in it if it is a group."""
    context = click.Context(command, info_name=path)
    yield f"{'#' * level} `{path}`\n"
    yield from (_prose(part) for part in (command.help or "").split("\n\n"))
    pieces = command.collect_usage_pieces(context)
    yield f"```text\n{path} {' '.join(pieces)}\n```\n"
    for example in getattr(command, "examples", ()):
        yield "```sh\n" + example.replace("\n", " \\\n    ") + "\n```\n"
    groups: dict[str, list[click.Option]] = {}
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and not parameter.hidden:
            groups.setdefault(getattr(parameter, "group", ""), []).append(parameter)
    others = groups.pop("", [])
    title = "Other options" if groups else "Options"
    for group, options in (*groups.items(), (title, others)):
        if options:
            yield f"{'#' * (level + 1)} {group}\n"
            for option in options:
                yield from _option(option, context)
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _page(command.commands[name], f"{path} {name}", level + 1)


def _option(option: click.Option, context: click.Context) -> Iterator[str]:
    term, meaning = option.get_help_record(context) or ("", "")
    yield f"`{term}`\n: {_escaped(meaning)}\n"


def _prose(text: str) -> str:
    if text.startswith("\b"):
        return "```sh\n" + text.removeprefix("\b").strip() + "\n```\n"
    return _escaped(" ".join(text.split())) + "\n"


def _escaped(text: str) -> str:
    for character in "*_<[$":
        text = text.replace(character, "\\" + character)
    # What stands between backticks is code, in which nothing is escaped.
    parts = text.split("`")
    return "`".join(part.replace("\\", "") if at % 2 else part for at, part in enumerate(parts))


setup = generated("reference/commands", _pages)
