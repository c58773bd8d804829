"""The verdict of a study in two sentences; everything else is in the report's tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxstyle.study.plane import short_name
from jaxstyle.study.statistics import AXES

_LONGEST = 80  # letters of a name within a sentence


def answer(summary: Mapping[str, Any]) -> list[str]:
    """Return the verdict on mixtures, and how it was reached.

    Args:
        summary: From `jaxstyle.study.summary.summarize`.
    """
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
    equal = [
        [row["equal_gain"]]
        for row in comparisons
        if "equal_gain" in row and row["equal_gain"]["mean"] is not None
    ]
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
        f"The best mixture, “{name}”, {verdict}: it is {claim} than {beaten} of "
        f"{_singles(count)}{detail}, "
        f"and the {summary['level']:.0%} interval of {differences} is above zero for {certain} of "
        "them."
    )


def _ranking(summary: Mapping[str, Any]) -> list[str]:
    """Say why mixtures and single metrics cannot be compared, and which objective ranks first."""
    kinds = {row["kind"] for row in summary["objectives"]}
    reason = "no mixture shares a judge with a single metric"
    if len(kinds) == 1:
        reason = f"there are only {'single metrics' if kinds == {'single'} else 'mixtures'}"
    sentences = [f"Mixtures and single metrics cannot be compared: {reason}."]
    ranked = [row for row in summary["objectives"] if row["rank"] is not None]
    if ranked:
        row = min(ranked, key=lambda row: row["rank"])
        sentences.append(
            f"By the mean of both axes over {summary['pairs']['test']} pairs, “{short_name(row)}” "
            f"has the lowest mean rank: {row['rank']:.1f} of {len(ranked)}."
        )
    return sentences


def _singles(count: int) -> str:
    return f"{count} single metric{'s' * (count != 1)}"
