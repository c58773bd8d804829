"""`jaxstyle samples`, `metrics`, `recipes` and `cite`, and how listings are printed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle._util.names import nearest
from jaxstyle.cli.options import DEBUG, JSON, Function, GroupedCommand
from jaxstyle.cli.streams import can_print

if TYPE_CHECKING:
    from rich.console import Console

    from jaxstyle.recipes import Method, Recipe
    from jaxstyle.recipes.recipe import Stage

Row = Mapping[str, Any]


def print_json(rows: Iterable[Row]) -> None:
    """Print rows as JSON."""
    text = json.dumps(list(rows), indent=1, ensure_ascii=False)
    # Where the encoding lacks a character, its escape: another spelling would be other data.
    print(text if can_print(text) else json.dumps(json.loads(text), indent=1))


def make_console() -> Console:
    """Return a console as wide as the terminal, or of 80 characters where there is none."""
    from rich.console import Console

    width = shutil.get_terminal_size((80, 24)).columns
    # From a file rich learns the encoding, and draws tables with characters that it has.
    return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)


def print_table(rows: Iterable[Row], columns: Mapping[str, int], title: str = "") -> None:
    """Print rows as a table.

    Args:
        rows: Values by column; None is left empty.
        columns: For each title the least width of the terminal in which the column is shown.
        title: Of the table.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table

    console = make_console()
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


def print_record(record: Row) -> None:
    """Print one row in full, a line for every key that has a value."""
    from rich.table import Column, Table

    table = Table.grid(Column(no_wrap=True), padding=(0, 2))
    for key, value in record.items():
        if value not in (None, "", [], {}):
            table.add_row(key, str(value))
    make_console().print(table)


def print_rows(
    rows: Iterable[Row], name: str | None, as_json: bool, columns: Mapping[str, int]
) -> None:
    """Print rows as JSON, the one of a name in full, or a table of all."""
    if as_json:
        print_json(rows)
    elif name:
        print_record(next(iter(rows)))
    else:
        print_table(rows, columns)
        print()
        print_hint()


def print_hint() -> None:
    """Print how to see one row in full."""
    print(f"`{click.get_current_context().command_path} NAME` shows one in full.")


def select(rows: list[dict[str, Any]], name: str | None, noun: str) -> list[dict[str, Any]]:
    """Return the rows of a name, or all rows without one; `ValueError` if no row has it."""
    selected = [row for row in rows if name in (None, row["name"])]
    if not selected:
        known = [row["name"] for row in rows]
        raise ValueError(f"no {noun} is named {name!r}{nearest(str(name), known)}")
    return selected


def listing_options(command: Function) -> Function:
    """Add the argument NAME, `--json` and `--debug`."""
    return click.argument("name", required=False)(JSON(DEBUG(command)))


@click.command(short_help="List the sample pictures.")
@listing_options
def samples(name: str | None, as_json: bool) -> None:
    """List the pictures that `sample:NAME` stands for; with a NAME show one in full."""
    from jaxstyle.samples import listing

    columns = {"name": 0, "kind": 0, "title": 0, "status": 0, "credit": 110, "license": 110}
    print_rows(select(listing(), name, "sample"), name, as_json, columns)


@click.command(short_help="List the similarity metrics.")
@listing_options
def metrics(name: str | None, as_json: bool) -> None:
    """List the metrics for --metric, --content-metric and --regularizer.

    With a NAME show one in full: what it computes, what it costs, its hyperparameters and
    references.
    """
    from jaxstyle.cli.metric_facts import ROW, metric_facts

    every = metric_facts()
    chosen = [metric for metric in every if name in (None, metric["name"])]
    if name and not chosen:
        from jaxstyle.metrics import find

        find(name)  # says what is wrong
    rows = [{fact: metric[fact] for fact in ROW} for metric in chosen]
    if as_json:
        print_json(rows)
    elif name:
        for metric in chosen:
            _print_metric(metric)
    else:
        columns = {"name": 0, "meaning": 0, "paper": 110, "cost": 140}
        for kind in dict.fromkeys(row["kind"] for row in rows):
            title = f"{kind} metrics" if kind != "image" else "regularizers (image metrics)"
            print_table((row for row in rows if row["kind"] == kind), columns, title)
            print()
        print_hint()


def _print_metric(metric: Row) -> None:
    answer = {True: "yes", False: "no"}
    parameters = metric["parameters"].items()
    record = {fact: metric[fact] for fact in ("name", "kind", "meaning")} | {
        "cost": metric["cost"]
        + " (each layer and step; n, m: positions of the pictures, C: channels)",
        "paper": metric["paper"],
        "layers": ", ".join(metric["layers"]),
        "symmetric": answer[metric["symmetric"]],
        "gathers": "all of some features on each of several devices" if metric["gathers"] else "no",
        "hyperparameters": ", ".join(f"{name} {value:g}" for name, value in parameters),
        "random": answer[metric["random"]],
        "zero at equal pictures": answer[metric["zero"]],
        "weights": metric["weights"],
    }
    print_record(record)
    for name, docstring in metric["functions"]:
        print(f"\n{name}")
        for line in docstring.splitlines():
            print(f"    {line}".rstrip())
    print()


@click.command(short_help="List the recipes: a paper's settings by name.")
@listing_options
def recipes(name: str | None, as_json: bool) -> None:
    """List the named settings for --recipe; with a NAME show one in full.

    A recipe has variants, NAME/VARIANT: methods as a paper or its code has them, and `adapted`,
    its metrics in our unit. The first is meant where none is named.
    """
    from jaxstyle.recipes import RECIPES, find

    chosen = [find(name)] if name else list(RECIPES.values())
    if as_json:
        print_json(map(_recipe_row, chosen))
    elif name:
        _print_recipe(chosen[0])
    else:
        listed = [
            _recipe_row(recipe) | {"variants": ", ".join(recipe.variants)} for recipe in chosen
        ]
        columns = {"name": 0, "meaning": 0, "variants": 90, "citation": 130}
        print_rows(listed, None, False, columns)


def _recipe_row(recipe: Recipe) -> dict[str, Any]:
    methods = {variant: method_row(method) for variant, method in recipe.methods.items()}
    more = {"settings": dict(recipe.settings), "methods": methods, "citation": recipe.citation}
    return vars(recipe) | more


def method_row(method: Method) -> dict[str, Any]:
    """Return what a method sets, with the weights at each of its stages."""
    return {
        "settings": dict(method.settings),
        "weights": [dict(method.weights_at(stage)) for stage in _stages(method)],
        "sources": method.sources,
        "deviations": method.deviations,
    }


def _stages(method: Method) -> list[Stage]:
    """Return the stages of a square picture of the method's size; one if all are alike."""
    from jaxstyle.recipes.recipe import Stage

    scales = method.settings.get("scales", 1) if callable(method.weights) else 1
    sides = [method.settings["size"] // 2**k for k in reversed(range(scales))]
    return [Stage(number, side, side) for number, side in enumerate(sides)]


def _print_recipe(recipe: Recipe) -> None:
    from jaxstyle.recipes import ADAPTED

    print_record({key: getattr(recipe, key) for key in ("name", "meaning", "citation")})
    for variant, method in recipe.methods.items():
        print(
            f"\n{recipe.name}/{variant}: exact{' but for its deviations' * bool(method.deviations)}"
        )
        _print_settings(recipe.settings_of(variant))
        row = method_row(method)
        for number, weights in enumerate(row["weights"], 1):
            at = f" at scale {number}" if len(row["weights"]) > 1 else ""
            for term, values in weights.items():
                several = values if isinstance(values, Sequence) else (values,)
                of_all = "" if isinstance(values, Sequence) else " at each layer"
                numbers = ", ".join(f"{value:.6g}" for value in several)
                print(f"    weights of {term}{at} = {numbers}{of_all}")
        for key in ("sources", "deviations"):
            print_record({key: "\n".join(row[key])})
    print(f"\n{recipe.name}/{ADAPTED}")
    _print_settings(recipe.settings_of(ADAPTED))
    print_record({key: getattr(recipe, key) for key in ("constants", "weights", "deviations")})
    print(f"\n{recipe.bibtex}")


def _print_settings(settings: Mapping[str, Any]) -> None:
    for key, value in settings.items():
        print(f"    {key} = {setting_text(key, value)}")


def setting_text(name: str, value: Any) -> str:
    """Return the value of a setting as text."""
    from jaxstyle.kinds import Parameters
    from jaxstyle.settings import kind_of

    kind = kind_of(name)
    if isinstance(kind, Parameters):
        return ", ".join(f"{key}={number:g}" for key, number in kind.check(name, value))
    if kind.multiple:
        return ", ".join(map(str, kind.check(name, value)))
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@click.command(
    short_help="Print the BibTeX of what a picture owes.",
    cls=GroupedCommand,
    examples=("jaxstyle cite strotss gram vgg16", "jaxstyle cite picture.json"),
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@DEBUG
def cite(names: tuple[str, ...]) -> None:
    """Print the BibTeX of recipes, metrics, judges and networks; or of all that a run owes.

    NAME is one of theirs, or the .json that lies beside a picture or a film.
    """
    entries = [entry for name in names for entry in _cited(name)]
    print("\n\n".join(dict.fromkeys(entries)))


def _cited(name: str) -> list[str]:
    """Return the BibTeX of a name or manifest; `ValueError` if nothing has it, or no paper."""
    from jaxstyle.recipes import RECIPES, find

    if name.partition("/")[0] in RECIPES:
        return [find(name).bibtex]  # of a metric of that name the paper is the same
    from jaxstyle.metrics import METRICS
    from jaxstyle.transfer import manifest, owed
    from jaxstyle.video import manifest as film_manifest
    from jaxstyle.weights.sources import SOURCES

    if name.endswith(".json"):
        is_film = film_manifest.is_film(Path(name))
        facts = film_manifest.read(Path(name)) if is_film else manifest.read(name)
        if facts is None:
            raise ValueError(f"{name} is no manifest of a picture or a film")
        try:
            return owed.of_manifest(facts, film=is_film)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    entries = owed.of_name(name)
    known = [*RECIPES, *SOURCES, *(metric for group in METRICS.values() for metric in group)]
    if not entries and name in known:
        raise ValueError(f"{name} has no paper")
    if not entries:
        raise ValueError(f"nothing to cite is named {name!r}{nearest(name, known)}")
    return entries
