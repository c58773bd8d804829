"""Recipes as their papers are: errors against references, and a picture of each.

    PYTHONPATH=tests python benchmarks/recipes.py table
    python benchmarks/recipes.py pictures FOLDER CONTENT STYLE [NAME=SIZE …]
    python benchmarks/recipes.py sheet FOLDER SHEET

`table` computes the errors of every case of tests/data/recipes whose weights are installed or
fetched. `pictures` runs methods to their end, at the size that is given or their own, and prints
the seconds; those that are there already are kept. `sheet` puts them side by side.
"""

import json
import sys
import time
from pathlib import Path

from PIL import Image, ImageDraw

import jaxstyle
from jaxstyle.recipes import RECIPES

METHODS = [f"{recipe.name}/{variant}" for recipe in RECIPES.values() for variant in recipe.methods]
SIDE, COLUMNS = 192, 7


def table() -> None:
    """Print a row for each method: network, and the largest errors over its cases."""
    import pytest
    from support.against_references import cases, error_of_steps, errors

    rows: dict[str, list[tuple[str, float, float, int, float | None]]] = {}
    for case in cases():
        try:
            of_loss = errors(case)
            steps, of_steps = error_of_steps(case)
        except pytest.skip.Exception:
            print(f"{case.backbone} is not here: {case.name}", file=sys.stderr)
            continue
        row = (case.backbone, of_loss.loss, of_loss.median, steps, of_steps)
        rows.setdefault(case.name, []).append(row)
    print("| method | deviations | checked on | loss | gradient | first steps |")
    print("|---|---|---|---|---|---|")
    for name, cases_of in rows.items():
        networks, losses, medians, counts, of_steps = zip(*cases_of, strict=True)
        errors_of_steps = [error for error in of_steps if error is not None]
        last = f"{counts[0]}: {max(errors_of_steps):.0e}" if errors_of_steps else "–"
        deviations = len(jaxstyle.recipes.method(name).deviations)
        print(
            f"| `{name}` | {deviations} | {', '.join(dict.fromkeys(networks))} | "
            f"{max(losses):.0e} | {max(medians):.0e} | {last} |",
            flush=True,
        )


def pictures(folder: Path, content: str, style: str, *sizes: str) -> None:
    """Run methods to their end."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = dict(pair.partition("=")[::2] for pair in sizes) or dict.fromkeys(METHODS, "")
    for name, size in wanted.items():
        target = folder / f"{name.replace('/', '_')}.png"
        if target.exists():
            continue
        changes = {"size": int(size)} if size else {}
        started = time.perf_counter()
        result = jaxstyle.stylize(content, style, recipe=name, **changes)
        result.save(target)
        seconds = round(time.perf_counter() - started)
        steps = len(result.history["total"])
        print(
            json.dumps(
                {
                    "name": name,
                    "size": result.facts["settings"]["size"],
                    "steps": steps,
                    "seconds": seconds,
                    "finite": result.finite,
                }
            ),
            flush=True,
        )


def sheet(folder: Path, target: str) -> None:
    """Put the pictures of a folder side by side, each with its name."""
    paths = sorted(folder.glob("*.png"))
    rows = -(-len(paths) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * SIDE, rows * (SIDE + 14)), "white")
    for number, path in enumerate(paths):
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((SIDE - 4, SIDE - 4), Image.Resampling.LANCZOS)
        left, top = number % COLUMNS * SIDE, number // COLUMNS * (SIDE + 14)
        ImageDraw.Draw(whole).text((left + 2, top), path.stem.replace("_", " "), "black")
        whole.paste(picture, (left + 2, top + 13))
    whole.save(target, quality=88)


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    if what == "table":
        table()
    elif what == "pictures":
        pictures(Path(words[0]), *words[1:])
    else:
        sheet(Path(words[0]), words[1])
