"""A page for every recipe, from the registry and the errors in `benchmarks/recipes.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markup import (
    benchmark_rows,
    bibtex,
    card_picture,
    dropdown,
    plain,
    sentence,
    shell,
    stylize,
    table,
    toctree,
)
from pages import generated

from jaxstyle.cli.listings import method_row, setting_text
from jaxstyle.recipes import ADAPTED, RECIPES, Method, Recipe

INTRODUCTION = """# All recipes

A recipe is settings by name: a *method* does what a paper's code does, and `NAME/adapted` has its
metrics in our unit. See [](../../guides/recipes.md).
"""


def _pages() -> Iterator[tuple[str, str]]:
    yield "index", "\n".join(_index())
    for name, recipe in RECIPES.items():
        yield name, "\n".join(_card(recipe))


def _index() -> Iterator[str]:
    yield INTRODUCTION
    papers = [recipe for recipe in RECIPES.values() if recipe.citation]
    ours = [recipe for recipe in RECIPES.values() if not recipe.citation]
    for title, several in (("Of papers", papers), ("Ours", ours)):
        rows = [
            (
                f"[`{recipe.name}`]({recipe.name}.md)",
                recipe.meaning,
                ", ".join(f"`{variant}`" for variant in recipe.variants),
            )
            for recipe in several
        ]
        yield f"## {title}\n"
        yield table(("recipe", "meaning", "variants"), rows)
        yield toctree((recipe.name for recipe in several), title)


def _card(recipe: Recipe) -> Iterator[str]:
    yield f"# `{recipe.name}`\n"
    yield f"{sentence(recipe.meaning)}.\n"
    if recipe.citation:
        yield f"{plain(recipe.citation)}.\n"
    for variant, method in recipe.methods.items():
        yield from _method(recipe, variant, method)
    yield f"## `{recipe.name}/{ADAPTED}`\n"
    yield "Its metrics in our unit, on the network in use, in about the default's time.\n"
    yield card_picture(f"recipes/{recipe.name}", f"by `{recipe.name}/{ADAPTED}`")
    yield shell(stylize(f"--recipe {recipe.name}/{ADAPTED}"))
    yield _settings(recipe.settings_of(ADAPTED))
    for title, text in (
        ("The paper's constants", recipe.constants),
        ("Its weights", recipe.weights),
        ("Deviations", recipe.deviations),
    ):
        if text:
            yield f"**{title}.** {plain(' '.join(text.split()))}\n"
    yield bibtex([recipe.bibtex])


def _method(recipe: Recipe, variant: str, method: Method) -> Iterator[str]:
    name, row = f"{recipe.name}/{variant}", method_row(method)
    yield f"## `{name}`\n"
    exact = "but for the deviations below" if method.deviations else "exactly"
    yield f"All that its source does, {exact}.\n"
    yield shell(stylize(f"--recipe {name}"))
    for cells in benchmark_rows("recipes.md"):
        if cells[0] == f"`{name}`" and len(cells) == 7:
            checked, loss, gradient, steps = cells[3:]
            yield f"Compared with torch in float64, on {checked}: the loss agrees to {loss},"
            yield f"the gradient to {gradient}.\n"
            if steps != "–":
                count, _, error = steps.partition(": ")
                yield f"After the first steps ({count}) the picture agrees to {error} of the way.\n"
    for title, lines in (("Deviations", method.deviations), ("Sources", method.sources)):
        if lines:
            yield f"**{title}**\n"
            yield "\n".join(f"- {plain(line)}" for line in lines) + "\n"
    yield dropdown("Settings", _settings(recipe.settings_of(variant)))
    yield dropdown("Weights", _weights(row["weights"]))


def _settings(settings: Mapping[str, Any]) -> str:
    rows = [(f"`{name}`", f"`{setting_text(name, value)}`") for name, value in settings.items()]
    return table(("setting", "value"), rows)


def _weights(stages: list[Mapping[str, Any]]) -> str:
    rows = []
    for number, weights in enumerate(stages, 1):
        for term, values in weights.items():
            several = values if isinstance(values, (tuple, list)) else (values,)
            scale = number if len(stages) > 1 else "all"
            rows.append((scale, f"`{term}`", ", ".join(f"{value:.6g}" for value in several)))
    return table(("scale", "term", "weight, of each layer where several"), rows)


setup = generated("reference/recipes", _pages)
