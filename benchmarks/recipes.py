"""Recipes as their papers are: errors against references, and a picture of each.

    PYTHONPATH=tests python benchmarks/recipes.py table
    python benchmarks/recipes.py pictures FOLDER CONTENT STYLE [NAME[=SIZE[,NETWORK]] …]
    python benchmarks/recipes.py sheet FOLDER SHEET

`table` computes the errors of every case of tests/data/recipes whose weights are installed or
fetched. `pictures` runs methods to their end, at the size and with the network that are given or
their own, and prints the seconds; those that are there already are kept. `sheet` puts them side by
side.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image
from jaxstyle.recipes import RECIPES

METHODS = [f"{recipe.name}/{variant}" for recipe in RECIPES.values() for variant in recipe.methods]
SIDE, COLUMNS = 192, 7


def table() -> None:
    """Print a row for each method: network, and the largest errors over its cases."""
    import pytest
    from support.against_references import StepsError, cases, error_of_steps, errors

    rows: dict[str, list[tuple[str, float, float, StepsError | None]]] = {}
    for case in cases():
        try:
            of_loss, of_steps = errors(case), error_of_steps(case)
        except pytest.skip.Exception:
            print(f"{case.backbone} is not here: {case.name}", file=sys.stderr)
            continue
        row = (case.backbone, of_loss.loss, of_loss.median, of_steps)
        rows.setdefault(case.name, []).append(row)
    print("| method | deviations | checked on | loss | gradient | first steps |")
    print("|---|---|---|---|---|---|")
    for name, of_method in rows.items():
        networks, losses, medians, steps = zip(*of_method, strict=True)
        last = "–"
        if taken := [one for one in steps if one is not None]:
            last = f"{taken[0].steps}: {max(one.off / one.moved for one in taken):.0e}"
        deviations = len(jaxstyle.recipes.method(name).deviations)
        print(
            f"| `{name}` | {deviations} | {', '.join(dict.fromkeys(networks))} | "
            f"{max(losses):.0e} | {max(medians):.0e} | {last} |",
            flush=True,
        )


def pictures(folder: Path, content: str, style: str, *wanted: str) -> None:
    """Run methods to their end."""
    folder.mkdir(parents=True, exist_ok=True)
    for word in wanted or METHODS:
        name, _, how = word.partition("=")
        size, _, backbone = how.partition(",")
        target = folder / f"{name.replace('/', '_')}.png"
        if target.exists():
            continue
        changes: dict[str, Any] = {"size": int(size)} if size else {}
        changes |= {"backbone": backbone} if backbone else {}
        started = time.perf_counter()
        result = jaxstyle.stylize(content, style, recipe=name, **changes)
        result.save(target)
        facts = {
            "name": name,
            "size": result.facts["settings"]["size"],
            "backbone": result.facts["settings"]["backbone"],
            "steps": len(result.history["total"]),
            "seconds": round(time.perf_counter() - started),
            "finite": result.finite,
        }
        print(json.dumps(facts), flush=True)


def sheet(folder: Path, target: str) -> None:
    """Put the pictures of a folder side by side, each with its name."""
    cells = [
        (path.stem.replace("_", " "), read_image(path, size=SIDE))
        for path in sorted(folder.glob("*.png"))
    ]
    contact_sheet(cells, COLUMNS).save(target, quality=88)


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    if what == "table":
        table()
    elif what == "pictures":
        pictures(Path(words[0]), *words[1:])
    else:
        sheet(Path(words[0]), words[1])
