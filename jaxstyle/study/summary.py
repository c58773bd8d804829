"""The numbers of a study: means with intervals, the front, the best, and paired comparisons.

What decides? Effectiveness and coherence: the front, the ranks, the choice of a best mixture and
the verdict on it are of these two (`PLANE`). Paint is a column beside them, and a sentence. Where
no judge is of paint, as in studies made before there were any, it is missing.

Which judges count? Two objectives are compared by the judges that are held out for both: neither of
them is judged by its own metrics, its own networks, or their kin, and both by the same judges. The
same judges for all objectives of a study would be few or none, once one objective has many metrics;
so the table and the plane of all objectives have each one's own held-out judges, adjusted for their
strictness: an overview, on which no claim rests.

Which pairs count? Training pairs choose (the best mixture, the best strength), and test pairs, all
of whose contents and styles are in no training pair, judge what was chosen. The other pairs share a
content or a style with a training pair, and are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from jaxstyle.study import statistics
from jaxstyle.study.answer import answer
from jaxstyle.study.statistics import AXES, LEVEL, PLANE, OfPairs


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
    means = statistics.mean(table.values[:-1, :, table.test], 2)
    plane = means[: len(PLANE)]
    summary: dict[str, Any] = as_json(
        {
            "title": study.get("title"),
            "level": LEVEL,
            "pairs": table.counts,
            "axes": [axis for k, axis in enumerate(AXES) if axis in PLANE or k in table.axis_of],
            "judges": table.study["judges"],
            "objectives": _rows(table, means),
            "order": np.argsort(means[0], kind="stable"),  # NaN last
            "hypervolume": {
                **{k: statistics.hypervolume(plane[:, which].T) for k, which in of_kind.items()},
                "all": statistics.hypervolume(plane.T),
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
        """Check the shapes, and compute the means of all axes."""
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
        self.test, self.training = split(
            len(study["contents"]), len(styles), study.get("training_pairs", [])
        )
        left_out = ~(self.test | self.training)
        self.axis_of = np.array([AXES.index(judge["axis"]) for judge in judges], int)
        # The means of the axes, and of these the mean of the plane's.
        self.values = np.full((len(AXES) + 1, *shape[:2]), np.nan)
        for group in (self.test, self.training, left_out):
            for axis in range(len(AXES)):
                of_axis = self.axis_of == axis
                self.values[axis][:, group] = statistics.fair_means(
                    self.scores[:, group][..., of_axis], self.held_out[:, of_axis]
                )
        self.values[-1] = self.values[: len(PLANE)].mean(0)
        factors = {"contents": content_of[self.test], "styles": self.style_of[self.test]}
        self.interval: OfPairs = partial(statistics.bootstrap, **factors)
        self.share: OfPairs = partial(statistics.proportion, **factors)
        groups = {"test": self.test, "training": self.training, "left_out": left_out}
        self.counts = {name: int(group.sum()) for name, group in groups.items()}
        self.counts |= {name: len(np.unique(of_test)) for name, of_test in factors.items()}


def split(
    contents: int, styles: int, training: Sequence[int]
) -> tuple[Bool[np.ndarray, " pairs"], Bool[np.ndarray, " pairs"]]:
    """Return which pairs judge, and which choose.

    Args:
        contents: Their number.
        styles: Their number.
        training: Numbers (content × styles + style) of the pairs that choose.

    Returns:
        Test pairs, whose content and style are both in no training pair; and training pairs.

    Raises:
        ValueError: There is no such pair, or no test pair is left.

    >>> [mask.tolist() for mask in split(2, 2, [0])]
    [[False, False, False, True], [True, False, False, False]]
    """
    pairs = np.arange(contents * styles)
    wrong = sorted(set(training).difference(pairs.tolist()))
    if wrong:
        raise ValueError(f"expected training pairs from 0 to {len(pairs) - 1}, got {wrong[0]}")
    trained = np.isin(pairs, training)
    content_of, style_of = np.divmod(pairs, styles or 1)
    seen_content, seen_style = (np.isin(of, of[trained]) for of in (content_of, style_of))
    test = ~seen_content & ~seen_style
    if not test.any():
        raise ValueError(
            "expected contents and styles that are in no training pair, to judge by; got none"
        )
    return test, trained


def _rows(table: _Table, means: Float[np.ndarray, "axes objectives"]) -> list[dict[str, Any]]:
    """Return each objective with its means, intervals, rank and scores."""
    tested = table.values[..., table.test]
    cells = statistics.mean(table.scores[:, table.test], 1)
    front = statistics.front(*means[: len(PLANE)])
    columns = zip(statistics.mean_rank(tested[-1]), front, cells, strict=True)
    return [
        {
            **table.study["objectives"][i],
            **{axis: table.interval(tested[k, i])._asdict() for k, axis in enumerate(AXES)},
            "rank": rank,
            "front": on_front,
            "pairs": np.isfinite(tested[-1, i]).sum(),
            "cells": scores,
            "held_out": table.held_out[i],
            "values": table.values[:-1, i].T,
        }
        for i, (rank, on_front, scores) in enumerate(columns)
    ]


def _best(table: _Table, which: Sequence[int]) -> dict[str, Any]:
    """Return the objective with the lowest mean on training pairs, if there are any.

    The best of many, chosen on the pairs that it is then judged by, looks better than it is. So
    without training pairs none is chosen; of one mixture at several strengths, that nearest to 1.
    """
    objectives = [table.study["objectives"][i] for i in which]
    curves = {row.get("curve", row["name"]) for row in objectives}
    index = None
    if table.training.any():
        index = _lowest(statistics.mean(table.values[-1][:, table.training], 1), which)
    elif len(curves) == 1:
        distances = [abs(np.log(row.get("strength", 1.0))) for row in objectives]
        index = which[int(np.argmin(distances))]
    chosen_on = "training" if table.training.any() else None
    return {"index": index, "of": len(curves), "chosen_on": chosen_on}


def _lowest(values: Float[np.ndarray, " n"], among: Iterable[int] | None = None) -> int | None:
    """Return the index of the lowest finite value, or None."""
    indices = map(int, range(len(values)) if among is None else among)
    return min(
        (i for i in indices if np.isfinite(values[i])), key=lambda i: values[i], default=None
    )


def _comparison(
    table: _Table, curves: Mapping[str, Sequence[int]], mixture: int, curve: str, rival: int
) -> dict[str, Any]:
    """Compare the best mixture with a single metric, by the judges held out for both."""
    both = table.held_out[mixture] & table.held_out[rival]
    mixed, single = table.scores[mixture, table.test], table.scores[rival, table.test]
    comparison = statistics.wins(mixed, single, table.axis_of, both, table.interval, table.share)
    sides = next(which for which in curves.values() if mixture in which), curves[curve]
    if min(map(len, sides)) > 1:
        axes = [both & (table.axis_of == axis) for axis in range(len(AXES))]
        paths = [
            np.stack([statistics.mean(table.scores[side][:, table.test][..., j], 2) for j in axes])
            for side in sides
        ]
        coherence = AXES.index("coherence")
        for axis, name in (("effectiveness", "equal"), ("paint", "equal_paint")):
            curves_of_axis = [path[[AXES.index(axis), coherence]] for path in paths]
            ahead = statistics.ahead_at_equal_coherence(*curves_of_axis)
            share = np.where(np.isfinite(ahead), np.heaviside(ahead, 0.5), np.nan)
            comparison |= {name: table.share(share), f"{name}_gain": table.interval(ahead)}
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
        winners |= {"single": _lowest(means[-1], single), "mixture": mixture}
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
