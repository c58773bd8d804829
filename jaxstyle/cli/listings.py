"""`jaxstyle samples`, `metrics`, `recipes`, `cite`, `weights` and `cache`: what there is."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle._util.cache import cache_folder
from jaxstyle._util.names import nearest
from jaxstyle.cli.options import DEBUG, JSON, PATH, Function, diagnostics

if TYPE_CHECKING:
    from rich.console import Console

    from jaxstyle.metrics import Metric

Row = Mapping[str, Any]
CONTENTS = {
    "compiled": "compiled programs",
    "weights": "networks, fetched and imported",
    "downloads": "files as they were fetched",
    "samples": "sample pictures",
    "tfds": "prepared data sets",
}
"""What each folder of the cache holds."""


def print_json(rows: Iterable[Row]) -> None:
    """Print rows as JSON."""
    print(json.dumps(list(rows), indent=1, ensure_ascii=False))


def _console() -> Console:
    """Return a console as wide as the terminal, or of 80 characters where there is none."""
    from rich.console import Console

    width = shutil.get_terminal_size((80, 24)).columns
    return Console(width=width, markup=False, highlight=False, emoji=False)


def _print_table(rows: Iterable[Row], columns: Mapping[str, int], title: str = "") -> None:
    """Print rows as a table.

    Args:
        rows: Values by column; None is left empty.
        columns: For each title the least width of the terminal in which the column is shown.
        title: Of the table.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table

    console = _console()
    first, *others = (key for key, width in columns.items() if width <= console.width)
    table = Table(
        Column(first, no_wrap=True),
        *others,
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        title=title,
        title_justify="left",
    )
    for row in rows:
        table.add_row(*("" if row[key] is None else str(row[key]) for key in (first, *others)))
    console.print(table)


def _print_record(record: Row) -> None:
    """Print one row in full, a line for every key that has a value."""
    from rich.table import Column, Table

    table = Table.grid(Column(no_wrap=True), padding=(0, 2))
    for key, value in record.items():
        if value not in (None, "", [], {}):
            table.add_row(key, str(value))
    _console().print(table)


def _print_rows(
    rows: Iterable[Row], name: str | None, as_json: bool, columns: Mapping[str, int]
) -> None:
    """Print rows as JSON, the one of a name in full, or a table of all."""
    if as_json:
        print_json(rows)
    elif name:
        _print_record(next(iter(rows)))
    else:
        _print_table(rows, columns)
        print()
        _print_hint()


def _print_hint() -> None:
    print(f"`{click.get_current_context().command_path} NAME` shows one in full.")


def _select(rows: list[dict[str, Any]], name: str | None, noun: str) -> list[dict[str, Any]]:
    """Return the rows of a name, or all rows without one; `ValueError` if no row has it."""
    selected = [row for row in rows if name in (None, row["name"])]
    if not selected:
        known = [row["name"] for row in rows]
        raise ValueError(f"no {noun} is named {name!r}{nearest(str(name), known)}")
    return selected


def _listing_options(command: Function) -> Function:
    """Add the argument NAME, `--json` and `--debug`."""
    return click.argument("name", required=False)(JSON(DEBUG(command)))


@click.command(short_help="List the sample pictures.")
@_listing_options
def samples(name: str | None, as_json: bool) -> None:
    """List the pictures that `sample:NAME` stands for; with a NAME show one in full."""
    from jaxstyle.samples import listing

    columns = {"name": 0, "kind": 0, "title": 0, "status": 0, "credit": 110, "license": 110}
    _print_rows(_select(listing(), name, "sample"), name, as_json, columns)


@click.command(short_help="List the similarity metrics.")
@_listing_options
def metrics(name: str | None, as_json: bool) -> None:
    """List the metrics for --metric, --content-metric and --regularizer.

    With a NAME show one in full: what it computes, what it costs, its hyperparameters and
    references.
    """
    from jaxstyle.metrics import KINDS, METRICS, find

    every = [metric for kind in KINDS for metric in METRICS[kind].values()]
    chosen = [metric for metric in every if name in (None, metric.name)]
    if name and not chosen:
        find(name)  # says what is wrong
    if as_json:
        print_json(map(_metric_row, chosen))
    elif name:
        for metric in chosen:
            _print_metric(metric)
    else:
        columns = {"name": 0, "meaning": 0, "paper": 110, "cost": 140}
        for kind in KINDS:
            title = f"{kind} metrics" if kind != "image" else "regularizers (image metrics)"
            _print_table((_metric_row(m) for m in chosen if m.kind == kind), columns, title)
            print()
        _print_hint()


def _metric_row(metric: Metric) -> dict[str, Any]:
    facts = ("name", "kind", "meaning", "cost", "paper", "layers", "parameters", "symmetric")
    return {fact: getattr(metric, fact) for fact in facts}


def _print_metric(metric: Metric) -> None:
    answer = {True: "yes", False: "no"}
    record = _metric_row(metric)
    parameters = record.pop("parameters").items()
    record |= {
        "cost": metric.cost
        + " (each layer and step; n, m: positions of the pictures, C: channels)",
        "layers": ", ".join(metric.layers),
        "symmetric": answer[metric.symmetric],
        "hyperparameters": ", ".join(f"{name} {value:g}" for name, value in parameters),
        "random": answer[metric.random],
        "zero at equal pictures": answer[metric.zero],
        "weights": metric.weights,
    }
    _print_record(record)
    for function in dict.fromkeys((*_documented(metric.summarize), *_documented(metric.distance))):
        print(f"\n{function.__module__}.{function.__qualname__}")
        for line in (inspect.getdoc(function) or "").splitlines():
            print(f"    {line}".rstrip())
    print()


def _documented(function: Any) -> Iterator[Any]:
    """Yield the function if it has a docstring, else those that a closure holds and that do."""
    while isinstance(function, partial):
        function = function.func
    if hasattr(function, "__qualname__") and function.__doc__:
        yield function
        return
    for cell in getattr(function, "__closure__", None) or ():
        yield from _documented(cell.cell_contents)


@click.command(short_help="List the recipes: a paper's settings by name.")
@_listing_options
def recipes(name: str | None, as_json: bool) -> None:
    """List the named settings for --recipe; with a NAME show one in full."""
    from jaxstyle.recipes import RECIPES, find

    rows: list[dict[str, Any]] = [
        {**vars(recipe), "citation": recipe.citation, "settings": dict(recipe.settings)}
        for recipe in ([find(name)] if name else RECIPES.values())
    ]
    if as_json or not name:
        _print_rows(rows, name, as_json, {"name": 0, "meaning": 0, "citation": 110})
        return
    (row,) = rows
    bibtex, settings = row.pop("bibtex"), row.pop("settings")
    _print_record(row)
    print("\nsettings")
    for key, value in settings.items():
        print(f"    {key} = {_setting_text(key, value)}")
    print(f"\n{bibtex}")


def _setting_text(name: str, value: Any) -> str:
    from jaxstyle.settings import kind_of

    kind = kind_of(name)
    if kind.multiple:
        return ", ".join(map(str, kind.check(name, value)))
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@click.command(short_help="Print a recipe's BibTeX.")
@click.argument("recipe")
@DEBUG
def cite(recipe: str) -> None:
    """Print the BibTeX of the paper of RECIPE."""
    from jaxstyle.recipes import find

    print(find(recipe).bibtex)


@click.group(short_help="Pretrained networks: list, path, fetch, import.")
def weights() -> None:
    """List, fetch and import pretrained networks."""


@weights.command("list")
@_listing_options
def list_weights(name: str | None, as_json: bool) -> None:
    """List the networks by name; with a NAME show one in full."""
    from rich.filesize import decimal

    from jaxstyle.weights.registry import listing

    rows = _select(listing(), name, "network")
    if not as_json:
        rows = [{**row, "size": decimal(row["bytes"])} for row in rows]
    columns = {"name": 0, "size": 0, "status": 0, "license": 0, "layers": 140}
    _print_rows(rows, name, as_json, columns)


@weights.command("path")
@click.argument("name")
@DEBUG
def weights_path(name: str) -> None:
    """Print the path of the file of the network NAME."""
    from jaxstyle.weights import registry

    print(registry.path(name))


@weights.command("fetch")
@click.argument("name")
@diagnostics
def fetch_weights(name: str) -> None:
    """Fetch the network NAME and check its SHA-256."""
    from jaxstyle.weights import registry

    print(registry.fetch(name))


@weights.command("import")
@click.argument("name")
@click.argument("file", type=PATH)
@diagnostics
def import_weights(name: str, file: Path) -> None:
    """Import FILE (.pth, .safetensors, .npz, Keras .h5, .onnx) as the network NAME."""
    from jaxstyle.weights import registry

    registry.import_file(name, file)


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
        sizes = [path.stat().st_size for path in _files(name)]
        facts = {"name": name, "holds": holds, "files": len(sizes), "bytes": sum(sizes)}
        rows.append({**facts, "where": str(cache_folder() / name)})
    if as_json:
        print_json(rows)
        return
    print(f"{cache_folder()} ({decimal(sum(row['bytes'] for row in rows))})\n")
    rows = [{**row, "folder": row["name"], "size": decimal(row["bytes"])} for row in rows]
    _print_table(rows, dict.fromkeys(("folder", "holds", "files", "size"), 0))


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

    names = tuple(CONTENTS) if what == "all" else ("compiled",)
    paths = _fetched() if what == "downloads" else [p for name in names for p in _files(name)]
    total = sum(path.stat().st_size for path in paths)
    for path in paths:
        path.unlink(missing_ok=True)
    files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
    print(f"removed {files} ({decimal(total)}) from {cache_folder()}")


def _files(name: str) -> list[Path]:
    return [path for path in (cache_folder() / name).rglob("*") if path.is_file()]


def _fetched() -> list[Path]:
    """Return the files that `jaxstyle` can fetch again."""
    from jaxstyle.weights.registry import SOURCES, listing

    places = [row["where"] for row in listing() if row["name"] in SOURCES and row["where"]]
    kept = [path for path in map(Path, places) if path.is_relative_to(cache_folder())]
    return [*kept, *_files("downloads"), *_files("samples")]
