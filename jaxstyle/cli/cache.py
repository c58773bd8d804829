"""`jaxstyle cache`: what the cache holds, and clearing it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from jaxstyle._util.cache import cache_folder
from jaxstyle.cli.listings import print_json, print_table
from jaxstyle.cli.options import DEBUG, JSON
from jaxstyle.cli.streams import path_text, write_result

CONTENTS = {
    "compiled": "compiled programs",
    "weights": "networks, fetched and imported",
    "downloads": "files as they were fetched",
    "samples": "sample pictures",
    "tfds": "prepared data sets",
    "listings": "what `jaxstyle metrics` shows",
}
"""What each folder of the cache holds."""
_NAMES = {
    "compiled": r"[^/]+-(cache|atime)|\.lockfile",
    "weights": r"[^/]+-[0-9a-f]{8}\.safetensors",
    "downloads": r"[^/]+-[0-9a-f]{8}\.pth",
    "tfds": r".+",
    "listings": r"metrics-[0-9a-f]{16}\.json",
}
"""How its files are named there, as the folder may be one in which the user has others."""


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
    from rich.filesize import decimal

    rows: list[dict[str, Any]] = []
    for name, holds in CONTENTS.items():
        sizes = list(map(_size, _files(name)))
        facts = {"name": name, "holds": holds, "files": len(sizes), "bytes": sum(sizes)}
        rows.append({**facts, "where": str(cache_folder() / name)})
    if as_json:
        print_json(rows)
        return
    print(f"{path_text(cache_folder())} ({decimal(sum(row['bytes'] for row in rows))})\n")
    rows = [{**row, "folder": row["name"], "size": decimal(row["bytes"])} for row in rows]
    print_table(rows, dict.fromkeys(("folder", "holds", "files", "size"), 0))


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
    """Remove files from the cache, and nothing that something else may have put there."""
    from rich.filesize import decimal

    names = tuple(CONTENTS) if what == "all" else ("compiled",)
    paths = _fetched() if what == "downloads" else [p for name in names for p in _files(name)]
    total = sum(map(_size, paths))
    for path in paths:
        path.unlink(missing_ok=True)
    files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
    write_result(f"removed {files} ({decimal(total)}) from {cache_folder()}")


def _files(name: str) -> list[Path]:
    folder = cache_folder() / name
    files = (path for path in folder.rglob("*") if path.is_file())
    if name == "samples":
        from jaxstyle import samples

        return [path for path in files if samples.called(path.name)]
    pattern = re.compile(_NAMES[name], re.DOTALL)
    return [path for path in files if pattern.fullmatch(path.relative_to(folder).as_posix())]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # another process has removed it
        return 0


def _fetched() -> list[Path]:
    """Return the files that `jaxstyle` can fetch again."""
    from jaxstyle.weights.registry import SOURCES, listing

    places = [row["where"] for row in listing() if row["name"] in SOURCES and row["where"]]
    kept = [path for path in map(Path, places) if path.is_relative_to(cache_folder())]
    return [*kept, *_files("downloads"), *_files("samples")]
