"""A page for every metric, recipe and network, from the registries and `docs/metrics.toml`."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pages import write_pages

from jaxstyle import citations
from jaxstyle.backbones import BACKBONES
from jaxstyle.cli.listings import _method_row, _setting_text
from jaxstyle.cli.metric_facts import metric_facts
from jaxstyle.recipes import ADAPTED, RECIPES, Recipe
from jaxstyle.weights.sources import SOURCES

HERE = Path(__file__).parents[1]
BENCHMARKS = HERE.parent / "benchmarks"
TITLES = {"style": "Style metrics", "content": "Content metrics", "image": "Regularizers"}
OPTIONS = {"style": "--metric", "content": "--content-metric", "image": "--regularizer"}
_SECTION = re.compile(r"(Args|Returns|Raises|References|Yields):$")


def setup(app: Any) -> dict[str, bool]:
    """Write the pages before Sphinx looks for its sources."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True}


def _write(app: Any) -> None:
    reference = Path(app.srcdir, "reference")
    facts = metric_facts()
    notes = tomllib.loads((HERE / "metrics.toml").read_text("utf-8"))
    named = {(fact["kind"], fact["name"]) for fact in facts}
    noted = {(kind, name) for kind, several in notes.items() for name in several}
    if named != noted:
        missing, unknown = (sorted(map(".".join, s)) for s in (named - noted, noted - named))
        raise ValueError(f"docs/metrics.toml lacks {missing}, and has unknown {unknown}")
    cards = [(f"{f['kind']}-{f['name']}", _metric(f, notes[f["kind"]][f["name"]])) for f in facts]
    write_pages(reference / "metrics", [*cards, ("index", _metric_list(facts))])
    recipes = [(name, _recipe(recipe)) for name, recipe in RECIPES.items()]
    write_pages(reference / "recipes", [*recipes, ("index", _recipe_list())])
    networks = [(name, _network(name)) for name in SOURCES]
    write_pages(reference / "networks", [*networks, ("index", _network_list())])


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a table in Markdown."""
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(str(c).replace('|', chr(92) + '|') for c in l)} |" for l in lines)


def _facts(rows: Mapping[str, Any]) -> str:
    filled = {key: value for key, value in rows.items() if value not in (None, "", [])}
    return table(("", ""), filled.items()) + "\n"


def _bibtex(entries: Iterable[str]) -> str:
    text = "\n\n".join(dict.fromkeys(entries))
    return f":::{{dropdown}} BibTeX\n```bibtex\n{text}\n```\n:::\n" if text else ""


def _toctree(names: Iterable[str], caption: str = "") -> str:
    lines = "\n".join(names)
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```\n"


# Metrics


def _metric(fact: Mapping[str, Any], note: Mapping[str, str]) -> str:
    name, kind = fact["name"], fact["kind"]
    option = OPTIONS[kind]
    yes = {True: "yes", False: "no"}
    parameters = ", ".join(f"`{key}` (default {value:g})" for key, value in fact["parameters"].items())
    example = f"jaxstyle stylize photo.jpg painting.jpg -o picture.png \\\n    {option} {name}"
    if parameters:
        key, value = next(iter(fact["parameters"].items()))
        example += f" \\\n    --parameter {name}.{key}={value / 2 if value > 0 else 1e-5:g}"
    relative = _relative_time(kind, name)
    formula = note["formula"].replace(",\\qquad", ",\\\\[6pt]")
    rows = {
        "Kind": {"style": "style", "content": "content", "image": "regularizer"}[kind],
        "Usual layers": ", ".join(f"`{layer}`" for layer in fact["layers"]),
        "Cost": f"{fact['cost']} for each layer and step"
        + (f"; a step takes {relative} times that of `gram`" if relative else ""),
        "Hyperparameters": parameters,
        "Symmetric": yes[fact["symmetric"]],
        "Zero at equal pictures": yes[fact["zero"]],
        "Random": yes[fact["random"]],
        "On several devices": "takes all of some features to each device" if fact["gathers"] else "divided",
        "Weights": fact["weights"] and f"[`{fact['weights']}`](../networks/{fact['weights']}.md)",
        "Checked against": _checked(fact, note),
    }
    functions = "\n".join(_docstring(path, text) for path, text in fact["functions"])
    entries = map(citations.bibtex, citations.labels(fact["paper"]))
    title = f"`{name}`" + (" (content)" if kind == "content" and name in ("palette", "contextual", "cosine") else "")
    return f"""# {title}

{_capital(fact["meaning"])}.

$$
\\begin{{gathered}}
{formula}
\\end{{gathered}}
$$

**Misses.** {note["misses"]}

{_picture(kind, name)}
{_facts(rows)}
```sh
{example}
```

## As implemented

{functions}

## Paper

{_capital(fact["paper"])}.

{_bibtex(entries)}
"""


def _checked(fact: Mapping[str, Any], note: Mapping[str, str]) -> str:
    """Say what the tests compare with, how closely, and what `measure_errors.py` has measured."""
    errors = json.loads((HERE / "errors.json").read_text("utf-8"))
    error = errors.get(f"{fact['kind']}.{fact['name']}")
    measured = f"; measured {error:.0e}" if error else ""
    return f"{note['reference']}, to {note['within']}{measured}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _docstring(path: str, text: str) -> str:
    """Return a docstring of ours as Markdown: its sections are definition lists."""
    paragraphs = [f"**`{path.removeprefix('jaxstyle.metrics.')}`**"]
    section: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith(">>>"):
            break
        if _SECTION.match(stripped):
            paragraphs += ["\n".join(section), f"*{stripped[:-1]}.*"]
            section = []
        elif not stripped:
            paragraphs.append("\n".join(section))
            section = []
        else:
            section.append(_plain(stripped))
    paragraphs.append("\n".join(section))
    return "\n\n".join(part for part in paragraphs if part.strip()) + "\n"


def _plain(text: str) -> str:
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        part if at % 2 else re.sub(r"([*_<$\[\\#])", r"\\\1", part) for at, part in enumerate(parts)
    )


def _picture(kind: str, name: str) -> str:
    for folder, caption in (
        ("made", "`sample:lighthouse` in the style of `sample:swirls`, by this metric alone at weight 1."),
        ("version_0_1", "`sample:lighthouse` in the style of `sample:swirls`, by this metric alone at weight 1, at 160 pixels. Made by version 0.1."),
    ):
        if (HERE / "_static" / "metrics" / folder / f"{kind}-{name}.jpg").is_file():
            path = f"/_static/metrics/{folder}/{kind}-{name}.jpg"
            alt = f"A lighthouse in the style of a swirling painting, by {name}"
            return f":::{{figure}} {path}\n:alt: {alt}\n:align: left\n\n{caption}\n:::\n"
    return ""


def _relative_time(kind: str, name: str) -> str:
    """Return the time of a step relative to Gram's, of `benchmarks/metrics.md`."""
    for line in (BENCHMARKS / "metrics.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[:2] == [kind, f"`{name}`"]:
            return cells[-1]
    return ""


def _metric_list(facts: Iterable[Mapping[str, Any]]) -> str:
    parts = ["# All metrics\n"]
    for kind, title in TITLES.items():
        rows = [
            (f"[`{f['name']}`]({kind}-{f['name']}.md)", f["meaning"], f["cost"], f["paper"])
            for f in facts
            if f["kind"] == kind
        ]
        parts += [f"## {title}\n", f"{len(rows)} of them, for `{OPTIONS[kind]}`.\n"]
        parts += [table(("metric", "what it measures", "cost", "paper"), rows) + "\n"]
        parts += [_toctree((f"{kind}-{f['name']}" for f in facts if f["kind"] == kind), title)]
    return "\n".join(parts)


# Recipes


def _recipe(recipe: Recipe) -> str:
    parts = [f"# `{recipe.name}`\n", f"{_capital(recipe.meaning)}.\n"]
    if recipe.citation:
        parts += [f"{_plain(recipe.citation)}.\n"]
    errors = _recipe_errors(recipe.name)
    for variant, method in recipe.methods.items():
        row = _method_row(method)
        parts += [f"## `{recipe.name}/{variant}`\n"]
        parts += ["The method as its source has it, but for the deviations below.\n" if row["deviations"] else "The method exactly as its source has it.\n"]
        parts += [f"```sh\njaxstyle stylize photo.jpg painting.jpg -o picture.png \\\n    --recipe {recipe.name}/{variant}\n```\n"]
        if variant in errors:
            loss, gradient, steps = errors[variant]
            parts += [f"Against torch in float64: loss to {loss}, gradient to {gradient}, picture after the first steps to {steps} (steps: relative error).\n"]
        parts += ["**Deviations**\n", *(f"- {_plain(line)}" for line in row["deviations"]), ""] if row["deviations"] else []
        parts += ["**Sources of the constants**\n", *(f"- {_plain(line)}" for line in row["sources"]), ""]
        parts += [_dropdown("Settings", _settings(recipe.settings_of(variant)))]
        parts += [_dropdown("Weights", _weights(row["weights"]))]
    parts += [f"## `{recipe.name}/{ADAPTED}`\n", "Its metrics in our unit, on the network in use; about the default's time.\n"]
    parts += [f"```sh\njaxstyle stylize photo.jpg painting.jpg -o picture.png \\\n    --recipe {recipe.name}/{ADAPTED}\n```\n"]
    parts += [_settings(recipe.settings_of(ADAPTED))]
    about = {"The paper's constants": recipe.constants, "Its weights": recipe.weights, "Deviations": recipe.deviations}
    parts += [f"**{key}.** {_plain(' '.join(value.split()))}\n" for key, value in about.items() if value]
    return "\n".join([*parts, _bibtex([recipe.bibtex] if recipe.bibtex else [])])


def _settings(settings: Mapping[str, Any]) -> str:
    rows = ((f"`{key}`", f"`{_setting_text(key, value)}`") for key, value in settings.items())
    return table(("setting", "value"), rows) + "\n"


def _weights(stages: list[Mapping[str, Any]]) -> str:
    rows = []
    for number, weights in enumerate(stages, 1):
        for term, values in weights.items():
            several = values if isinstance(values, (tuple, list)) else (values,)
            scale = number if len(stages) > 1 else "all"
            rows.append((scale, f"`{term}`", ", ".join(f"{value:.6g}" for value in several)))
    return table(("scale", "term", "weight, of each layer where several"), rows) + "\n"


def _dropdown(title: str, body: str) -> str:
    return f"::::{{dropdown}} {title}\n{body}\n::::\n"


def _recipe_errors(name: str) -> dict[str, list[str]]:
    """Return loss, gradient and first steps by variant, of `benchmarks/recipes.md`."""
    errors = {}
    for line in (BENCHMARKS / "recipes.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        of, _, variant = cells[0].strip("`").partition("/")
        if of == name and variant and len(cells) == 7:
            errors[variant] = cells[4:]
    return errors


def _recipe_list() -> str:
    ours = [r for r in RECIPES.values() if not r.citation]
    papers = [r for r in RECIPES.values() if r.citation]
    parts = ["# All recipes\n"]
    for title, several in (("Of papers", papers), ("Ours", ours)):
        rows = [(f"[`{r.name}`]({r.name}.md)", r.meaning, ", ".join(f"`{v}`" for v in r.variants)) for r in several]
        parts += [f"## {title}\n", table(("recipe", "meaning", "variants"), rows) + "\n"]
        parts += [_toctree((r.name for r in several), title)]
    return "\n".join(parts)


# Networks


def _network(name: str) -> str:
    source = SOURCES[name]
    rows = {
        "Architecture": f"`{source.architecture}`",
        "From": str(source.origin),
        "Size": f"{source.bytes / 1e6:.0f} MB" if source.bytes > 1e6 else f"{source.bytes / 1e3:.0f} kB",
        "License": source.license,
        "SHA-256": f"`{source.sha256}`",
        "Described at": f"<{source.homepage}>",
        "Paper": source.paper,
    }
    backbone = BACKBONES.get(source.architecture)
    layers = ""
    if backbone:
        step = {row[0]: row[1:3] for row in _rows("networks.md")}.get(name)
        if step:
            rows["Step"] = f"{step[0]} times that of `vgg16`"
            rows["Checked against"] = f"torch in float64: {step[1]} at the worst layer (relative)"
        lines = []
        for layer in backbone.layers:
            if layer.startswith("relu"):
                field = backbone.receptive_field(layer)
                lines.append((f"`{layer}`", field.stride, field.last - field.first + 1))
        layers = "## Layers\n\nEach has its values before the ReLU, too: `conv…`.\n\n"
        layers += table(("layer", "stride, pixels", "receptive field, pixels"), lines) + "\n"
    use = f"```sh\njaxstyle weights fetch {name}\njaxstyle stylize photo.jpg painting.jpg -o picture.png \\\n    --backbone {name}\n```\n"
    entries = map(citations.bibtex, citations.labels(source.paper))
    about = _capital(source.about)
    return f"# `{name}`\n\n{about}.\n\n{_facts(rows)}\n{use if backbone else ''}\n{layers}\n{_bibtex(entries)}"


def _rows(file: str) -> Iterator[list[str]]:
    for line in (BENCHMARKS / file).read_text("utf-8").splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def _network_list() -> str:
    backbones = [name for name, s in SOURCES.items() if s.architecture in BACKBONES]
    others = [name for name in SOURCES if name not in backbones]
    parts = ["# All networks\n"]
    for title, names in (("Networks", backbones), ("Weights of judges and starts", others)):
        rows = [(f"[`{n}`]({n}.md)", SOURCES[n].about, SOURCES[n].license) for n in names]
        parts += [f"## {title}\n", table(("name", "about", "license"), rows) + "\n"]
        parts += [_toctree(names, title)]
    return "\n".join(parts)
