"""The verdict of a study in a few sentences, from its summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxstyle._util.counts import counted
from jaxstyle.study.plane import interval_text, short_name
from jaxstyle.study.statistics import FEWEST, PLANE

_LONGEST = 80  # letters of a name within a sentence


def answer(summary: Mapping[str, Any]) -> list[str]:
    """Return the verdict on mixtures, how it was reached, their paint, and what limits it."""
    comparisons = [row for row in summary["against"] if row["both"]["mean"] is not None]
    sentences = _reached(summary, comparisons) if comparisons else _ranking(summary)
    pairs = summary["pairs"]
    more = [_paint(summary, comparisons), caution(pairs["contents"], pairs["styles"])]
    return [*sentences, *filter(None, more)]


def caution(contents: int, styles: int) -> str:
    """Say what is wrong with intervals over few contents or styles; nothing where there are enough.

    >>> caution(3, 6)
    'Intervals over 3 contents and 6 styles are too narrow: they need at least 5 of each.'
    """
    if min(contents, styles) >= FEWEST:
        return ""
    counts = f"{counted(contents, 'content')} and {counted(styles, 'style')}"
    return f"Intervals over {counts} are too narrow: they need at least {FEWEST} of each."


def _reached(summary: Mapping[str, Any], comparisons: list[Mapping[str, Any]]) -> list[str]:
    """Return the verdict, and how the mixture was chosen and judged."""
    best, pairs = summary["best"]["mixture"], summary["pairs"]
    judged = f"is judged on {counted(pairs['test'], 'pair')}"
    if pairs["training"]:
        judged += " of contents and styles that are in no training pair"
    chosen = "is the only mixture"
    if best["of"] > 1:
        chosen = (
            f"was chosen among {best['of']} mixtures by the lowest mean of effectiveness and "
            f"coherence on {counted(pairs['training'], 'training pair')}"
        )
    left_out = len(summary["against"]) - len(comparisons)
    others = f"; it shares no judge with {_singles(left_out)}" if left_out else ""
    return [
        _verdict(summary, comparisons),
        f"It {chosen}, and {judged}, by judges that neither it nor its rival uses, nor a metric or "
        f"network like those that they use{others}.",
    ]


def _verdict(summary: Mapping[str, Any], comparisons: list[Mapping[str, Any]]) -> str:
    """Count the single metrics that the best mixture beats, at equal coherence where possible."""
    equal = [[row["equal_gain"]] for row in comparisons if "equal_gain" in row]
    equal = [row for row in equal if row[0]["mean"] is not None]
    gains = equal or [[row[f"{axis}_gain"] for axis in PLANE] for row in comparisons]
    count = len(gains)
    ahead = [[gain["mean"] > 0 for gain in row] for row in gains]
    beaten = sum(map(all, ahead))
    certain = sum(all((gain["low"] or 0) > 0 for gain in row) for row in gains)
    claim, differences, detail = "closer to the style and more coherent", "both differences", ""
    if equal:
        claim = "closer to the style, where both keep equally much of the content,"
        differences = "the difference"
    elif beaten < count:
        closer, coherent = (sum(column) for column in zip(*ahead, strict=True))
        detail = f" (closer than {closer}, and more coherent than {coherent})"
    verdict = "does not win"
    if beaten == count:
        pairs = summary["pairs"]
        is_certain = certain == count and not caution(pairs["contents"], pairs["styles"])
        verdict = "wins" if is_certain else "wins on average, but not beyond doubt"
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
    best = summary["best"]["mixture"]
    reason = "no mixture shares a judge with a single metric"
    if len(kinds) == 1:
        reason = f"there are only {'single metrics' if kinds == {'single'} else 'mixtures'}"
    elif best["index"] is None and best["chosen_on"] is None:
        reason = (
            f"the best of {best['of']} mixtures, chosen on the pairs that it is judged on, would "
            "look better than it is; name training pairs to choose it by"
        )
    sentences = [f"Mixtures and single metrics cannot be compared: {reason}."]
    ranks = [row["rank"] for row in summary["objectives"]]
    ranked = [rank for rank in ranks if rank is not None]
    if ranked:
        first = short_name(summary["objectives"][ranks.index(min(ranked))])
        sentences.append(
            f"By the mean of effectiveness and coherence over "
            f"{counted(summary['pairs']['test'], 'pair')}, “{first}” has the lowest mean rank: "
            f"{min(ranked):.1f} of {len(ranked)}."
        )
    return sentences


def _paint(summary: Mapping[str, Any], comparisons: list[Mapping[str, Any]]) -> str:
    """Say whose paint is more like the style's; nothing where no judge can tell."""
    equal = [row["equal_paint_gain"] for row in comparisons if "equal_paint_gain" in row]
    equal = [gain for gain in equal if gain["mean"] is not None]
    gains = equal or [row["paint_gain"] for row in comparisons]
    gains = [gain for gain in gains if gain["mean"] is not None]
    if gains:
        where = " where both keep equally much of the content" if equal else ""
        better = sum(gain["mean"] > 0 for gain in gains)
        certain = sum((gain["low"] or 0) > 0 for gain in gains)
        return (
            f"Its paint is more like the style's{where} than that of {better} of "
            f"{_singles(len(gains))}, and the {summary['level']:.0%} interval of the difference is "
            f"above zero for {certain} of them."
        )
    rows = [row for row in summary["objectives"] if row["paint"]["mean"] is not None]
    if comparisons or len(rows) < 2:
        return ""
    best = min(rows, key=lambda row: row["paint"]["mean"])
    return (
        f"The paint of “{short_name(best)}” is most like the style's: "
        f"{interval_text(best['paint'])}, where the content has 1."
    )


def _singles(count: int) -> str:
    return counted(count, "single metric")
