"""`jaxstyle samples`, `metrics`, `recipes` and `cite`: what there is, as tables."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from jaxstyle._util.names import nearest
from jaxstyle.cli.options import DEBUG, JSON

if TYPE_CHECKING:
    from jaxstyle.metrics import Metric

Row = Mapping[str, Any]


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        key: What the rows call it; its title.
        width: The least width of the terminal in which it is shown.
    """

    key: str
    width: int = 0


def print_json(rows: Iterable[Row]) -> None:
    """Print rows as JSON."""
    print(json.dumps(list(rows), indent=1, ensure_ascii=False))


def print_table(rows: Iterable[Row], columns: Iterable[Column | str], title: str = "") -> None:
    """Print rows as a table as wide as the terminal at most, 80 characters where there is none."""
    from rich import box
    from rich.table import Table

    shown = [Column(column) if isinstance(column, str) else column for column in columns]
    keys = [column.key for column in shown if column.width <= _width()]
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, title=title, title_justify="left"
    )
    for key in keys:
        table.add_column(key, no_wrap=key == keys[0])
    for row in rows:
        table.add_row(*("" if row[key] is None else str(row[key]) for key in keys))
    _print(table)


def print_record(record: Row) -> None:
    """Print one row in full, a line for every key that has a value."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    for key, value in record.items():
        if value not in (None, "", [], {}):
            table.add_row(key, str(value))
    _print(table)


def _width() -> int:
    return shutil.get_terminal_size((80, 24)).columns


def _print(table: Any) -> None:
    from rich.console import Console

    Console(width=_width(), markup=False, highlight=False, emoji=False).print(table)


def select(rows: list[dict[str, Any]], name: str | None, noun: str) -> list[dict[str, Any]]:
    """Return the rows of a name, or all rows without one.

    Raises:
        ValueError: No row has that name; the message names the nearest.
    """
    selected = [row for row in rows if name in (None, row["name"])]
    if not selected:
        known = [row["name"] for row in rows]
        raise ValueError(f"no {noun} is named {name!r}{nearest(str(name), known)}")
    return selected


@click.command(short_help="List the sample pictures.")
@click.argument("name", required=False)
@JSON
@DEBUG
def samples(name: str | None, as_json: bool) -> None:
    """List the pictures that `sample:NAME` stands for; with a NAME show one in full."""
    from jaxstyle.samples import listing

    rows = select(listing(), name, "sample")
    if as_json:
        print_json(rows)
    elif name:
        print_record(rows[0])
    else:
        wide = (Column(key, 110) for key in ("credit", "license"))
        print_table(rows, ("name", "kind", "title", "status", *wide))
        print("\n`jaxstyle samples NAME` shows one in full.")


@click.command(short_help="List the similarity metrics.")
@click.argument("name", required=False)
@JSON
@DEBUG
def metrics(name: str | None, as_json: bool) -> None:
    """List the metrics for --metric, --content-metric and --regularizer.

    With a NAME show one in full: what it computes, what it costs, its hyperparameters and
    references.
    """
    from jaxstyle.metrics import KINDS, METRICS, find

    chosen = [
        metric for kind in KINDS for metric in METRICS[kind].values() if name in (None, metric.name)
    ]
    if name and not chosen:
        find(name)  # says what is wrong
    if as_json:
        print_json(map(_metric_row, chosen))
    elif name:
        for metric in chosen:
            _print_metric(metric)
    else:
        columns = ("name", "meaning", Column("paper", 110), Column("cost", 140))
        for kind in KINDS:
            title = f"{kind} metrics" if kind != "image" else "regularizers (image metrics)"
            print_table((_metric_row(m) for m in chosen if m.kind == kind), columns, title)
            print()
        print("`jaxstyle metrics NAME` shows one in full.")


def _metric_row(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "kind": metric.kind,
        "meaning": metric.meaning,
        "cost": metric.cost,
        "paper": metric.paper,
        "layers": list(metric.layers),
        "parameters": metric.parameters,
        "symmetric": metric.symmetric,
    }


def _print_metric(metric: Metric) -> None:
    row = _metric_row(metric)
    row["cost"] += " (each layer and step; n, m: positions of the pictures, C: channels)"
    row["layers"] = ", ".join(metric.layers)
    parameters = row.pop("parameters").items()
    row["hyperparameters"] = ", ".join(f"{name} {value:g}" for name, value in parameters)
    for fact in ("symmetric", "zero", "random"):
        row[fact] = "yes" if getattr(metric, fact) else "no"
    row["zero at equal pictures"] = row.pop("zero")
    row["weights"] = metric.weights
    print_record(row)
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
@click.argument("name", required=False)
@JSON
@DEBUG
def recipes(name: str | None, as_json: bool) -> None:
    """List the named settings for --recipe; with a NAME show one in full."""
    from jaxstyle.recipes import RECIPES, find

    chosen = [find(name)] if name else list(RECIPES.values())
    rows = []
    for recipe in chosen:
        facts = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
        rows.append({**facts, "citation": recipe.citation, "settings": dict(recipe.settings)})
    if as_json:
        print_json(rows)
    elif name:
        bibtex = rows[0].pop("bibtex")
        settings = rows[0].pop("settings")
        print_record(rows[0])
        print("\nsettings")
        for key, value in settings.items():
            print(f"    {key} = {_shown(key, value)}")
        print(f"\n{bibtex}")
    else:
        print_table(rows, ("name", "meaning", Column("citation", 110)))
        print("\n`jaxstyle recipes NAME` shows one in full.")


def _shown(name: str, value: Any) -> str:
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
