"""`study`: every objective on every pair of pictures, judged by what the objectives did not use.

    FOLDER/cells/NAME.png, NAME.json    each picture as soon as it is made, with its manifest
    FOLDER/scores/NAME.json             the scores of an objective's pictures: with these, the
                                        pictures need not be made
    FOLDER/index.html                   the report, in one page that needs nothing else
    FOLDER/table.csv, scores.csv        each objective's means, each picture's scores
    FOLDER/summary.json, plane.svg, table.md
    FOLDER/study.json                   the settings, objectives and pictures

The same call resumes an interrupted study. Several processes can share the work, each with its
`part` of the objectives; a call without a part then only reports.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Unpack

from jaxstyle import citations
from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle._util.log import logger
from jaxstyle.image.io import read_image
from jaxstyle.image.transparency import WHITE
from jaxstyle.kinds import is_list
from jaxstyle.metrics import METRICS
from jaxstyle.plain import obstacles
from jaxstyle.study import report as reports
from jaxstyle.study.answer import caution
from jaxstyle.study.cells import (
    Mixture,
    ScoreFiles,
    Scores,
    StudyCells,
    StudyFolder,
    StudyObjective,
    named,
    points_of,
)
from jaxstyle.study.datasets import pictures, square
from jaxstyle.study.judging import NETWORKS, JudgePanel, StudyJudge, judges_of, networks_of
from jaxstyle.study.plane import plane
from jaxstyle.study.summary import split, summarize
from jaxstyle.transfer import manifest, owed
from jaxstyle.transfer.changes import Changes
from jaxstyle.transfer.progress import GridProgress
from jaxstyle.transfer.result import Result
from jaxstyle.transfer.run_jobs import run_jobs

LEAST = 64
"""Judges need 31 pixels of a style's halves."""
MOST_SHOWN = 32
"""Objectives whose pictures are in the report."""


def study(
    contents: str | Path | Sequence[str | Path],
    styles: str | Path | Sequence[str | Path],
    objectives: Mixture | Sequence[Mixture] | Mapping[str, StudyObjective],
    folder: str | Path,
    *,
    strengths: Sequence[float] = (1.0,),
    training: Sequence[int] = (),
    judges: str | Sequence[str] = NETWORKS,
    part: tuple[int, int] | None = None,
    lanes: int | None = None,
    pictures_shown: bool = True,
    title: str = "Study",
    command: str | None = None,
    on_progress: Callable[[GridProgress], object] | None = None,
    offline: bool = False,
    **changes: Unpack[Changes],
) -> dict[str, Any]:
    """Make every picture, let it be judged, and write the report.

    All pictures are cropped to squares, so that all pairs of an objective share one program.

    Args:
        contents: One or several sets of pictures (`jaxstyle.study.datasets.pictures`), at least
            two pictures.
        styles: Likewise, at least one.
        objectives: Mixtures such as `"gram=0.5+histogram"`, recipes for their mixtures, or
            metrics; or a mapping from names to these, or to settings, such as
            `{"faithful": {"metric": "gram", "content_metric": "lpips"}}`. Scores of an object
            (`Metric`, `Term`) are not kept: no file can name it.
        folder: Where everything is written.
        strengths: Factors of the style weight: every objective runs with each of them. Several
            are compared where they keep equally much of the content.
        training: Numbers (content × styles + style) of pairs that chose, or are to choose, between
            objectives. They are judged on the pairs whose content and style are both in no
            training pair. Without training pairs no mixture is chosen among several.
        judges: Networks of the judges of effectiveness and coherence, or single ones such as
            `"energy@resnet18"` (`jaxstyle.study.judging.judges_of`); those of paint are always
            there.
        part: (k, n): make and judge only the objectives k, k + n, k + 2 n …, without a report.
        lanes: The most pictures at a time (default: as memory allows).
        pictures_shown: Show pictures of the best objectives, at their best strength, in the report.
        title: Of the report, which also shows the command line, `command`.
        on_progress: Called between chunks of steps, see `jaxstyle.stylize_grid`.
        offline: Never fetch weights or pictures.
        changes: Settings that all objectives share; `size`, the squares' side, is 128 pixels if
            not given.

    Returns:
        The summary, as in `summary.json`; of a part nothing.

    Raises:
        ValueError: Pictures smaller than the size, fewer than two contents, a wrong objective, or
            training pairs that leave no pair to judge by.
        OSError: A file that cannot be read or written.
    """
    size = changes.get("size")
    # Of squares, which have no other size than their side.
    size = 128 if size is None else arguments.number("size", size, int, low=1, high=65536)
    changes["size"] = size
    folder = arguments.path("folder", folder)
    arguments.instance("title", title, str)
    arguments.instance("command", command, str, optional=True)
    arguments.flags(pictures_shown=pictures_shown, offline=offline)
    arguments.functions(on_progress=on_progress)
    if lanes is not None:
        arguments.number("lanes", lanes, int, low=1)
    first, step = _check(size, strengths, training, (0, 1) if part is None else part)
    points = points_of(named(_several(objectives))[first::step], strengths, changes)
    content_squares, style_squares = (
        [square(picture, size) for picture in pictures(_several(sources), offline=offline)]
        for sources in (contents, styles)
    )
    if len(content_squares) < 2:
        raise ValueError("expected at least two contents: each is judged against the others")
    test, _ = split(len(content_squares), len(style_squares), training)
    tested = test.reshape(len(content_squares), len(style_squares))
    if limits := caution(int(tested.any(1).sum()), int(tested.any(0).sum())):
        logger.warning(limits)
    cells = StudyCells(folder, points, content_squares, style_squares, offline)
    run = partial(run_jobs, lanes=lanes, on_progress=on_progress)
    panel = judges_of(judges)
    scores = _score(cells, panel, run)
    if part:
        return {}
    given = {"title": title, "command": command, "training_pairs": list(training)}
    data = _data(cells, panel, scores) | given
    return _write_report(cells, data, pictures_shown)


def _several(given: Any) -> Any:
    """Return what may be one, such as a text or a metric, as a list."""
    return given if isinstance(given, Mapping) or is_list(given) else [given]


def _check(
    size: int, strengths: Sequence[float], training: Sequence[int], part: tuple[int, int]
) -> tuple[int, int]:
    """Check numbers before anything is read, and return the part."""
    if size < LEAST:
        raise ValueError(f"expected a size of at least {LEAST} pixels: judges look at halves")
    for name, values in (("strengths", strengths), ("training", training), ("part", part)):
        if not is_list(values):
            raise ValueError(f"expected {name} as a list of numbers, got {shown(values)}")
        for value in values:
            arguments.number(f"every one of {name}", value, float if name == "strengths" else int)
    if not strengths or min(strengths) <= 0 or len(set(strengths)) < len(strengths):
        raise ValueError(f"expected different strengths above 0, got {list(strengths)}")
    if len(part) != 2 or not 0 <= part[0] < part[1]:
        raise ValueError(f"expected a part (k, n) with 0 ≤ k < n, got {part}")
    return part


def _score(
    cells: StudyCells,
    judges: Sequence[StudyJudge],
    run: Callable[..., Iterable[tuple[int, Result]]],
) -> Sequence[Scores]:
    """Make the missing pictures, and score each point as soon as its last picture is made.

    Returns:
        The scores of each point: pairs by judges.
    """
    results, count = cells.results, len(cells.pairs)
    files = ScoreFiles(results.folder / "scores", judges, cells.contents, cells.styles)
    unnamed = [obstacles(point.settings) for point in cells.points]
    for point, names in zip(cells.points, unnamed, strict=True):
        if names:
            logger.info(f"the scores of {point.name} are not kept: no file can name {names[0]}")
    scores = _kept(cells, files)
    done = [
        scores[number // count] is not None or results.manifest(record) is not None
        for number, record in enumerate(results.records)
    ]
    if any(done):
        logger.info(f"{sum(done)} of {len(done)} pictures are finished already")
    missing = Counter(number // count for number, skip in enumerate(done) if not skip)

    @cache  # not before there is something to judge
    def panel() -> JudgePanel:
        groups = ([named.picture for named in group] for group in (cells.contents, cells.styles))
        return JudgePanel(judges, *groups, offline=cells.offline)

    def judge(point: int) -> Scores:
        judged = [
            panel().scores(picture, *divmod(pair, len(cells.styles))).tolist()
            for pair, picture in enumerate(
                read_image(record.picture, background=WHITE) for record in cells.records(point)
            )
        ]
        if not unnamed[point]:
            files.write(cells.settings[point], judged)
        return judged

    if missing:
        # Those that are done keep their place in the batches: so pictures keep their bytes.
        for number, result in run([cells.job(n) for n in range(len(done))], done=done):
            if not results.write(results.records[number], result):
                raise OSError("the study ends here; the same command resumes it")
            missing[number // count] -= 1
            if not missing[number // count]:
                scores[number // count] = judge(number // count)
    return [judge(n) if known is None else known for n, known in enumerate(scores)]


def _kept(cells: StudyCells, files: ScoreFiles) -> list[Scores | None]:
    """Read the scores of each point that are in the folder."""
    return [
        None if obstacles(point.settings) else files.read(settings)
        for point, settings in zip(cells.points, cells.settings, strict=True)
    ]


def _data(
    cells: StudyCells, judges: Sequence[StudyJudge], scores: Sequence[Scores]
) -> dict[str, Any]:
    """Return settings and results as the report takes them."""
    environment = manifest.environment()
    contents, styles = (
        [{"name": named.name, "picture": cells.thumbnail(named.picture)} for named in group]
        for group in (cells.contents, cells.styles)
    )
    return {
        "settings": {**cells.settings[0], "metric": "each objective's own"},
        "objectives": [
            point.described(terms) for point, terms in zip(cells.points, cells.terms, strict=True)
        ],
        "contents": contents,
        "styles": styles,
        "judges": [{"name": judge.name} | judge._asdict() for judge in judges],
        "scores": scores,
        "held_out": _held_out(cells, judges),
        "facts": {
            **environment["versions"],
            "device": environment["device"]["kind"],
            "papers": "; ".join(map(citations.summary, _papers(cells, judges))),
        },
    }


def _papers(cells: StudyCells, judges: Sequence[StudyJudge]) -> list[str]:
    """Return the BibTeX entries that the study owes: of its runs, and of its judges."""
    entries: list[str] = []
    for point, terms in zip(cells.points, cells.terms, strict=True):
        entries += owed.of_run(point.settings, sorted(networks_of(terms)))
    for judge in judges:
        entries += owed.of_name(judge.metric) + owed.of_name(judge.network)
    return list(dict.fromkeys(entries))


def _held_out(cells: StudyCells, judges: Sequence[StudyJudge]) -> list[list[bool]]:
    """Return for each point which judges it neither uses nor is kin of."""
    for point, terms in zip(cells.points, cells.terms, strict=True):
        for metric in (term.metric for term in terms if term.metric.kind == "style"):
            if METRICS["style"].get(metric.name) is not metric:
                logger.warning(
                    f"{point.name}: it is not known which judges {metric.name} is like; it is "
                    "judged by all that are not of its network"
                )
    return [[not judge.is_used(terms) for judge in judges] for terms in cells.terms]


def _write_report(cells: StudyCells, data: dict[str, Any], pictures_shown: bool) -> dict[str, Any]:
    """Write the report, with pictures of the best objectives, and return its summary."""
    summary = summarize(data)
    ranks = {point: summary["objectives"][point]["rank"] for point in summary["best"]["of_curves"]}
    ranked = sorted((point for point in ranks if ranks[point] is not None), key=ranks.__getitem__)
    data["pictures"] = cells.thumbnails(ranked[:MOST_SHOWN]) if pictures_shown else {}
    names = ("title", "command", "settings", "objectives", "facts")
    groups = {"contents": cells.contents, "styles": cells.styles}
    described = {name: data[name] for name in names} | {
        role: [{"name": named.name, "sha256": named.sha256} for named in group]
        for role, group in groups.items()
    }
    texts = {
        StudyFolder.mark: json.dumps(described, indent=1, default=str) + "\n",
        **reports.report(data),
        "plane.svg": plane(summary),
        "table.md": reports.markdown(summary),
    }
    for name, text in texts.items():
        cells.results.write_text(name, text)
    return summary
