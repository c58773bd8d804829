"""The pictures of a search: how trials are made, and judged."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxstyle import samples
from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle._util.log import logger
from jaxstyle.grid.commands import stylize_command
from jaxstyle.image.files import folder_files
from jaxstyle.image.geometry import Picture, resize
from jaxstyle.kinds import is_list
from jaxstyle.plain import to_plain
from jaxstyle.study import statistics
from jaxstyle.study.datasets import Named, pictures, square
from jaxstyle.study.judging import JudgePanel, StudyJudge
from jaxstyle.study.statistics import PLANE
from jaxstyle.study.trials import Asked, Finished, Trials
from jaxstyle.transfer.job import Job, chosen_settings
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.progress import OnProgress
from jaxstyle.transfer.run_jobs import run_jobs
from jaxstyle.transfer.sources import Sources

LEAST_JUDGED = 64
"""The least side of pictures that are judged; smaller ones are enlarged."""
MIXED = ("metric", "content_metric")
_REFERENCES = ("lighthouse", "valley")


class Rung(NamedTuple):
    """How trials are made."""

    name: str
    pairs: tuple[int, ...]  # content × styles + style
    changes: Mapping[str, Any]

    @property
    def size(self) -> int:
        """The side of the pictures."""
        side: int = self.changes["size"]
        return side


class Sets(NamedTuple):
    """The pictures of a search, with what a command line calls each."""

    contents: Sequence[Named]
    styles: Sequence[Named]
    content_files: Sequence[str | None]
    style_files: Sequence[str | None]
    reference: Named | None  # another content, where there is only one

    @classmethod
    def read(cls, contents: Any, styles: Any, size: int, offline: bool) -> Sets:
        """Read sets of pictures, and crop them to squares of a side."""
        named: list[list[Named]] = []
        files: list[list[str | None]] = []
        for sources in (contents, styles):
            several = sources if is_list(sources) else [sources]
            read = pictures(several, offline=offline)
            named.append([square(picture, size) for picture in read])
            addresses = [address for source in several for address in _addresses(source)]
            # Those of prepared sets are no files.
            files.append(addresses if len(addresses) == len(read) else [None] * len(read))
        reference = None
        if len(named[0]) == 1:
            others = [pictures([f"{samples.PREFIX}{name}"])[0] for name in _REFERENCES]
            other = next(one for one in others if one.sha256 != named[0][0].sha256)
            reference = square(other, min(size, *other.picture.shape[:2]))
            reference = reference._replace(picture=resize(reference.picture, (size, size)))
        return cls(named[0], named[1], files[0], files[1], reference)

    @property
    def groups(self) -> dict[str, Sequence[Named]]:
        """The contents and the styles."""
        return {"contents": self.contents, "styles": self.styles}

    def pairs(self, training: Sequence[int]) -> tuple[int, ...]:
        """Return the pairs to search with: those given, or all."""
        count = len(self.contents) * len(self.styles)
        if not is_list(training):
            raise ValueError(f"expected training as a list of numbers, got {shown(training)}")
        for pair in training:
            arguments.number("every one of training", pair, int, low=0, high=count - 1)
        return tuple(sorted({*training})) or tuple(range(count))


def _addresses(source: str | Path) -> list[str | None]:
    """Return what a command line calls each picture of a source.

    >>> _addresses("sample:valley"), _addresses("tfds:pets/train")
    (['sample:valley'], [None])
    """
    text = os.fspath(source)
    if text == f"{samples.PREFIX}*":
        return [samples.PREFIX + name for name in (*samples.OWN, *samples.FETCHED)]
    if os.path.isdir(text):
        return [*map(str, folder_files(text))]
    return [None if text.startswith("tfds:") else text]


class Maker:
    """Makes the pictures of trials, and judges them."""

    def __init__(
        self,
        folder: Path,
        sets: Sets,
        judges: Sequence[StudyJudge],
        changes: Mapping[str, Any],
        *,
        lanes: int | None = None,
        on_progress: OnProgress | None = None,
        offline: bool = False,
    ) -> None:
        """Make pictures in a folder, with settings that all trials share."""
        self._folder, self._sets, self._judges = folder, sets, judges
        self._changes, self._sources = changes, Sources(offline=offline)
        self._lanes, self._on_progress, self._offline = lanes, on_progress, offline
        self._squares: dict[int, dict[str, list[Picture]]] = {}
        self._panels: dict[int, JudgePanel] = {}

    def make(self, rung: Rung, trials: Sequence[Asked], store: Trials) -> None:
        """Make and judge the pictures of trials, and tell each as soon as it is finished."""
        jobs: list[Job] = []
        owners: list[tuple[Asked, int]] = []
        for trial in trials:
            try:
                jobs += [self._job(rung, trial.changes, pair) for pair in rung.pairs]
            except ValueError as error:  # a metric that such small pictures are too small for
                self._fail(rung, trial, store, str(error))
                continue
            owners += [(trial, pair) for pair in rung.pairs]
        scores: dict[int, list[Float[np.ndarray, " judges"]]] = {one.number: [] for one in trials}
        failed: set[int] = set()
        run = run_jobs(jobs, lanes=self._lanes, on_progress=self._on_progress, level=logging.DEBUG)
        for number, result in run:
            trial, pair = owners[number]
            if trial.number in failed:
                continue
            if result.failure:
                failed.add(trial.number)
                self._fail(rung, trial, store, result.failure)
                continue
            path = self._path(rung, trial.number, pair)
            path.parent.mkdir(exist_ok=True)
            result.save(path)
            scores[trial.number].append(self._judge(rung, result.image, pair))
            if len(scores[trial.number]) == len(rung.pairs):
                self._tell(rung, trial, store, np.stack(scores[trial.number]))

    def point(self, rung: Rung, trial: Finished) -> dict[str, Any]:
        """Return a trial of full cost as the page shows it."""
        sets, count = self._sets, len(self._sets.styles)
        settings = chosen_settings(None, {**self._changes, **trial.changes, "size": None})
        shown = [
            {
                "content": pair // count,
                "style": pair % count,
                "file": self._path(rung, trial.number, pair).relative_to(self._folder).as_posix(),
                "command": stylize_command(
                    [sets.content_files[pair // count], sets.style_files[pair % count]],
                    settings,
                    (),
                    "picture.png",
                ),
            }
            for pair in rung.pairs
        ]
        plain = to_plain(settings)
        return {
            "number": trial.number,
            "known": trial.is_known,
            **dict(zip(PLANE, trial.values, strict=True)),
            "metrics": {name: list(map(str, getattr(settings, name))) for name in MIXED},
            "settings": {name: plain[name] for name in trial.changes if name not in MIXED},
            "pictures": shown,
        }

    def _job(self, rung: Rung, changes: Mapping[str, Any], pair: int) -> Job:
        content, style = divmod(pair, len(self._sets.styles))
        squares = self._of_size(rung.size)
        job = make_job(
            squares["contents"][content],
            squares["styles"][style],
            chosen_settings(None, {**self._changes, **changes, **rung.changes}),
            self._sources,
        )
        named = {"content": self._sets.contents[content], "style": self._sets.styles[style]}
        inputs = {
            role: {"path": one.name, "sha256": one.sha256, "cut": "a square, for a search"}
            for role, one in named.items()
        }
        return replace(job, inputs=inputs)

    def _of_size(self, size: int) -> dict[str, list[Picture]]:
        """Return the squares of a size."""
        if size not in self._squares:
            self._squares[size] = {
                role: [resize(named.picture, (size, size)) for named in group]
                for role, group in self._sets.groups.items()
            }
        return self._squares[size]

    def _judge(self, rung: Rung, picture: Picture, pair: int) -> Float[np.ndarray, " judges"]:
        """Return each judge's score of a picture."""
        if rung.size not in self._panels:
            squares = self._of_size(rung.size)
            contents = [*squares["contents"]]
            if self._sets.reference is not None:
                contents.append(resize(self._sets.reference.picture, (rung.size, rung.size)))
            groups = [list(map(_judged, group)) for group in (contents, squares["styles"])]
            self._panels[rung.size] = JudgePanel(self._judges, *groups, offline=self._offline)
        content, style = divmod(pair, len(self._sets.styles))
        return self._panels[rung.size].scores(_judged(picture), content, style)

    def _tell(
        self, rung: Rung, trial: Asked, store: Trials, scores: Float[np.ndarray, "pairs judges"]
    ) -> None:
        axes = np.array([judge.axis for judge in self._judges])
        values = [float(statistics.mean(scores[:, axes == axis].ravel(), 0)) for axis in PLANE]
        if not np.isfinite(values).all():
            self._fail(rung, trial, store, "no judge can tell the content from the style")
            return
        store.tell(rung.name, trial, values)
        texts = ", ".join(f"{axis} {v:.3f}" for axis, v in zip(PLANE, values, strict=True))
        logger.info(f"{rung.name} trial {trial.number}: {texts}")

    @staticmethod
    def _fail(rung: Rung, trial: Asked, store: Trials, reason: str) -> None:
        store.fail(rung.name, trial, reason)
        logger.info(f"{rung.name} trial {trial.number} failed: {reason}")

    def _path(self, rung: Rung, number: int, pair: int) -> Path:
        return self._folder / "pictures" / f"{rung.name}-{number}-{pair}.png"


def _judged(picture: Picture) -> Picture:
    """Return a picture as large as judges need it."""
    size = max(LEAST_JUDGED, *picture.shape[:2])
    return picture if size == picture.shape[0] else resize(picture, (size, size))
