"""The scores of a study's pictures, kept in files that are found without the pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from jaxstyle._util.files import write_whole
from jaxstyle.settings import Settings, to_plain
from jaxstyle.study.datasets import Named
from jaxstyle.study.judging import StudyJudge

Scores = list[list[float]]
"""Of an objective: pair by judge."""


class ScoreFiles:
    """A folder with one file of scores for each objective."""

    def __init__(
        self,
        folder: Path,
        judges: Sequence[StudyJudge],
        contents: Sequence[Named],
        styles: Sequence[Named],
    ) -> None:
        """Make the folder if it does not exist, for the judges and pictures of a study."""
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._circumstances = [
            [judge.name for judge in judges],
            [content.sha256 for content in contents],
            [style.sha256 for style in styles],
        ]

    def path(self, settings: Mapping[str, Any]) -> Path:
        """Return the file of an objective, named after all that decides its scores.

        So no two processes write one file. The names must never change, because committed results
        are found by them: a setting that a later version added is left out at its default.
        """
        defaults = to_plain(Settings())
        later = {setting.name for setting in fields(Settings) if setting.metadata["since"] > 1}
        lasting = {
            name: value
            for name, value in settings.items()
            if name not in later or json.dumps(value) != json.dumps(defaults[name])
        }
        text = json.dumps([lasting, self._circumstances], sort_keys=True, default=str)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"

    def read(self, settings: Mapping[str, Any]) -> Scores | None:
        """Return the scores of an objective's pictures, or None."""
        try:
            scores: Scores = json.loads(self.path(settings).read_text("utf-8"))["scores"]
        except (OSError, ValueError, KeyError):
            return None
        return scores

    def write(self, settings: Mapping[str, Any], scores: Scores) -> None:
        """Write the scores of an objective's pictures."""
        text = json.dumps({"metric": settings["metric"], "scores": scores}) + "\n"
        write_whole(self.path(settings), lambda file: file.write(text.encode()))
