"""A study as texts: a page that needs nothing else, tables, a summary, and the answer in words."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxstyle.grid import page
from jaxstyle.study import statistics
from jaxstyle.study.answer import answer
from jaxstyle.study.plane import interval_text, plane
from jaxstyle.study.statistics import AXES, DRAWS, LEVEL

_TEMPLATE = Path(__file__).with_name("report.html")


def report(study: Mapping[str, Any]) -> dict[str, str]:
    """The texts of `index.html`, `table.csv`, `scores.csv`, `summary.json`: of same data the same.

    Args:
        study: What was done and found, as JSON would hold it.

            - `title`, `command`: texts; `settings`, `facts`: name to value, for the footer.
            - `objectives`: `name`, `text` (in words), `metrics`, `networks`, `kind` ("single" or
              "mixture"), `count` (of terms) of each. Those of one `curve` (a name, by default
              their own) are one mixture at several strengths.
            - `contents`, `styles`: `name` and `picture` (a data URI) of each. Pair number
              content × styles + style is the pair of the two.
            - `judges`: `name`, `axis` ("effectiveness" or "coherence"), `metric`, `network`.
            - `scores`: objective by pair by judge, lower is better; None or NaN where missing.
            - `held_out`: objective by judge, True if the objective has not used the judge.
            - `training_pairs`: numbers of pairs that chose weights. What is said of how good an
              objective is, is said of the others, the test pairs.
            - `pictures`: "objective|content|style" (names) to a data URI, as far as kept.

    Raises:
        ValueError: The shapes do not fit, or there are no test pairs.
    """
    study = _plain(study)
    summary = summarize(study)
    shown = {name: value for name, value in study.items() if name not in ("scores", "held_out")}
    # One for narrow screens, as text that is scaled down with its drawing cannot be read.
    shown |= {"summary": summary, "planes": [plane(summary), plane(summary, width=360)]}
    return {
        "index.html": page.filled(_TEMPLATE, shown),
        "table.csv": _csv(_table(summary)),
        "scores.csv": _csv(_scores(study)),
        "summary.json": json.dumps(summary, indent=1) + "\n",
    }


def summarize(study: Mapping[str, Any]) -> dict[str, Any]:
    """All numbers that a report shows, as JSON, and `answer`, the sentences that it opens with.

    Args:
        study: See `report`.

    Raises:
        ValueError: The shapes do not fit, or there are no test pairs.
    """
    study = _plain(study)
    objectives, judges, styles = study["objectives"], study["judges"], study["styles"]
    content, style = np.divmod(np.arange(len(study["contents"]) * len(styles)), len(styles) or 1)
    shape = len(objectives), len(style), len(judges)
    scores, held_out = np.array(study["scores"], float), np.array(study["held_out"], bool)
    if scores.shape != shape or held_out.shape != shape[::2]:
        raise ValueError(
            f"expected scores of shape {shape} (objectives, pairs, judges) and held_out of "
            f"{shape[::2]}, got {scores.shape} and {held_out.shape}"
        )
    test = ~np.isin(np.arange(len(style)), study.get("training_pairs", []))
    if not test.any():
        raise ValueError("expected pairs that are no training pairs, to judge by; got none")

    coherence = np.array([judge["axis"] == "coherence" for judge in judges], bool)
    values = np.full((3, *shape[:2]), np.nan)  # of both axes, and the mean of the two
    for pairs in (test, ~test):
        for axis, of in enumerate((~coherence, coherence)):
            values[axis][:, pairs] = statistics.fair_means(
                scores[:, pairs][..., of], held_out[:, of]
            )
    values[2] = values[:2].mean(0)
    means, cells = statistics.mean(values[..., test], 2), statistics.mean(scores[:, test], 1)
    front = statistics.front(means[0], means[1])
    rank = statistics.mean_rank(values[2][:, test])
    clusters: dict[str, Any] = {
        "contents": content[test],
        "styles": style[test],
        "level": LEVEL,
        "draws": DRAWS,
    }

    rows = []
    for i, objective in enumerate(objectives):
        intervals = (statistics.bootstrap(values[axis, i, test], **clusters) for axis in (0, 1))
        rows.append(
            dict(objective)
            | dict(zip(AXES, (interval._asdict() for interval in intervals), strict=True))
            | {"rank": rank[i], "front": front[i], "pairs": np.isfinite(values[2, i, test]).sum()}
            | {"cells": cells[i], "held_out": held_out[i], "values": values[:2, i].T}
        )

    of_kind = {
        kind: np.flatnonzero([objective["kind"] == kind for objective in objectives])
        for kind in ("mixture", "single")
    }
    best: dict[str, Any] = {kind: _best(these, values[2], test) for kind, these in of_kind.items()}
    curves = _curves(objectives)
    of_curves = {
        curve: these[0] if (found := _best(these, values[2], test)["index"]) is None else found
        for curve, these in curves.items()
    }
    mixture = best["mixture"]["index"]
    against = []
    for curve, rival in of_curves.items() if mixture is not None else ():
        if rival not in of_kind["single"]:
            continue
        both = held_out[mixture] & held_out[rival]
        won = statistics.wins(
            scores[mixture, test], scores[rival, test], coherence, both, **clusters
        )
        compared = won._asdict()
        sides = [next(these for these in curves.values() if mixture in these), curves[curve]]
        if min(map(len, sides)) > 1:
            paths = (
                [scores[side][:, test][..., both & of] for of in (~coherence, coherence)]
                for side in sides
            )
            ahead = statistics.ahead_at_equal_coherence(
                *(np.stack([statistics.mean(each, 2) for each in path]) for path in paths)
            )
            share = np.where(np.isfinite(ahead), np.heaviside(ahead, 0.5), np.nan)
            for name, each in (("equal", share), ("equal_gain", ahead)):
                compared[name] = statistics.bootstrap(each, **clusters)
        found = {name: interval._asdict() for name, interval in compared.items()}
        against.append({"name": objectives[rival]["name"], "judges": both.sum()} | found)
    best["of_curves"] = list(of_curves.values())

    by_style = []
    for k, each in enumerate(styles):
        here = statistics.mean(values[..., test & (style == k)], 2)
        winners = {name: _least(here[axis]) for axis, name in enumerate((*AXES, "both"))}
        winners |= {"single": _least(here[2], of_kind["single"]), "mixture": mixture}
        named = {
            name: None if i is None else {"name": objectives[i]["name"], "values": here[:, i]}
            for name, i in winners.items()
        }
        by_style.append({"name": each["name"], "pairs": (test & (style == k)).sum()} | named)

    areas = {kind: statistics.hypervolume(means[:2, these].T) for kind, these in of_kind.items()}
    summary: dict[str, Any] = _plain(
        {
            "title": study.get("title"),
            "level": LEVEL,
            "pairs": {"test": test.sum(), "training": (~test).sum()},
            "judges": judges,
            "objectives": rows,
            "order": np.argsort(means[0], kind="stable"),  # NaN last
            "hypervolume": areas | {"all": statistics.hypervolume(means[:2].T)},
            "best": best,
            "against": against,
            "styles": by_style,
        }
    )
    return {"answer": answer(summary)} | summary


def _curves(objectives: Sequence[Mapping[str, Any]]) -> dict[str, Int[np.ndarray, " n"]]:
    """Numbers of the objectives that are one mixture at several strengths, by its name."""
    found: dict[str, list[int]] = {}
    for i, objective in enumerate(objectives):
        found.setdefault(objective.get("curve", objective["name"]), []).append(i)
    return {name: np.array(these) for name, these in found.items()}


def _least(values: Float[np.ndarray, " n"], among: Iterable[int] | None = None) -> int | None:
    """Where the least value stands; None if there is none."""
    known = [i for i in (range(len(values)) if among is None else among) if np.isfinite(values[i])]
    return min(known, key=lambda i: values[i], default=None)


def _best(
    these: Int[np.ndarray, " n"], values: Float[np.ndarray, "o p"], test: Bool[np.ndarray, " p"]
) -> dict[str, Any]:
    """Of some objectives the one with the least mean, chosen on training pairs if they have been.

    The best of many, chosen on the pairs that it is then judged by, looks better than it is.
    """
    trained = statistics.mean(values[:, ~test], 1)
    training = bool(len(these)) and bool(np.isfinite(trained[these]).all())
    found = _least(trained if training else statistics.mean(values[:, test], 1), these)
    return {"index": found, "of": len(these), "chosen_on": "training" if training else "test"}


def markdown(summary: Mapping[str, Any]) -> str:
    """The main table as Markdown, sorted by effectiveness; cells of judges used are in italics.

    Args:
        summary: From `summarize`.
    """
    rows = [summary["objectives"][i] for i in summary["order"]]
    judges = [judge["name"] for judge in summary["judges"]]
    table = [["objective", *AXES, "mean rank", *map(_unmarked, judges)]]
    for row in rows:
        cells = [
            "–" if value is None else f"{value:.2f}" if held_out else f"*{value:.2f}*"
            for value, held_out in zip(row["cells"], row["held_out"], strict=True)
        ]
        rank = "–" if row["rank"] is None else f"{row['rank']:.1f}"
        table.append(
            [_unmarked(row["name"]), *(interval_text(row[axis]) for axis in AXES), rank, *cells]
        )
    table.insert(1, ["---", *["---:"] * (len(table[0]) - 1)])
    return "".join(f"| {' | '.join(line)} |\n" for line in table)


def _unmarked(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", " ".join(text.split()))


def _table(summary: Mapping[str, Any]) -> Iterator[list[Any]]:
    ends = [f"{axis}{end}" for axis in AXES for end in ("", "_low", "_high")]
    names = ("name", "kind", "count", "rank", "front", "pairs")
    judges = [judge["name"] for judge in summary["judges"]]
    yield ["objective", *names[1:], "metrics", "networks", *ends, "in_sample", *judges]
    for row in (summary["objectives"][i] for i in summary["order"]):
        used = [
            judge for judge, held_out in zip(judges, row["held_out"], strict=True) if not held_out
        ]
        lists = (row.get("metrics", ()), row.get("networks", ()))
        yield [
            *(row.get(name) for name in names),
            *("; ".join(each) for each in lists),
            *(value for axis in AXES for value in row[axis].values()),
            "; ".join(used),
            *row["cells"],
        ]


def _scores(study: Mapping[str, Any]) -> Iterator[list[Any]]:
    yield ["objective", "content", "style", "judge", "axis", "held_out", "score", "training"]
    training = set(study.get("training_pairs", []))
    pairs = list(itertools.product(study["contents"], study["styles"]))
    for objective, held_out, scores in zip(
        study["objectives"], study["held_out"], study["scores"], strict=True
    ):
        for number, ((content, style), judged) in enumerate(zip(pairs, scores, strict=True)):
            for judge, held, score in zip(study["judges"], held_out, judged, strict=True):
                yield [
                    objective["name"],
                    content["name"],
                    style["name"],
                    judge["name"],
                    judge["axis"],
                    held,
                    score,
                    number in training,
                ]


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def _plain(data: Any) -> Any:
    """As JSON has it: arrays as lists, None for what is not finite, no half surrogates."""
    text = json.dumps(
        data,
        ensure_ascii=False,
        default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value),
    )
    return json.loads(text.encode(errors="replace"), parse_constant=lambda name: None)
