"""The group of commands, and how each ends. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import sys

import click

from jaxstyle import __version__
from jaxstyle.cli import cache, compare, grid, listings, replay, study, stylize, weights
from jaxstyle.cli.options import Invocation, with_option_names
from jaxstyle.cli.terminal import log_to_stderr


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="jaxstyle %(version)s")
def commands() -> None:
    """Image style transfer in JAX.

    \b
    jaxstyle stylize photo.jpg painting.jpg -o picture.png
    """  # noqa: D301 (click wants the backspace itself)


for command in (
    stylize.stylize,
    grid.grid,
    study.study,
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

    The exit status is 2 after an error, which is one line, and 130 after Ctrl-C.
    """
    invocation = Invocation(sys.argv[1:] if arguments is None else arguments)
    try:
        with log_to_stderr():
            status = commands.main(
                invocation.words, "jaxstyle", standalone_mode=False, obj=invocation
            )
            sys.exit(status or 0)
    except click.ClickException as error:
        message = error.format_message()
        if type(error).__name__ == "NoArgsIsHelpError":  # click before 8.2 has none
            print(message, file=sys.stderr)
            sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        print("jaxstyle: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if invocation.debug:
            raise
        message = str(error)
        if isinstance(error, OSError) and error.filename and error.strerror:
            message = f"{error.filename}: {error.strerror}"
        elif not isinstance(error, (OSError, ValueError, TypeError)):
            message = f"{type(error).__name__}: {error} (--debug shows where)"
    print(f"jaxstyle: error: {with_option_names(' '.join(message.split()))}", file=sys.stderr)
    sys.exit(2)
