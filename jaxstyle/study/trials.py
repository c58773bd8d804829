"""The trials of a search: a journal of Optuna's in a file that several processes share.

Two studies are in it, `cheap` and `full`. The first trial has the settings that were given, where
the space has them, so that what is found can be held against it. The next are drawn at random, few
metrics at a time, and the others by Optuna's TPE sampler, whose seed follows from that of the
search and from the number of trials before: so the same command gives the same trials, interrupted
or not. A trial whose process has ended is asked again.
"""

from __future__ import annotations

import math
import os
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock
from jaxtyping import Float

from jaxstyle._util.lock import exclusive_lock
from jaxstyle.study.space import Draw, Space
from jaxstyle.study.statistics import PLANE, hypervolume

CHEAP, FULL = RUNGS = ("cheap", "full")
KNOWN = "known"
"""The attribute of a trial that was not drawn."""
STARTUP = 16
"""Trials that are drawn at random before the sampler learns."""


class Asked(NamedTuple):
    """A trial that is to be made."""

    number: int
    changes: dict[str, Any]  # settings, as the space suggests them
    handle: Any  # Optuna's


class Finished(NamedTuple):
    """A trial with its values, in the order of `PLANE`."""

    number: int
    changes: dict[str, Any]
    values: tuple[float, ...]
    is_known: bool = False  # not drawn, see `Trials.start_with`


def import_optuna() -> Any:
    """Return Optuna, or raise a `ValueError` that names the extra."""
    try:
        import optuna
    except ImportError:
        raise ValueError("a search needs Optuna: pip install 'jaxstyle[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def best(values: Float[np.ndarray, "trials 2"], count: int) -> list[int]:
    """Return the indices of the points that together have most hypervolume, best first.

    One after another the point is taken that adds most to the area up to (1, 1): first a good
    compromise, then others that are spread along the front, and of its ends, which have little of
    style or of content, none before them. Points that add nothing are taken by their sum.

    References:
        Guerreiro, Fonseca & Paquete, "Greedy hypervolume subset selection in low dimensions",
        Evolutionary Computation 24, 2016.

    >>> best(np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5], [0.2, 0.9]]), 2)
    [2, 3]
    """
    chosen = list[int]()
    left = np.flatnonzero(np.isfinite(values).all(1)).tolist()

    def worth(index: int) -> tuple[float, float]:
        return hypervolume(values[[*chosen, index]]), -values[index].sum()

    while left and len(chosen) < count:
        chosen.append(max(left, key=worth))
        left.remove(chosen[-1])
    return chosen


class Trials:
    """The trials of a search in its folder."""

    def __init__(self, folder: Path, space: Space, seed: int, variants: int) -> None:
        """Open the journal; several processes may."""
        self._optuna = optuna = import_optuna()
        from optuna.storages import journal

        self._folder, self._space, self._seed, self._variants = folder, space, seed, variants
        self._lock, self._worker = FileLock(folder / "journal.ask"), uuid.uuid4().hex
        path = str(folder / "journal.log")
        # Symbolic links need rights on Windows.
        lock = journal.JournalFileOpenLock(path) if os.name == "nt" else None
        storage = optuna.storages.JournalStorage(journal.JournalFileBackend(path, lock_obj=lock))
        with self._lock:
            self._studies = {
                rung: optuna.create_study(
                    storage=storage,
                    study_name=rung,
                    directions=["minimize"] * len(PLANE),
                    load_if_exists=True,
                )
                for rung in RUNGS
            }

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Until this ends, other processes leave the trials of this one to it."""
        with exclusive_lock(self._lock_of(self._worker)):
            yield

    def start_with(self, parameters: Mapping[str, Any]) -> None:
        """Let the first trial be one that is known, which is made again at full cost as well."""
        study = self._studies[CHEAP]
        with self._lock:
            if not study.trials:
                study.enqueue_trial(dict(parameters), user_attrs={KNOWN: True})

    def ask(self, rung: str, limit: int) -> list[Asked]:
        """Return trials to make next, of one structure; none if there are `limit` already.

        Of full cost are those that wait.
        """
        study = self._studies[rung]
        with self._lock:
            self._revive(study)
            waiting = len(self._in_state(study, "WAITING"))
            if waiting:
                return [self._asked(study) for _ in range(min(self._variants, waiting))]
            replaced = {trial.user_attrs.get("replaces") for trial in study.trials} - {None}
            before = len(study.trials) - len(replaced)
            random = np.random.default_rng([self._seed, before])
            structure: dict[str, Any] = {}
            asked = []
            count = min(self._variants, limit - before) if rung == CHEAP else 0
            for number in range(before, before + count):
                study.sampler = self._sampler(structure, random, before < STARTUP)
                asked.append(self._asked(study, number))
                structure = structure or _structure(asked[0].handle)
            return asked

    def tell(self, rung: str, trial: Asked, values: Sequence[float]) -> None:
        """Record a trial's values."""
        self._studies[rung].tell(trial.handle, list(values))

    def fail(self, rung: str, trial: Asked, reason: str) -> None:
        """Record that a trial failed."""
        trial.handle.set_user_attr("failure", reason)
        self._studies[rung].tell(trial.handle, state=self._optuna.trial.TrialState.FAIL)

    def finished(self, rung: str) -> list[Finished]:
        """Return all trials that have values, by number."""
        return [
            Finished(
                _number(trial),
                self._changes(trial.params),
                tuple(trial.values),
                KNOWN in trial.user_attrs,
            )
            for trial in sorted(self._in_state(self._studies[rung], "COMPLETE"), key=_number)
        ]

    def failures(self, rung: str) -> list[str]:
        """Return the reasons of the trials that failed."""
        failed = self._in_state(self._studies[rung], "FAIL")
        return [t.user_attrs["failure"] for t in failed if "failure" in t.user_attrs]

    def are_left(self, rung: str) -> bool:
        """Return whether trials are not finished yet: processes are at work on them, or may be."""
        with self._lock:
            self._revive(self._studies[rung])
            return any(self._in_state(self._studies[rung], name) for name in ("RUNNING", "WAITING"))

    def promote(self, share: int) -> None:
        """Let the best of the cheap trials, one of so many, wait for full cost."""
        cheap, full = self._studies[CHEAP], self._studies[FULL]
        with self._lock:
            done = sorted(self._in_state(cheap, "COMPLETE"), key=_number)
            known = set(map(_number, full.trials))
            values = np.array([trial.values for trial in done]).reshape(-1, len(PLANE))
            chosen = [done[k] for k in best(values, math.ceil(len(done) / share))]
            chosen += [trial for trial in done if KNOWN in trial.user_attrs and trial not in chosen]
            # Those of one structure follow each other, to be lanes of one program.
            for trial in sorted(chosen, key=lambda trial: str(_structure(trial))):
                if _number(trial) not in known:
                    full.enqueue_trial(trial.params, user_attrs=_lasting(trial))

    def _sampler(self, structure: Mapping[str, Any], random: Any, is_startup: bool) -> Any:
        """Return a sampler of trials whose choices are fixed, if there are any."""
        samplers, seed = self._optuna.samplers, int(random.integers(2**31))
        sampler, fixed = samplers.RandomSampler(seed), dict(structure)
        if is_startup:
            draw = Draw(random, structure)
            self._space.suggest(draw)
            fixed = draw.choices | draw.numbers
        else:
            sampler = samplers.TPESampler(seed=seed, n_startup_trials=1)
        with warnings.catch_warnings():  # of an experimental sampler
            warnings.simplefilter("ignore")
            return samplers.PartialFixedSampler(fixed, sampler)

    def _asked(self, study: Any, number: int | None = None) -> Asked:
        """Ask for a trial: one that waits, which has a number, or a new one."""
        trial = study.ask()
        trial.set_user_attr("worker", self._worker)
        if number is not None:
            trial.set_user_attr("number", number)
        return Asked(_number(trial), self._space.suggest(trial), trial)

    def _changes(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._space.suggest(self._optuna.trial.FixedTrial(params))

    def _revive(self, study: Any) -> None:
        """Let the trials of processes that ended wait to be asked again."""
        for trial in self._in_state(study, "RUNNING"):
            worker = trial.user_attrs.get("worker")
            if worker is None or not self._is_at_work(worker):
                study.tell(trial.number, state=self._optuna.trial.TrialState.FAIL)
                attributes = _lasting(trial) | {"replaces": trial.number}
                study.enqueue_trial(trial.params, user_attrs=attributes)

    def _is_at_work(self, worker: str) -> bool:
        try:
            with exclusive_lock(self._lock_of(worker)):
                return False
        except ValueError:
            return True

    def _lock_of(self, worker: str) -> Path:
        return self._folder / f"worker {worker}"

    def _in_state(self, study: Any, name: str) -> list[Any]:
        state = self._optuna.trial.TrialState[name]
        trials: list[Any] = study.get_trials(deepcopy=False, states=(state,))
        return trials


def _number(trial: Any) -> int:
    """Return a trial's number in the search, which it keeps when it is made again.

    Optuna's own numbers count those, too, whose process ended.
    """
    number: int = trial.user_attrs.get("number", trial.number)
    return number


def _lasting(trial: Any) -> dict[str, Any]:
    """Return the attributes of a trial that it keeps when it is made again."""
    known = {KNOWN: True} if KNOWN in trial.user_attrs else {}
    return known | {"number": _number(trial)}


def _structure(trial: Any) -> dict[str, Any]:
    """Return the choices among a trial's parameters, which decide its program."""
    return {
        name: value
        for name, value in trial.params.items()
        if type(trial.distributions[name]).__name__ == "CategoricalDistribution"
    }
