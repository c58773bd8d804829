"""The group of commands, and how each ends. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import os
import re
import sys

import click

from jaxstyle import __version__
from jaxstyle._util.files import reason
from jaxstyle.cli import (
    batch,
    cache,
    compare,
    grid,
    listings,
    replay,
    search,
    studio,
    study,
    stylize,
    texture,
    video,
    weights,
)
from jaxstyle.cli.options import Invocation, with_option_names
from jaxstyle.cli.streams import STANDARD_OUTPUT, printable, write_message
from jaxstyle.cli.terminal import exit_status, log_to_stderr, stop_insisting

_EXPECTED = (OSError, ValueError, TypeError, MemoryError)
"""Errors whose messages are for users."""
_LAYOUT = re.compile(r"\s*\n\s*")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="jaxstyle %(version)s")
def commands() -> None:
    """Image style transfer in JAX.

    \b
    jaxstyle stylize photo.jpg painting.jpg -o picture.png
    """  # noqa: D301 (click wants the backspace itself)


for command in (
    stylize.stylize,
    texture.texture,
    studio.studio,
    batch.batch,
    video.video,
    grid.grid,
    study.study,
    search.search,
    replay.replay,
    compare.compare,
    listings.samples,
    listings.metrics,
    listings.recipes,
    listings.cite,
    weights.weights,
    cache.cache,
):
    commands.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line, and exit.

    The exit status is 2 after an error, which is one line, 130 after Ctrl-C (after SIGTERM 143, and
    after SIGHUP 129, where the process leaves them to `terminal.stop_on_signals`), and 1 when
    nobody reads what a command prints.
    """
    invocation = Invocation(sys.argv[1:] if arguments is None else arguments)
    if "_JAXSTYLE_COMPLETE" in os.environ:
        commands.main(invocation.words, "jaxstyle")  # answers a shell that completes a word
    try:
        with log_to_stderr():
            status = _run(invocation)
        print(end="", flush=True)  # whatever befalls it, befalls the command
    except KeyboardInterrupt as stop:
        status = _interrupted(stop)
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            # Python 3.11 wraps whatever is raised in `__set_name__`, and so while JAX is imported.
            sys.exit(_interrupted(error.__cause__))
        if isinstance(error, BrokenPipeError) and error.filename == STANDARD_OUTPUT:
            sys.exit(1)
        if invocation.debug and not isinstance(error, click.ClickException):
            raise
        status = 2
        if type(error).__name__ == "NoArgsIsHelpError":  # click before 8.2 has none
            write_message(*str(error).splitlines())
        else:
            write_message(f"jaxstyle: error: {error_line(error)}")
    sys.exit(status)


def _interrupted(stop: KeyboardInterrupt) -> int:
    stop_insisting()
    write_message("jaxstyle: interrupted")
    return exit_status(stop)


def _run(invocation: Invocation) -> int:
    # Not `commands.main`, which takes every broken pipe for standard output's, ends quietly, and
    # takes the end of a damaged file (EOFError) for that of standard input.
    try:
        with commands.make_context("jaxstyle", invocation.words, obj=invocation) as context:
            commands.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return 0


def error_line(error: Exception) -> str:
    """Return the message of an error as one line, with names of files as they are."""
    message = reason(error)
    if isinstance(error, click.ClickException):
        message = error.format_message()
    elif not message or not isinstance(error, _EXPECTED):
        message = f"{type(error).__name__}: {error} (--debug shows where)"
    if not isinstance(error, _EXPECTED):
        message = _LAYOUT.sub(" ", message)  # of the libraries: ours have one line
    return printable(with_option_names(message))
