"""The numbers of a study: means with intervals, the front, the best, and paired comparisons.

`answer` puts the verdict in two sentences.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxstyle.study import statistics
from jaxstyle.study.plane import short_name
from jaxstyle.study.statistics import AXES, LEVEL, Interval

_LONGEST = 80  # letters of a name within a sentence


def summarize(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return every number of `jaxstyle.study.report.report`, and `answer`, its first sentences."""
    table = _Table(as_json(study))
    objectives = table.study["objectives"]
    of_kind: dict[str, list[int]] = {"mixture": [], "single": []}
    curves: dict[str, list[int]] = {}  # objectives that are one mixture at several strengths
    for i, objective in enumerate(objectives):
        of_kind[objective["kind"]].append(i)
        curves.setdefault(objective.get("curve", objective["name"]), []).append(i)
    best: dict[str, Any] = {kind: _best(table, which) for kind, which in of_kind.items()}
    of_curves = {name: _best(table, which)["index"] for name, which in curves.items()}
    of_curves = {n: curves[n][0] if index is None else index for n, index in of_curves.items()}
    mixture = best["mixture"]["index"]
    rivals = {name: index for name, index in of_curves.items() if index in of_kind["single"]}
    means = statistics.mean(table.values[:2, :, table.test], 2)
    summary: dict[str, Any] = as_json(
        {
            "title": study.get("title"),
            "level": LEVEL,
            "pairs": {"test": table.test.sum(), "training": (~table.test).sum()},
            "judges": table.study["judges"],
            "objectives": _rows(table, means),
            "order": np.argsort(means[0], kind="stable"),  # NaN last
            "hypervolume": {
                **{k: statistics.hypervolume(means[:, which].T) for k, which in of_kind.items()},
                "all": statistics.hypervolume(means.T),
            },
            "best": best | {"of_curves": list(of_curves.values())},
            "against": []
            if mixture is None
            else [_comparison(table, curves, mixture, *rival) for rival in rivals.items()],
            "styles": _styles(table, of_kind["single"], mixture),
        }
    )
    return {"answer": answer(summary)} | summary


class _Table:
    """A study's scores, objectives by pairs by judges: lower is better, NaN is missing."""

    def __init__(self, study: Mapping[str, Any]) -> None:
        """Check the shapes, and compute the means of both axes."""
        objectives, judges, styles = study["objectives"], study["judges"], study["styles"]
        pairs = np.arange(len(study["contents"]) * len(styles))
        content_of, self.style_of = np.divmod(pairs, len(styles) or 1)
        shape = len(objectives), len(pairs), len(judges)
        self.study, self.scores = study, np.array(study["scores"], float)
        self.held_out = np.array(study["held_out"], bool)  # judges that the objective did not use
        if self.scores.shape != shape or self.held_out.shape != shape[::2]:
            raise ValueError(
                f"expected scores of shape {shape} (objectives, pairs, judges) and held_out of "
                f"{shape[::2]}, got {self.scores.shape} and {self.held_out.shape}"
            )
        # The pairs that did not choose between objectives.
        test = self.test = ~np.isin(pairs, study.get("training_pairs", []))
        if not test.any():
            raise ValueError("expected pairs that are no training pairs, to judge by; got none")
        self.coherence = np.array([judge["axis"] == "coherence" for judge in judges], bool)
        self.values = np.full((3, *shape[:2]), np.nan)  # means of both axes, and the mean of these
        for group in (test, ~test):
            for axis, of_axis in enumerate((~self.coherence, self.coherence)):
                self.values[axis][:, group] = statistics.fair_means(
                    self.scores[:, group][..., of_axis], self.held_out[:, of_axis]
                )
        self.values[2] = self.values[:2].mean(0)
        self.interval: Callable[[Float[np.ndarray, " tests"]], Interval] = partial(
            statistics.bootstrap, contents=content_of[test], styles=self.style_of[test]
        )


def _rows(table: _Table, means: Float[np.ndarray, "2 objectives"]) -> list[dict[str, Any]]:
    """Return each objective with its means, intervals, rank and scores."""
    tested = table.values[..., table.test]
    cells = statistics.mean(table.scores[:, table.test], 1)
    columns = zip(statistics.mean_rank(tested[2]), statistics.front(*means), cells, strict=True)
    return [
        {
            **table.study["objectives"][i],
            **{axis: table.interval(tested[k, i])._asdict() for k, axis in enumerate(AXES)},
            "rank": rank,
            "front": front,
            "pairs": np.isfinite(tested[2, i]).sum(),
            "cells": scores,
            "held_out": table.held_out[i],
            "values": table.values[:2, i].T,
        }
        for i, (rank, front, scores) in enumerate(columns)
    ]


def _best(table: _Table, which: Sequence[int]) -> dict[str, Any]:
    """Return the objective with the lowest mean, chosen on training pairs if they have scores.

    The best of many, chosen on the pairs that it is then judged by, looks better than it is.
    """
    trained = statistics.mean(table.values[2][:, ~table.test], 1)
    training = bool(len(which)) and bool(np.isfinite(trained[which]).all())
    means = trained if training else statistics.mean(table.values[2][:, table.test], 1)
    chosen_on = "training" if training else "test"
    return {"index": _lowest(means, which), "of": len(which), "chosen_on": chosen_on}


def _lowest(values: Float[np.ndarray, " n"], among: Iterable[int] | None = None) -> int | None:
    """Return the index of the lowest finite value, or None."""
    indices = map(int, range(len(values)) if among is None else among)
    return min(
        (i for i in indices if np.isfinite(values[i])), key=lambda i: values[i], default=None
    )


def _comparison(
    table: _Table, curves: Mapping[str, Sequence[int]], mixture: int, curve: str, rival: int
) -> dict[str, Any]:
    """Compare the best mixture with a single metric, by the judges that neither used."""
    both = table.held_out[mixture] & table.held_out[rival]
    mixed, single = table.scores[mixture, table.test], table.scores[rival, table.test]
    comparison: dict[str, Interval] = statistics.wins(
        mixed, single, table.coherence, both, table.interval
    )._asdict()
    sides = next(which for which in curves.values() if mixture in which), curves[curve]
    if min(map(len, sides)) > 1:
        axes = (both & ~table.coherence, both & table.coherence)
        paths = [
            np.stack([statistics.mean(table.scores[side][:, table.test][..., j], 2) for j in axes])
            for side in sides
        ]
        ahead = statistics.ahead_at_equal_coherence(*paths)
        share = np.where(np.isfinite(ahead), np.heaviside(ahead, 0.5), np.nan)
        comparison |= {"equal": table.interval(share), "equal_gain": table.interval(ahead)}
    return {
        "name": table.study["objectives"][rival]["name"],
        "judges": both.sum(),
        **{name: interval._asdict() for name, interval in comparison.items()},
    }


def _styles(table: _Table, single: Sequence[int], mixture: int | None) -> list[dict[str, Any]]:
    """Return for each style the best objectives."""
    rows, objectives = [], table.study["objectives"]
    for k, style in enumerate(table.study["styles"]):
        pairs = table.test & (table.style_of == k)
        means = statistics.mean(table.values[..., pairs], 2)
        winners = {name: _lowest(means[axis]) for axis, name in enumerate((*AXES, "both"))}
        winners |= {"single": _lowest(means[2], single), "mixture": mixture}
        row: dict[str, Any] = {"name": style["name"], "pairs": pairs.sum()}
        for name, i in winners.items():
            known = i is not None
            row[name] = {"name": objectives[i]["name"], "values": means[:, i]} if known else None
        rows.append(row)
    return rows


def as_json(data: Any) -> Any:
    """Return data as JSON has it: arrays as lists, None for what is not finite, no surrogates."""
    text = json.dumps(
        data,
        ensure_ascii=False,
        default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value),
    )
    return json.loads(text.encode(errors="replace"), parse_constant=lambda name: None)


def answer(summary: Mapping[str, Any]) -> list[str]:
    """Return the verdict on mixtures, and how it was reached."""
    comparisons = [row for row in summary["against"] if row["both"]["mean"] is not None]
    if not comparisons:
        return _ranking(summary)
    best, pairs = summary["best"]["mixture"], summary["pairs"]
    if best["chosen_on"] == "training":
        where = f"{pairs['training']} training pairs and is judged on {pairs['test']} others"
    else:
        where = f"the same {pairs['test']} pairs that it is judged on, which flatters it"
    chosen = f"was chosen among {best['of']} mixtures by the lowest mean of both axes on {where}"
    if best["of"] == 1:
        chosen = f"is the only mixture, and is judged on {pairs['test']} pairs"
    left_out = len(summary["against"]) - len(comparisons)
    others = f"; it shares no judge with {_singles(left_out)}" if left_out else ""
    return [
        _verdict(summary, comparisons),
        f"It {chosen}, by judges that the objectives did not use{others}.",
    ]


def _verdict(summary: Mapping[str, Any], comparisons: list[Mapping[str, Any]]) -> str:
    """Count the single metrics that the best mixture beats, at equal coherence where possible."""
    equal = [[row["equal_gain"]] for row in comparisons if "equal_gain" in row]
    equal = [row for row in equal if row[0]["mean"] is not None]
    gains = equal or [[row[f"{axis}_gain"] for axis in AXES] for row in comparisons]
    count = len(gains)
    ahead = [[gain["mean"] > 0 for gain in row] for row in gains]
    beaten = sum(map(all, ahead))
    certain = sum(all((gain["low"] or 0) > 0 for gain in row) for row in gains)
    claim, differences, detail = "better on both axes", "both differences", ""
    if equal:
        claim = "closer to the style, where both keep equally much of the content,"
        differences = "the difference"
    elif beaten < count:
        closer, coherent = (sum(column) for column in zip(*ahead, strict=True))
        detail = f" (closer to the style than {closer}, and more coherent than {coherent})"
    verdict = "does not win"
    if beaten == count:
        verdict = "wins" if certain == count else "wins on average, but not beyond doubt"
    row = summary["objectives"][summary["best"]["mixture"]["index"]]
    name = row["name"] if len(row["name"]) <= _LONGEST else short_name(row)
    return (
        f"The best mixture, “{name}”, {verdict}: it is {claim} than {beaten} of {_singles(count)}"
        f"{detail}, and the {summary['level']:.0%} interval of {differences} is above zero for "
        f"{certain} of them."
    )


def _ranking(summary: Mapping[str, Any]) -> list[str]:
    """Say why mixtures and single metrics cannot be compared, and which objective ranks first."""
    kinds = {row["kind"] for row in summary["objectives"]}
    reason = "no mixture shares a judge with a single metric"
    if len(kinds) == 1:
        reason = f"there are only {'single metrics' if kinds == {'single'} else 'mixtures'}"
    sentences = [f"Mixtures and single metrics cannot be compared: {reason}."]
    ranks = [row["rank"] for row in summary["objectives"]]
    ranked = [rank for rank in ranks if rank is not None]
    if ranked:
        first = short_name(summary["objectives"][ranks.index(min(ranked))])
        sentences.append(
            f"By the mean of both axes over {summary['pairs']['test']} pairs, “{first}” has the "
            f"lowest mean rank: {min(ranked):.1f} of {len(ranked)}."
        )
    return sentences


def _singles(count: int) -> str:
    return f"{count} single metric{'s' * (count != 1)}"
