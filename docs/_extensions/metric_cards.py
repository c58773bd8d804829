"""A page for every metric, from the registry, `docs/metrics.toml` and `docs/errors.json`."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from markup import (
    DOCS,
    benchmark_rows,
    bibtex,
    card_picture,
    facts_table,
    plain,
    sentence,
    shell,
    stylize,
    table,
    toctree,
)
from pages import generated

from jaxstyle import citations
from jaxstyle.cli.metric_facts import metric_facts

TITLES = {"style": "Style metrics", "content": "Content metrics", "image": "Regularizers"}
OPTIONS = {"style": "--metric", "content": "--content-metric", "image": "--regularizer"}
INTRODUCTION = """# All metrics

Each has a card: its formula, what it misses, its cost and hyperparameters, what its tests compare
it with, its code's own documentation, and its paper. How to choose: [](../../guides/choosing.md).
How to mix: [](../../guides/metrics.md).

In formulas $x$ are the features of the picture at $n$ positions of a layer, $y$ those of the
reference at $m$, and $C$ is the number of channels; $\\mu$, $\\sigma$ and $\\Sigma$ are mean,
standard deviation and covariance over positions. Layers are averaged, unless a metric takes all
at once.
"""
_SECTION = re.compile(r"(Args|Returns|Raises|References|Yields):$")
_ARGUMENT = re.compile(r"([a-z_]+): ")
_MADE = {
    "style": "by this metric alone at weight 1",
    "content": "by the default with this metric in place of its content metrics",
    "image": "by the default with this regularizer in place of its own",
}


def _pages() -> Iterator[tuple[str, str]]:
    facts = metric_facts()
    notes = tomllib.loads((DOCS / "metrics.toml").read_text("utf-8"))
    errors = json.loads((DOCS / "errors.json").read_text("utf-8"))
    named = {f"{fact['kind']}.{fact['name']}" for fact in facts}
    noted = {f"{kind}.{name}" for kind, several in notes.items() for name in several}
    if named != noted:
        lacking, unknown = sorted(named - noted), sorted(noted - named)
        raise ValueError(f"docs/metrics.toml lacks {lacking}, and has the unknown {unknown}")
    yield "index", _index(facts)
    for fact in facts:
        note = notes[fact["kind"]][fact["name"]]
        error = errors.get(f"{fact['kind']}.{fact['name']}")
        yield f"{fact['kind']}-{fact['name']}", _card(fact, note, error)


def _index(facts: list[dict[str, Any]]) -> str:
    parts = [INTRODUCTION]
    for kind, title in TITLES.items():
        of_kind = [fact for fact in facts if fact["kind"] == kind]
        rows = [
            (f"[`{f['name']}`]({kind}-{f['name']}.md)", f["meaning"], f["cost"], f["paper"])
            for f in of_kind
        ]
        parts += [f"## {title}\n", f"{len(rows)} of them, for `{OPTIONS[kind]}`.\n"]
        parts += [table(("metric", "what it measures", "cost", "paper"), rows)]
        parts += [toctree((f"{kind}-{fact['name']}" for fact in of_kind), title)]
    return "\n".join(parts)


def _card(fact: Mapping[str, Any], note: Mapping[str, str], error: float | None) -> str:
    name, kind = fact["name"], fact["kind"]
    option = f"{OPTIONS[kind]} {name}"
    for parameter, value in [*fact["parameters"].items()][:1]:
        option += f" --parameter {name}.{parameter}={value / 2 if value > 0 else 1e-5:g}"
    entries = map(citations.bibtex, citations.labels(fact["paper"]))
    formula = note["formula"].replace(r",\qquad", r",\\[6pt]")
    parts = [
        f"# `{name}`{' (content)' if kind == 'content' and _is_ambiguous(name) else ''}\n",
        f"{sentence(fact['meaning'])}.\n",
        f"$$\n\\begin{{gathered}}\n{formula}\n\\end{{gathered}}\n$$\n",
        f"**Misses.** {note['misses']}\n",
        card_picture(f"metrics/{kind}-{name}", _MADE[kind]),
        facts_table(_rows(fact, note, error)),
        shell(stylize(option)),
        "## As implemented\n",
        *(_docstring(path, text) for path, text in fact["functions"]),
        "## Paper\n",
        f"{sentence(fact['paper'])}.\n",
        bibtex(entries),
    ]
    return "\n".join(parts)


def _is_ambiguous(name: str) -> bool:
    return name in ("palette", "contextual", "cosine")


def _rows(
    fact: Mapping[str, Any], note: Mapping[str, str], error: float | None
) -> dict[str, str | None]:
    answer = {True: "yes", False: "no"}
    gathers = {True: "all of some features go to each device", False: "divided"}
    parameters = (f"`{name}` (default {value:g})" for name, value in fact["parameters"].items())
    measured = f"; measured {error:.0e}" if error else ""
    return {
        "Kind": "regularizer" if fact["kind"] == "image" else fact["kind"],
        "Usual layers": ", ".join(f"`{layer}`" for layer in fact["layers"]),
        "Cost": f"{fact['cost']} for each layer and step{_relative_time(fact)}",
        "Hyperparameters": ", ".join(parameters),
        "Symmetric": answer[fact["symmetric"]],
        "Zero at equal pictures": answer[fact["zero"]],
        "Random": answer[fact["random"]],
        "On several devices": gathers[fact["gathers"]],
        "Weights": fact["weights"] and f"[`{fact['weights']}`](../networks/{fact['weights']}.md)",
        "Checked against": f"{note['reference']}, to {note['within']}{measured}",
    }


def _relative_time(fact: Mapping[str, Any]) -> str:
    for cells in benchmark_rows("metrics.md"):
        if cells[:2] == [fact["kind"], f"`{fact['name']}`"]:
            return f"; a step takes {cells[-1]} times that of `gram`"
    return ""


def _docstring(path: str, text: str) -> str:
    """Return a docstring of ours, without its example: titles in italics, arguments as a list."""
    paragraphs, lines, title = [f"**`{path.removeprefix('jaxstyle.metrics.')}`**"], list[str](), ""
    for line in map(str.strip, text.partition(">>>")[0].splitlines()):
        if _SECTION.match(line):
            title = line[:-1]
            paragraphs.append(f"*{title}.*")
        elif not line:
            paragraphs.append("\n".join(lines))
            lines, title = [], ""
        else:
            name = _ARGUMENT.match(line) if title == "Args" else None
            lines.append(f"- `{name[1]}`: {plain(line[name.end() :])}" if name else plain(line))
    paragraphs.append("\n".join(lines))
    return "\n\n".join(filter(None, paragraphs)) + "\n"


setup = generated("reference/metrics", _pages)
