"""What a study says, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jaxstyle.study.plane import interval_text, short_name
from jaxstyle.study.statistics import AXES, LEVEL


def answer(summary: Mapping[str, Any]) -> list[str]:
    """What the study says of mixtures, in sentences; the first is the verdict."""
    rows, best, pairs = summary["objectives"], summary["best"], summary["pairs"]
    kinds = {row["kind"] for row in rows}
    if len(kinds) < 2:
        return _of_one_kind(rows, "single metrics" if "single" in kinds else "mixtures")
    known = [each for each in summary["against"] if each["both"]["mean"] is not None]
    if not known:
        return ["Mixtures and single metrics cannot be compared: no two of them share judges."]
    named = _names([rows[best["mixture"]["index"]]["name"]])
    equal = [each for each in known if each.get("equal", {}).get("mean") is not None]
    verdict = _at_equal_coherence(equal, named) if equal else _on_both_axes(known, named)
    points = {
        kind: [
            [row[axis]["mean"] for axis in AXES]
            for row in rows
            if row["kind"] == kind and None not in (row[axis]["mean"] for axis in AXES)
        ]
        for kind in best
    }
    beaten = sum(any(x < a and y < b for x, y in points["mixture"]) for a, b in points["single"])
    front = "The front, where nothing else is better on both axes, holds " + " and ".join(
        f"{len(names)} {kind}{'s' * (len(names) > 1)} ({_names(names, 6)})"
        for kind in ("mixture", "single metric")
        if (names := [row["name"] for row in rows if row["front"] and row["kind"] in kind])
    )
    front += f". Single metrics beaten on both axes by some mixture: {beaten} of "
    front += f"{len(points['single'])}."

    if best["mixture"]["chosen_on"] == "training":
        where = f"the {pairs['training']} training pairs; all else is measured on the "
        where += f"{pairs['test']} others, the test pairs"
    else:
        where = f"the same {pairs['test']} test pairs that all is measured on, which flatters it"
    chosen = f"The best of {best['mixture']['of']} mixtures has the lowest mean of both axes on "
    chosen += f"{where}. Two objectives are compared only by judges that neither has used"
    left = len(summary["against"]) - len(known)
    chosen += f", which leaves out {left} single metric{'s' * (left > 1)}." if left else "."

    least, most = (f(known, key=lambda each: each["both"]["mean"]) for f in (min, max))
    rival = rows[best["single"]["index"]]["name"]
    met = next((each for each in known if each["name"] == rival), least)
    shares = (
        f"Against the {'best single metric' if met['name'] == rival else 'hardest to beat'}, "
        f"{_names([met['name']])}, it is closer to the style on {_share(met['effectiveness'])} of "
        f"test pairs, keeps more of the content on {_share(met['coherence'])} and does both on "
        f"{_share(met['both'])}"
    )
    if equal:
        hardest = min(equal, key=lambda each: each["equal_gain"]["mean"])
        shares += f". At equal coherence it is ahead on {_share(hardest['equal'])} of test pairs "
        shares += f"of the hardest to beat, {_names([hardest['name']])}, by "
        shares += f"{interval_text(hardest['equal_gain'], 3)}"
    if len(known) > 1:
        shares += f"; against all of them, both on {least['both']['mean']:.0%} "
        shares += f"({_names([least['name']])}) to {most['both']['mean']:.0%} "
        shares += f"({_names([most['name']])})"

    judged = [
        (
            each["name"],
            each["single"]["name"],
            each["mixture"]["values"][2],
            each["single"]["values"][2],
        )
        for each in summary["styles"]
        if each["single"] and each["mixture"] and each["mixture"]["values"][2] is not None
    ]
    lost = [f"“{name}” (to “{to}”)" for name, to, mixed, single in judged if single <= mixed]
    styles = f"By the mean of both axes it loses on {len(lost)} of {len(judged)} styles"
    styles += f", each to the single metric that is best there: {', '.join(lost)}." if lost else "."
    return [verdict, front, chosen, f"{shares}.", styles]


def _of_one_kind(rows: Sequence[Mapping[str, Any]], kind: str) -> list[str]:
    """Where there are mixtures alone, or none."""
    verdict = f"Whether mixtures win cannot be said: there are only {kind} here."
    ranked = sorted((r for r in rows if r["rank"] is not None), key=lambda row: row["rank"])
    if not ranked:
        return [verdict]
    order = ", ".join(f"“{short_name(row['name'])}” {row['rank']:.1f}" for row in ranked)
    return [f"{verdict} By the mean of both axes they rank, on the average: {order}."]


def _at_equal_coherence(equal: Sequence[Mapping[str, Any]], named: str) -> str:
    """The verdict where objectives were done at several strengths."""
    ahead = [each["name"] for each in equal if each["equal_gain"]["mean"] <= 0]
    unsure = [each["name"] for each in equal if (each["equal_gain"]["low"] or 0) <= 0]
    claim = "where both keep equally much of the content, the best one, "
    claim += f"{named}, is closer to the style than "
    if ahead:
        beaten = len(equal) - len(ahead)
        return (
            f"No, mixtures do not win: {claim}{beaten} of {len(equal)} single metrics, but not "
            f"closer than {_names(ahead)}."
        )
    return _won(claim + _every(equal), unsure)


def _on_both_axes(known: Sequence[Mapping[str, Any]], named: str) -> str:
    """The verdict where every objective was done at one strength."""
    ahead = [[e["name"] for e in known if e[f"{axis}_gain"]["mean"] <= 0] for axis in AXES]
    unsure = [e["name"] for e in known if any((e[f"{a}_gain"]["low"] or 0) <= 0 for a in AXES)]
    every = _every(known)
    claims = [f"is {'no ' * bool(ahead[0])}closer to the style than {_names(ahead[0]) or every}"]
    every = every if ahead[0] else "any of them"
    claims += [
        f"keeps {'no ' * bool(ahead[1])}more of the content than {_names(ahead[1]) or every}"
    ]
    joined = (" but " if any(ahead) and not all(ahead) else " and ").join(claims)
    claim = f"the best one, {named}, {joined}"
    if all(ahead):
        return f"No, mixtures do not win: {claim}."
    if any(ahead):
        return f"No, mixtures do not win on both axes: {claim}."
    return _won(claim, unsure)


def _every(known: Sequence[Any]) -> str:
    return f"each of the {len(known)} single metrics" if len(known) > 1 else "the single metric"


def _won(claim: str, unsure: Sequence[str]) -> str:
    if unsure:
        verdict = f"Mixtures win on average, but not beyond doubt: {claim}; but the {LEVEL:.0%} "
        return f"{verdict}interval of the difference reaches zero against {_names(unsure)}."
    return f"Yes, mixtures win: {claim}."


LONGEST = 80  # letters of a name that a sentence bears


def _names(names: Sequence[str], most: int = 3) -> str:
    shown = (name if len(name) <= LONGEST else short_name(name) for name in names[:most])
    quoted = [f"“{name}”" for name in shown]
    if len(names) > most:
        quoted.append(f"{len(names) - most} more")
    return " and ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:])))


def _share(interval: Mapping[str, float | None]) -> str:
    ends = (f"{100 * end:.0f}" for end in (interval["low"], interval["high"]) if end is not None)
    return f"{interval['mean']:.0%} [{', '.join(ends) or 'unknown'}]"
