"""`search`: mixtures that are both effective and coherent, found by trials on a few pairs.

    FOLDER/index.html                  the page: the front, its pictures, its command lines
    FOLDER/search.json                 what is searched: the pictures, the space, the judges
    FOLDER/front.json                  the trials of full cost, those of the front marked
    FOLDER/journal.log                 all trials, a journal of Optuna's
    FOLDER/pictures/RUNG-N-PAIR.png    each picture, with its manifest

Every trial is first made at half the size with half the steps, on a few of the pairs; the best of
these, by their hypervolume, are made again at full cost. Trials of one structure (the same metrics
and layers) differ by numbers, and run as lanes of one program. The same command resumes a search
that was interrupted, and one that is to have more trials goes on; several processes with the same
command share the work.

Optuna is an extra, imported when a function needs it.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from jaxstyle._util import arguments
from jaxstyle._util.files import write_whole
from jaxstyle.metrics import METRICS
from jaxstyle.metrics.metric import Kind
from jaxstyle.plain import to_plain
from jaxstyle.settings import Settings
from jaxstyle.specs import LayerRef, MetricSpec, as_layers
from jaxstyle.study import search_report
from jaxstyle.study.judging import KINDS, NETWORKS, StudyJudge, judges_of
from jaxstyle.study.making import Maker, Rung, Sets
from jaxstyle.study.space import Space, read_space
from jaxstyle.study.statistics import PLANE, Axis
from jaxstyle.study.trials import CHEAP, FULL, Trials, import_optuna
from jaxstyle.transfer.changes import Changes
from jaxstyle.transfer.job import chosen_settings
from jaxstyle.transfer.progress import GridProgress

LEAST = 32
"""The least side of pictures."""
_SETTINGS: Mapping[Axis, tuple[str, str, str]] = {
    "effectiveness": ("metric", "style_backbone", "style_layers"),
    "coherence": ("content_metric", "content_backbone", "content_layers"),
}


def search(
    contents: str | Path | Sequence[str | Path],
    styles: str | Path | Sequence[str | Path],
    folder: str | Path,
    *,
    trials: int = 40,
    space: Space | Mapping[str, Any] | str | Path | None = None,
    training: Sequence[int] = (),
    judges: str | Sequence[str] = NETWORKS,
    promote: int = 4,
    variants: int = 4,
    lanes: int | None = None,
    title: str = "Search",
    command: str | None = None,
    on_progress: Callable[[GridProgress], object] | None = None,
    offline: bool = False,
    **changes: Unpack[Changes],
) -> dict[str, Any]:
    """Search for mixtures that are both effective and coherent, and write a page of the best.

    All pictures are cropped to squares. The judges (`jaxstyle.study.judging`) are those that are
    kin to no metric and no network of the space, so that all trials are judged alike. Of a single
    content the coherence is measured against one of jaxstyle's samples.

    Args:
        contents: One or several sets of pictures (`jaxstyle.study.datasets.pictures`).
        styles: Likewise.
        folder: Where everything is written.
        trials: How many mixtures are tried.
        space: What is searched (`jaxstyle.study.space.read_space`): a `Space`, a JSON file, or what
            it holds. Settings that `changes` give are not searched.
        training: Numbers (content × styles + style) of the pairs to search with (default: all).
        judges: Networks of the judges, or single ones, such as `"energy@resnet18"`
            (`jaxstyle.study.judging.judges_of`).
        promote: One of so many trials, the best, is made again at full cost.
        variants: Trials of one structure at a time, at least 1.
        lanes: The most pictures at a time (default: as memory allows).
        title: Of the page, which also shows the command line, `command`.
        on_progress: Called between chunks of steps, see `jaxstyle.stylize_grid`.
        offline: Never fetch weights or pictures.
        changes: Settings that all trials share; `size`, the squares' side, is 128 pixels if not
            given. The seed decides the trials, too.

    Returns:
        What `front.json` holds: `trials`, the numbers of cheap ones and of those that failed, and
        `points`, all of full cost, with `number`, `effectiveness`, `coherence`, `front`, `known`
        (whether it is the settings without the search), `metrics` and `settings` (what the trial
        chose), `pictures` and `command`.

    Raises:
        ValueError: Optuna is not installed; a wrong space, or one that leaves no judge; pictures
            smaller than the size; the folder holds another search; or no trial succeeded.
        OSError: A file that cannot be read or written.
    """
    size = changes.get("size")
    size = 128 if size is None else arguments.number("size", size, int, low=LEAST, high=65536)
    folder = arguments.path("folder", folder)
    arguments.instance("title", title, str)
    arguments.instance("command", command, str, optional=True)
    arguments.flags(offline=offline)
    arguments.functions(on_progress=on_progress)
    for name, count in (("trials", trials), ("promote", promote), ("variants", variants)):
        arguments.number(name, count, int, low=1)
    if lanes is not None:
        arguments.number("lanes", lanes, int, low=1)
    base = chosen_settings(None, changes)
    space = read_space(space).without(list(changes))
    if not space.names:
        raise ValueError("expected a space with something to search: all is given")
    import_optuna()
    panel = judges_for(space, base, judges)
    sets = Sets.read(contents, styles, size, offline)
    rungs = _rungs(size, base.steps, sets.pairs(training))
    how: dict[str, Any] = {"lanes": lanes, "on_progress": on_progress, "offline": offline}
    maker = Maker(folder, sets, panel, dict(changes), **how)
    described = {
        "space": space.plain(),
        "settings": to_plain(replace(base, size=size)),
        "judges": [judge._asdict() for judge in panel],
        **{role: [named.sha256 for named in group] for role, group in sets.groups.items()},
        "rungs": [rung._asdict() for rung in rungs],
        "variants": variants,
    }
    _describe(folder, described)
    store = Trials(folder, space, base.seed, variants)
    if known := space.parameters(base):
        store.start_with(known)

    def report() -> dict[str, Any]:
        points = [maker.point(rungs[1], trial) for trial in store.finished(FULL)]
        counts = {"cheap": len(store.finished(CHEAP)), "failed": len(store.failures(CHEAP))}
        facts = {"title": title, "command": command, "trials": counts, "rungs": described["rungs"]}
        names = {axis: [one.name for one in panel if one.axis == axis] for axis in PLANE}
        return search_report.write(folder, facts | {"judges": names}, points, sets.groups)

    with store.at_work():
        try:
            for rung in rungs:
                if rung.name == FULL:
                    store.promote(promote)
                while True:
                    if asked := store.ask(rung.name, trials):
                        maker.make(rung, asked, store)
                    elif store.are_left(rung.name):  # to other processes
                        time.sleep(1)
                    else:
                        break
        except KeyboardInterrupt:
            if store.finished(FULL):
                report()
            raise
    if not store.finished(FULL):
        failures = [*store.failures(FULL), *store.failures(CHEAP)] or ["none was made"]
        raise ValueError(f"no trial succeeded: {failures[0]}")
    return report()


def judges_for(
    space: Space, base: Settings, names: str | Sequence[str] = NETWORKS
) -> list[StudyJudge]:
    """Return the judges of effectiveness and coherence that are kin to nothing in a space.

    >>> names = [judge.name for judge in judges_for(Space(), Settings(), ["vgg16", "alexnet"])]
    >>> names
    ['sliced_wasserstein@alexnet', 'energy@alexnet', 'lpips@alexnet', 'ms_ssim']

    Args:
        space: What is searched.
        base: The settings that it leaves as they are.
        names: The judges, see `jaxstyle.study.judging.judges_of`.

    Raises:
        ValueError: No judge is left on an axis.
    """
    judges, fair = judges_of(names), list[StudyJudge]()
    for axis in PLANE:
        mixture, network, layers = _SETTINGS[axis]
        searched = getattr(space, mixture)
        specs = [*map(MetricSpec.parse, searched)] if searched else getattr(base, mixture)
        texts = {text for choice in searched.values() for text in choice.layers if text}
        refs = [*as_layers(",".join(texts).split(",") if texts else ())]
        refs += as_layers(getattr(base, layers))
        usual = [getattr(base, network) or base.backbone]
        usual += [one for name in (network, "backbone") for one in _values(space, name) if one]
        used = _networks_of(specs, refs, KINDS[axis], usual)
        of_axis = [judge for judge in judges if judge.axis == axis]
        metrics = {spec.name for spec in specs}
        left = [judge for judge in of_axis if not judge.is_kin(metrics, used)]
        if not left:
            raise ValueError(
                f"expected a space that leaves a judge of {axis}: "
                f"{', '.join(judge.name for judge in of_axis)} are of its networks "
                f"({', '.join(sorted(used)) or 'none'}) or nearly the same as its metrics"
            )
        fair += left
    return fair


def _values(space: Space, name: str) -> tuple[Any, ...]:
    values = space.settings.get(name, ())
    return values if isinstance(values, tuple) else ()


def _networks_of(
    specs: Iterable[MetricSpec], refs: Iterable[LayerRef], kind: Kind, usual: Iterable[Any]
) -> set[str]:
    """Return the networks that metrics, at these layers or at their own, compare features of."""
    layers, networks = [*refs], set[str]()
    for spec in specs:
        metric = METRICS[kind][spec.name] if spec.value is None else None
        layers += spec.layers
        if metric:
            networks |= {metric.weights} if metric.weights else set()
            layers += [] if spec.layers else map(LayerRef.parse, metric.layers)
    networks |= {ref.backbone for ref in layers if ref.backbone}
    if not all(ref.is_fixed for ref in layers):
        networks |= {getattr(network, "name", network) for network in usual}
    return networks


def _rungs(size: int, steps: int, pairs: tuple[int, ...]) -> list[Rung]:
    """Return the cheap rung and the full one."""
    few = max(math.ceil(len(pairs) / 4), min(len(pairs), 4))
    places = np.unique(np.linspace(0, len(pairs) - 1, few).round().astype(int))
    cheap = {"size": max(LEAST, size // 2), "steps": (steps + 1) // 2}
    few_pairs = tuple(pairs[place] for place in places)
    return [Rung(CHEAP, few_pairs, cheap), Rung(FULL, pairs, {"size": size, "steps": steps})]


def _describe(folder: Path, described: Mapping[str, Any]) -> None:
    """Write what is searched, or check that it is what was searched in this folder before."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "search.json"
    text = json.dumps(described, indent=1, default=str) + "\n"
    if not path.exists():
        write_whole(path, lambda file: file.write(text.encode()))
        return
    try:
        before = json.loads(path.read_text("utf-8"))
    except ValueError:
        before = {}
    now = json.loads(text)
    others = [name for name in now if before.get(name) != now[name]]
    if others:
        raise ValueError(
            f"{folder} holds another search, with other {', '.join(others)}: expected the same "
            "arguments, or another folder"
        )
