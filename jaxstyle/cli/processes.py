"""The options of commands whose work several processes share."""

from __future__ import annotations

import click

from jaxstyle.cli.options import COUNT, Function, grouped_option
from jaxstyle.cli.terminal import stop_on_signals

_option = grouped_option("Several processes")


def process_options(command: Function) -> Function:
    """Add `--coordinator`, `--processes` and `--process`, which `join` takes."""
    options = (
        _option(
            "--coordinator",
            metavar="HOST:PORT",
            help="Share the work with other processes; the first of them listens at this address. "
            "auto: as the cluster says, if JAX knows it.",
        ),
        _option("--processes", type=COUNT, help="Number of processes."),
        _option("--process", type=click.IntRange(0), help="Number of this process, from 0."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def join(coordinator: str | None, processes: int | None, process: int | None) -> bool:
    """Join the other processes, if there are any, and return whether this is the first.

    Raises:
        ValueError: A number of processes without a coordinator.
    """
    import jax

    if coordinator == "auto":
        jax.distributed.initialize()
    elif coordinator:
        jax.distributed.initialize(coordinator, processes, process)
    elif processes is not None or process is not None:
        raise ValueError("--processes and --process need a --coordinator")
    if coordinator:
        stop_on_signals()  # JAX has taken SIGTERM, and would ignore it
    return jax.process_index() == 0
