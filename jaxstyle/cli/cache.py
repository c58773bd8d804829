"""`jaxstyle cache`: what the cache holds, and clearing it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from jaxstyle._util.cache import cache_folder
from jaxstyle.cli.listings import print_json, print_table
from jaxstyle.cli.options import DEBUG, JSON

CONTENTS = {
    "compiled": "compiled programs",
    "weights": "networks, fetched and imported",
    "downloads": "files as they were fetched",
    "samples": "sample pictures",
    "tfds": "prepared data sets",
}
"""What each folder of the cache holds."""


@click.group(invoke_without_command=True, short_help="Show what the cache holds, or clear it.")
@JSON
@DEBUG
@click.pass_context
def cache(ctx: click.Context, as_json: bool) -> None:
    """Show what the cache holds, where, and how large it is.

    The cache is $JAXSTYLE_CACHE if set, else the user's cache folder of the platform.
    """
    if ctx.invoked_subcommand:
        return
    rows = [_row(name) for name in CONTENTS]
    if as_json:
        print_json(rows)
        return
    from rich.filesize import decimal

    total = sum(row["bytes"] for row in rows)
    print(f"{cache_folder()} ({decimal(total)})\n")
    rows = [{**row, "folder": row["name"], "size": decimal(row["bytes"])} for row in rows]
    print_table(rows, ("folder", "holds", "files", "size"))


@cache.command("clear")
@click.option("--compiled", "what", flag_value="compiled", help="Compiled programs (the default).")
@click.option(
    "--downloads",
    "what",
    flag_value="downloads",
    help="What can be fetched again: networks, downloaded files, sample pictures.",
)
@click.option(
    "--all",
    "what",
    flag_value="all",
    help="Everything, imported networks and prepared data sets too.",
)
@DEBUG
def clear(what: str | None) -> None:
    """Remove files from the cache."""
    from rich.filesize import decimal

    names: Sequence[str] = ("compiled",)
    if what == "all":
        names = tuple(CONTENTS)
    paths = _fetched() if what == "downloads" else [p for name in names for p in _files(name)]
    total = 0
    for path in paths:
        size = path.stat().st_size
        path.unlink(missing_ok=True)
        total += size
    files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
    print(f"removed {files} ({decimal(total)}) from {cache_folder()}")


def _row(name: str) -> dict[str, Any]:
    files = _files(name)
    return {
        "name": name,
        "holds": CONTENTS[name],
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "where": str(cache_folder() / name),
    }


def _files(name: str) -> list[Path]:
    return [path for path in (cache_folder() / name).rglob("*") if path.is_file()]


def _fetched() -> list[Path]:
    """Return the files that `jaxstyle` can fetch again."""
    from jaxstyle.weights.registry import SOURCES, listing

    paths: Iterable[Path] = (
        Path(row["where"]) for row in listing() if row["name"] in SOURCES and row["where"]
    )
    kept = [path for path in paths if path.is_relative_to(cache_folder())]
    return [*kept, *_files("downloads"), *_files("samples")]
