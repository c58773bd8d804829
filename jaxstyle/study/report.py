"""A study as texts: a page that needs nothing else, tables, and a summary."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxstyle.grid import page
from jaxstyle.grid.sweep import label
from jaxstyle.study.plane import interval_text, plane
from jaxstyle.study.summary import as_json, split, summarize

_TEMPLATE = Path(__file__).with_name("report.html")


def report(study: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of `index.html`, `table.csv`, `scores.csv` and `summary.json`.

    The same data give the same texts.

    Args:
        study: Settings and results, as JSON would hold them.

            - `title`, `command`: texts; `settings`, `facts`: name to value, for the footer.
            - `objectives`: `name`, `text` (in words), `metrics`, `networks`, `kind` ("single" or
              "mixture"), `count` (of terms) of each. Those of one `curve` (a name, by default
              their own) are one mixture at several strengths.
            - `contents`, `styles`: `name` and `picture` (a data URI) of each. Pair number
              content × styles + style is the pair of the two.
            - `judges`: `name`, `axis` ("effectiveness", "coherence" or "paint"), `metric`,
              `network`.
            - `scores`: objective by pair by judge, lower is better; None or NaN where missing.
            - `held_out`: objective by judge, True if the objective has not used the judge, nor its
              kin.
            - `training_pairs`: numbers of pairs that choose between objectives, or chose weights.
              Objectives are judged on the test pairs, whose content and style are both in no
              training pair.
            - `pictures`: "objective|content|style" (names) to a data URI, as far as kept.

    Raises:
        ValueError: The shapes do not fit, or there are no test pairs.
    """
    study = as_json(study)
    summary = summarize(study)
    shown = {name: value for name, value in study.items() if name not in ("scores", "held_out")}
    # A second one for narrow screens: text that is scaled down with its drawing is unreadable.
    shown |= {"summary": summary, "planes": [plane(summary), plane(summary, width=360)]}
    shown["settings"] = {n: label(n, v) for n, v in (study.get("settings") or {}).items()}
    return {
        "index.html": page.filled(_TEMPLATE, shown),
        "table.csv": _csv(_table(summary)),
        "scores.csv": _csv(_scores(study)),
        "summary.json": json.dumps(summary, indent=1) + "\n",
    }


def markdown(summary: Mapping[str, Any]) -> str:
    """Return the main table as Markdown, sorted by effectiveness; used judges are in italics."""
    judges = [_unmarked(judge["name"]) for judge in summary["judges"]]
    table = [["objective", *summary["axes"], "mean rank", *judges]]
    table.append(["---", *["---:"] * (len(table[0]) - 1)])
    for row in (summary["objectives"][i] for i in summary["order"]):
        cells = [
            "–" if value is None else f"{value:.2f}" if held_out else f"*{value:.2f}*"
            for value, held_out in zip(row["cells"], row["held_out"], strict=True)
        ]
        rank = "–" if row["rank"] is None else f"{row['rank']:.1f}"
        intervals = [interval_text(row[axis]) for axis in summary["axes"]]
        table.append([_unmarked(row["name"]), *intervals, rank, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in table)


def _unmarked(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", " ".join(text.split()))


def _table(summary: Mapping[str, Any]) -> Iterator[list[Any]]:
    ends = [f"{axis}{end}" for axis in summary["axes"] for end in ("", "_low", "_high")]
    columns = ("name", "kind", "count", "rank", "front", "pairs")
    judges = [judge["name"] for judge in summary["judges"]]
    yield ["objective", *columns[1:], "metrics", "networks", *ends, "in_sample", *judges]
    for row in (summary["objectives"][i] for i in summary["order"]):
        used = [judge for judge, out in zip(judges, row["held_out"], strict=True) if not out]
        lists = (row.get("metrics", ()), row.get("networks", ()))
        values = [value for axis in summary["axes"] for value in row[axis].values()]
        facts = [*(row.get(name) for name in columns), *map("; ".join, lists), *values]
        yield [*facts, "; ".join(used), *row["cells"]]


def _scores(study: Mapping[str, Any]) -> Iterator[list[Any]]:
    columns = ["objective", "content", "style", "judge", "axis", "held_out", "score"]
    yield [*columns, "training", "test"]
    test, training = split(
        len(study["contents"]), len(study["styles"]), study.get("training_pairs", [])
    )
    pairs = list(itertools.product(study["contents"], study["styles"]))
    for i, objective in enumerate(study["objectives"]):
        for pair, (content, style) in enumerate(pairs):
            for j, judge in enumerate(study["judges"]):
                names = [named["name"] for named in (objective, content, style, judge)]
                score = study["scores"][i][pair][j]
                held_out = study["held_out"][i][j]
                yield [*names, judge["axis"], held_out, score, training[pair], test[pair]]


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
