"""Which mixture makes better pictures? A search, then a test on other pictures by other judges.

    python benchmarks/mixtures.py pictures FOLDER RCC
    python benchmarks/mixtures.py search FOLDER mixture [--minutes 60]
    python benchmarks/mixtures.py search FOLDER single [--minutes 60]
    python benchmarks/mixtures.py test FOLDER [--minutes 60]
    python benchmarks/mixtures.py report FOLDER

`pictures` takes photographs and paintings out of RCC, the folder `usr/share/gcompris-qt/rcc` of
Debian's package gcompris-qt-data 3.1-2 (`apt-get download`, `dpkg-deb -x`); the others are
jaxstyle's samples. `search` looks for the best mixture, and for the best single style metric with
its own best content metric and weights, with as many trials. `test` makes pictures of contents and
styles that are in no search. All can be interrupted, and the same command resumes; the results so
far are kept in benchmarks/mixtures/, from which another clone resumes as well.
"""

import argparse
import csv
import gzip
import itertools
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from packaged import picture as packaged
from PIL import ImageOps

from jaxstyle.specs import parse_mixture
from jaxstyle.study.statistics import (
    LEVEL,
    ahead_at_equal_coherence,
    bootstrap,
    hypervolume,
    mean,
    proportion,
)

HERE = Path(__file__).parent / "mixtures"
# name in the package: file of resources
PACKAGED = {
    "kingfisher": "erase",
    "horse": "erase",
    "gorilla": "erase",
    "red_panda": "erase",
    "cheetah": "erase",
    "camels": "erase",
    "Neuschwanstein_background": "details",
    "TajMahal_background": "details",
    "FanoeWindmill_background": "details",
    "Nagoya_background": "details",
    "Van_Gogh_The_Night_Cafe_background": "details",
    "Eglise_dAuvers-sur-Oise_background": "details",
    "Gogh4_background": "details",
    "VincentVanGogh0013_background": "details",
    "VincentVanGogh0012_background": "details",
}
TRAINING = (
    "sample:lighthouse sample:chelsea Neuschwanstein kingfisher horse gorilla",
    "sample:swirls sample:woodblock sample:red-fuji sample:venice sample:trouville "
    "Van_Gogh_The_Night_Cafe",
)
TEST = (
    "sample:valley sample:astronaut TajMahal FanoeWindmill Nagoya red_panda cheetah camels",
    "sample:mosaic sample:sudden-shower sample:honfleur sample:simoa Eglise_dAuvers-sur-Oise "
    "VincentVanGogh0013 VincentVanGogh0012 Gogh4",
)
# What was scored is named after all settings: the bound is that of then.
COMMON = {"size": 192, "steps": 20, "coarse_steps": 100, "scales": 2, "scale_factor": 2.0}
TRIALS = 48
# The space has neither of these, nor their kin; nor those of the test that are called clean.
SEARCHED_BY = ["sliced_wasserstein@alexnet", "lpips"]
JUDGES = ["energy@resnet18", "sliced_wasserstein@resnet18", "moments@resnet18"]
JUDGES += ["gaussian_wasserstein@resnet18", "ms_ssim", "lpips"]
JOURNAL = "journal.log"  # kept compressed: to a thirtieth
KEPT = ("search.json", "front.json")
REPORTED = ("table.md", "plane.svg")
CLEAN = "energy@resnet18"  # no objective of the test uses it, nor its kin
STRENGTHS = (0.5, 2.0)
# How many contents and styles of the test.
FEW = {"test": None, "parts": 3, "diverse": 4, "contents": 3, "layers": 3}
# The defaults at that time, which what was scored is named after. Content weights that decay held
# at 256 pixels then: to make these pictures again at 192 pixels, take four thirds of them.
THEN = {
    "content_metric": "mse",
    "content_weight": 2.5,
    "smoothness": 0.03,
    "content_decay": 2.0,
}
DEFAULT_THEN = "relaxed_emd+covariance+moments=0.1+gaussian_wasserstein@image=0.3"
# Chosen by eye after the search, from the best single metric; for a time the default.
SMALL = THEN | {
    "metric": "gaussian_wasserstein@relu2_1,relu3_1+relaxed_emd=0.3+gaussian_wasserstein@image=0.3",
    "content_metric": "mse@relu3_2",
    "content_weight": 0.3,
}
# By eye faces are whole with it. 0.4 is what 0.3 at 256 pixels was at 192.
SOME_EDGES = SMALL | {"content_metric": "mse@relu3_2=0.85+edges=0.15", "content_weight": 0.4}
# The same at other layers: which of them earn their time? The first has each metric's usual ones.
LAYERS = {
    "usual layers": "gaussian_wasserstein+relaxed_emd=0.3+gaussian_wasserstein@image=0.3",
    "relaxed_emd at three": SMALL["metric"].replace("emd=", "emd@relu2_1,relu3_1,relu4_1="),
    "relaxed_emd at two": SMALL["metric"].replace("emd=", "emd@relu3_1,relu4_1="),
}
DIVERSE_THEN = "cross_layer_gram=0.707+histogram=0.707"
# The best of the cheap trials; those at full cost came after the test.
BEST_MIXTURE = {
    "metric": (
        "covariance@relu1_1,relu2_1=0.068+moments~relative/5@relu2_1,relu3_1=0.019"
        "+central_moments@relu2_1,relu3_1=0.11+gaussian_wasserstein@relu3_1,relu4_1=0.044"
        "+cross_layer_gram=0.046+relaxed_emd@relu4_1,relu5_1=0.16"
        "+neural_neighbor@relu1_1,relu2_1=0.06+patch_stride_2=0.11"
        "+contextual@relu2_1,relu3_1=0.019+power_spectrum@relu1_1,relu2_1=0.018"
        "+gaussian_wasserstein@image=0.06+color_histogram=0.22+palette=0.06"
    ),
    "content_metric": "self_similarity=0.05+edges=0.17+laplacian=0.78",
    "content_weight": 3.4,
    "smoothness": 0.0,
    "content_decay": 1.0,
}
# The allocator keeps memory between steps: returning it costs page faults and clearing.
KEEP = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}


def take(folder, rcc):
    """Write the packaged pictures as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, of in PACKAGED.items():
        target = folder / f"{name.removesuffix('_background')}.png"
        # Without its frame; stored, since what zlib makes differs between its versions.
        ImageOps.crop(packaged(rcc, f"{of}/{name}"), 6).save(target, compress_level=0)
        print(target)


def sets(folder, names):
    """Return the contents and the styles of a set as `search` and `study` take them."""
    return [
        [
            name if name.startswith("sample:") else str(folder / "pictures" / f"{name}.png")
            for name in of_role.split()
        ]
        for of_role in names
    ]


def side_by_side(arguments, folder, minutes, *, parts=False):
    """Run a command in a process for each core, and interrupt them when the time is over."""
    cores = sorted(os.sched_getaffinity(0))
    logs = [(folder / f"worker-{core}.log").open("a") for core in cores]
    # A process with a core of its own is about 1.4 times as fast.
    processes = [
        subprocess.Popen(
            ["taskset", "-c", str(core), sys.executable, __file__, *arguments]
            + (["--part", str(number), str(len(cores))] if parts else []),
            stdout=log,
            stderr=log,
            env=os.environ | KEEP,
        )
        for number, (core, log) in enumerate(zip(cores, logs, strict=True))
    ]
    try:
        for process in processes:
            process.wait(60 * minutes if process is processes[0] else 60)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        print("interrupted: the same command resumes", flush=True)
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        process.wait()


def keep(source, target, names=None):
    """Copy files that exist, or all files."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*")) if source.exists() else ():
        if path.is_file() and (names is None or path.name in names):
            shutil.copy(path, target / path.name)


def search(folder, kind):
    """Make trials until all are made."""
    from jaxstyle.study.search import search as run

    run(
        *sets(folder, TRAINING),
        folder / kind,
        trials=TRIALS,
        space={"single": kind == "single"},
        judges=SEARCHED_BY,
        promote=16,
        variants=2,
        lanes=6,
        title=f"Search among {kind} metrics",
        **COMMON,
    )


def best_single():
    """Return the settings of the single metric of full cost with the lowest mean of both axes."""
    points = json.loads((HERE / "single" / "front.json").read_text())["points"]
    point = min(points, key=lambda point: point["effectiveness"] + point["coherence"])
    return {name: "+".join(specs) for name, specs in point["metrics"].items()} | point["settings"]


def rivals():
    """Return the objectives of the test."""
    return {
        "found": BEST_MIXTURE,
        "single": best_single(),
        "small": SMALL,
        "gram": THEN | {"metric": "gram"},
        "default": THEN | {"metric": DEFAULT_THEN},
    }


def compared():
    """Return all that is judged, by the name of its folder."""
    diverse = {"diverse": THEN | {"metric": DIVERSE_THEN}}
    contents = {"some edges": SOME_EDGES}
    layers = {name: SOME_EDGES | {"metric": metric} for name, metric in LAYERS.items()}
    layers["usual layers"] |= {"content_metric": "mse=0.85+edges=0.15"}
    return {
        "test": rivals(),
        "parts": parts(),
        "diverse": diverse,
        "contents": contents,
        "layers": layers,
    }


def parts():
    """Return what is found with one part of it as usual: what is it that helps?"""
    usual, style = parse_mixture(DEFAULT_THEN), parse_mixture(BEST_MIXTURE["metric"])
    total = sum(spec.weight for spec in usual)
    weights = {name: THEN[name] / total for name in ("content_weight", "smoothness")}
    shares = [replace(spec, weight=spec.weight / total) for spec in usual]
    even = [replace(spec, weight=1 / len(style)) for spec in style]
    return {
        "usual content side": THEN | weights | {"metric": BEST_MIXTURE["metric"]},
        "usual style side": BEST_MIXTURE | {"metric": text_of(shares)},
        "equal weights": BEST_MIXTURE | {"metric": text_of(even)},
    }


def text_of(specs):
    return "+".join(map(str, specs))


def judged(folder, objectives, name, part=None):
    """Make and judge the pictures of the test, or a part of them, or only report."""
    from jaxstyle.study.study import study

    contents, styles = (of_role[: FEW[name]] for of_role in sets(folder, TEST))
    return study(
        contents,
        styles,
        objectives,
        folder / name,
        strengths=STRENGTHS,
        judges=JUDGES,
        part=part,
        lanes=6,
        title="Which mixture makes better pictures?",
        command="python benchmarks/mixtures.py test FOLDER",
        **COMMON,
    )


def scores_of(folder):
    """Return scores by curve: strengths by pairs by judges; the judges' names, and the pairs."""
    rows = list(csv.DictReader((folder / "scores.csv").open(encoding="utf-8")))
    objectives, pairs, judges = (
        list(dict.fromkeys(tuple(row[name] for name in names) for row in rows))
        for names in (("objective",), ("content", "style"), ("judge",))
    )
    table = np.array([float(row["score"] or "nan") for row in rows])
    table = table.reshape(len(objectives), len(pairs), len(judges))
    curves = {}
    for (objective,), scores in zip(objectives, table, strict=True):
        curves.setdefault(objective.rpartition(" ×")[0] or objective, []).append(scores)
    return {name: np.stack(of) for name, of in curves.items()}, [j for (j,) in judges], pairs


def path_of(scores, effectiveness, coherence):
    """Return means over the judges of each axis: axes by strengths by pairs."""
    return np.stack([mean(scores[..., judges], 2) for judges in (effectiveness, coherence)])


def by_style(curves, first, statistics, coherence, pairs):
    """Print the same by the style, whose contents are then the only ones to vary."""
    others = [name for name in curves if name != first]
    print("\n| style | " + " | ".join(f"ahead of {other}" for other in others) + " |")
    print("|---|" + "---|" * len(others))
    paths = {name: path_of(scores, statistics, coherence) for name, scores in curves.items()}
    contents, styles = np.array(pairs).T
    for style in dict.fromkeys(styles):
        chosen = styles == style
        numbers = np.unique(contents[chosen], return_inverse=True)[1]
        cells = []
        for other in others:
            ahead = ahead_at_equal_coherence(paths[first][..., chosen], paths[other][..., chosen])
            gain = bootstrap(ahead, numbers, np.zeros_like(numbers))
            cells.append(f"{gain.mean:.3f} [{gain.low:.3f}, {gain.high:.3f}]")
        print(f"| {Path(style).stem} | {' | '.join(cells)} |")


def beside(curves, whole, pairs, all_pairs):
    """Return curves with others of the whole test, at their pairs."""
    places = [all_pairs.index(pair) for pair in pairs]
    return {name: scores[:, places] for name, scores in whole.items()} | curves


def numbers_of(pairs):
    """Return the numbers of the contents, and of the styles, of pairs."""
    return [np.unique([pair[k] for pair in pairs], return_inverse=True)[1] for k in range(2)]


def columns_of(judges):
    """Return which judges are statistics, of coherence, and of paint."""
    return {
        "statistics": [k for k, judge in enumerate(judges) if judge.endswith("@resnet18")],
        "coherence": [judges.index("ms_ssim"), judges.index("lpips@alexnet")],
        "paint": [k for k, judge in enumerate(judges) if judge.startswith("paint_")],
    }


def compare(curves, judges, pairs, first="found"):
    """Print by how much one curve is ahead of each other one at equal coherence, judge by judge."""
    numbers = numbers_of(pairs)
    others = [name for name in curves if name != first]
    level = 1 - (1 - LEVEL) / len(others)  # Bonferroni's
    together = columns_of(judges)
    coherence = together.pop("coherence")
    groups = {judge: [k] for k, judge in enumerate(judges) if k not in coherence} | together
    print(f"| against | judge | ahead by [{level:.1%}] | pairs won |\n|---|---|---|---|")
    for other, (group, columns) in itertools.product(others, groups.items()):
        paths = [path_of(curves[name], columns, coherence) for name in (first, other)]
        ahead = ahead_at_equal_coherence(*paths)
        gain = bootstrap(ahead, *numbers, level=level)
        won = proportion(np.where(np.isfinite(ahead), ahead > 0, np.nan), *numbers, level=level)
        print(
            f"| {other} | {group} | {gain.mean:.3f} [{gain.low:.3f}, {gain.high:.3f}] | "
            f"{won.mean:.0%} [{won.low:.0%}, {won.high:.0%}] |"
        )
    by_style(curves, first, groups["statistics"], coherence, pairs)
    print("\n| curve | hypervolume (clean) | hypervolume (statistics) |\n|---|---|---|")
    for name, scores in curves.items():
        means = mean(scores, 1)
        volumes = [
            hypervolume(np.stack([mean(means[:, of], 1) for of in (columns, coherence)], -1))
            for columns in ([judges.index(CLEAN)], groups["statistics"])
        ]
        print(f"| {name} | {volumes[0]:.3f} | {volumes[1]:.3f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = ("pictures", "search", "worker", "test", "report")
    parser.add_argument("command", choices=commands)
    parser.add_argument("folder", type=Path)
    parser.add_argument("what", nargs="?", help="the folder of resources; mixture, single, test")
    parser.add_argument("--part", type=int, nargs=2)
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    folder, what = options.folder, options.what
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    logging.getLogger("jaxstyle").setLevel(logging.INFO)
    if options.command == "pictures":
        take(folder / "pictures", Path(what))
    elif options.command == "search":
        kept, journal = HERE / what / f"{JOURNAL}.gz", folder / what / JOURNAL
        if not journal.exists() and kept.exists():
            keep(HERE / what, folder / what, KEPT)
            journal.write_bytes(gzip.decompress(kept.read_bytes()))
        side_by_side(["worker", str(folder), what], folder, options.minutes)
        keep(folder / what, HERE / what, KEPT)
        kept.write_bytes(gzip.compress(journal.read_bytes(), mtime=0))
    elif options.command == "worker":
        if what == "test":
            for name, objectives in compared().items():
                judged(folder, objectives, name, part=options.part)
        else:
            search(folder, what)
    elif options.command == "test":
        for name in FEW:
            keep(HERE / name, folder / name / "scores")
        side_by_side(["worker", str(folder), "test"], folder, options.minutes, parts=True)
        for name in FEW:
            keep(folder / name / "scores", HERE / name)
    else:
        for name, objectives in compared().items():
            judged(folder, objectives, name)
            keep(folder / name, HERE / name, REPORTED)
        whole, judges, all_pairs = scores_of(folder / "test")
        compare(whole, judges, all_pairs)
        contents, _, _ = scores_of(folder / "contents")
        firsts = {"parts": "found", "diverse": "diverse", "contents": "some edges"}
        for name, first in firsts.items():
            print(f"\n{name}\n")
            curves, _, pairs = scores_of(folder / name)
            others = {"found": whole["found"]} if name == "parts" else whole
            compare(beside(curves, others, pairs, all_pairs), judges, pairs, first)
        print("\nlayers\n")
        curves, _, pairs = scores_of(folder / "layers")
        compare(contents | curves, judges, pairs, "some edges")


if __name__ == "__main__":
    main()
