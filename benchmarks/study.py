"""Does a diversity of metrics make better pictures? Every style metric alone, and grown mixtures.

1. Every style metric alone on all pairs (6 contents × 6 styles).
2. Mixtures grown on the training pairs (the first 3 × 3): the best pair among the `PAIRED` best
   metrics (lowest mean of effectiveness and coherence, by judges they do not use); then the next
   best metric is added, and the next.
3. The grown mixtures, and all metrics that no judge uses together, on all pairs.
4. The mixture that is best on the training pairs, the `RIVALS` best single metrics and `gram`, at
   a weaker style weight as well: compared where they keep equally much of the content.

Results are for the pairs (3 × 3) of contents and styles that chose nothing. n metrics have the
weight 1/√n each: uncorrelated gradients then add up to the pull of one.

python benchmarks/study.py FOLDER [--workers 2]
    about three hours on two cores. Writes benchmarks/study/: objectives with a file in its folder
    `scores`, of the present scale, are not run again, not even in another clone.

python benchmarks/study.py FOLDER --again
    a few seconds. Writes the tables of benchmarks/study/ again, from its scores alone, by the
    present rules: which pairs and judges count, which intervals. The committed scores are those of
    2026-11-26: effectiveness 0 is the style's halves against the whole style, nobody judged paint,
    and the mixtures were chosen by the rules of then.
"""

import argparse
import dataclasses
import itertools
import json
import logging
import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import skimage

from jaxstyle.metrics import METRICS
from jaxstyle.plain import from_plain, to_plain
from jaxstyle.specs import parse_mixture
from jaxstyle.study.cells import EARLIER_SCALE, ScoreFiles
from jaxstyle.study.datasets import Named
from jaxstyle.study.judging import KINDS, STATISTICS, StudyJudge
from jaxstyle.study.plane import plane
from jaxstyle.study.report import markdown
from jaxstyle.study.report import report as texts_of
from jaxstyle.study.statistics import PLANE
from jaxstyle.study.study import study
from jaxstyle.study.summary import summarize

HERE = Path(__file__).parent / "study"
DATA = Path(skimage.__file__).parent / "data"
CONTENTS = ["sample:lighthouse", "sample:astronaut", str(DATA / "coffee.png")]
CONTENTS += ["sample:valley", "sample:chelsea", str(DATA / "rocket.jpg")]
STYLES = ["sample:swirls", "sample:venice", "sample:red-fuji"]
STYLES += ["sample:mosaic", "sample:woodblock", "sample:trouville"]
TRAINED = (3, 3)  # the first contents and styles
TRAINING = [c * len(STYLES) + s for c in range(TRAINED[0]) for s in range(TRAINED[1])]
PAIRED, RIVALS = 4, 3
STRENGTHS = (0.3, 1.0)
JUDGES = ("alexnet", "resnet18")
REPORTED = ("table.csv", "summary.json", "plane.svg", "table.md", "study.json")
# The allocator keeps memory between steps: returning it costs page faults and clearing.
KEEP = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}
FLAGS = {"size": 128, "scale_steps": (20, 15), "scale_factor": 2.0}

(HERE / "scores").mkdir(parents=True, exist_ok=True)
parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--workers", type=int, default=2)
parser.add_argument("--lanes", type=int, default=12)
parser.add_argument("--singles", action="store_true", help="stop after the first part")
parser.add_argument("--again", action="store_true", help="from the committed scores alone")
options = parser.parse_args()
logging.basicConfig(format="%(message)s", stream=sys.stdout)
logging.getLogger("jaxstyle").setLevel(logging.INFO)


def mixture(names):
    """Return a mixture of equal weights whose uncorrelated gradients add up to the pull of one."""
    return "+".join(f"{name}={1 / math.sqrt(len(names)):.3g}" for name in sorted(names))


def make(objectives, contents=CONTENTS, styles=STYLES, strengths=(1.0,)):
    """Make and judge the pictures of all pairs, by all workers together."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "jaxstyle", "study", "-o", str(options.folder)]
    for flag, values in (("contents", contents), ("styles", styles), ("objective", objectives)):
        command += [word for value in values for word in (f"--{flag}", value)]
    more = {"judges": JUDGES, "lanes": options.lanes, "strengths": strengths}
    for name, value in {**FLAGS, **more}.items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        command += [f"--{name.replace('_', '-')}", text]
    count = min(options.workers, len(objectives))
    options.folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(HERE / "scores", options.folder / "scores", dirs_exist_ok=True)
    workers = []
    cores = sorted(os.sched_getaffinity(0))
    for k in range(count):
        # Pinned to its own cores, a worker is about 1.4× as fast.
        pinned = cores[k::count] or cores
        with (options.folder / f"worker-{k + 1}.log").open("a") as log:
            part = ["taskset", "-c", ",".join(map(str, pinned))]
            part += [*command, "--part", f"{k + 1}/{count}"]
            workers.append(subprocess.Popen(part, stdout=log, stderr=log, env=os.environ | KEEP))
    failed = [k + 1 for k, worker in enumerate(workers) if worker.wait()]
    shutil.copytree(options.folder / "scores", HERE / "scores", dirs_exist_ok=True)
    print(f"{len(objectives)} objectives: {time.perf_counter() - began:.0f} s", flush=True)
    if failed:
        sys.exit(f"workers {failed} failed: see {options.folder}/worker-*.log")


def report(objectives, contents=CONTENTS, styles=STYLES, kept=None, **more):
    """Report on objectives that are judged already, and keep the tables under a name."""
    summary = study(
        contents,
        styles,
        objectives,
        folder=options.folder,
        judges=JUDGES,
        title="Does a diversity of metrics make better pictures?",
        command="python benchmarks/study.py FOLDER",
        pictures_shown=kept is not None,
        **FLAGS,
        **more,
    )
    if kept:
        (HERE / kept).mkdir(exist_ok=True)
        for name in REPORTED:
            shutil.copy(options.folder / name, HERE / kept / name)
        shutil.copy(options.folder / "index.html", options.folder / f"{kept}.html")
        print("\n".join([kept, *summary["answer"]]), flush=True)
    return summary


def ranked(summary, pairs):
    """Return each objective's mean of effectiveness and coherence over some pairs, best first."""
    means = {}
    for row in summary["objectives"]:
        values = [row["values"][pair][: len(PLANE)] for pair in pairs]
        values = [of_pair for of_pair in values if None not in of_pair]
        if values:
            means[row["name"]] = sum(map(sum, values)) / len(values) / len(PLANE)
    return dict(sorted(means.items(), key=lambda item: item[1]))


def names_of(objective):
    return [spec.name for spec in parse_mixture(objective)]


def recorded(kept):
    """Return the data of a committed study, as the report takes them, without pictures."""
    record = json.loads((HERE / kept / "study.json").read_text())
    judges = [
        StudyJudge(judge["axis"], judge["metric"], judge["network"])
        for judge in json.loads((HERE / kept / "summary.json").read_text())["judges"]
    ]
    pictures = [
        [Named(named["name"], None, named["sha256"]) for named in record[role]]
        for role in ("contents", "styles")
    ]
    files = ScoreFiles(HERE / "scores", judges, *pictures, EARLIER_SCALE)
    common = from_plain(record["settings"] | {"metric": "gram"})
    content = [spec.name for spec in common.content_metric]
    scores, held_out = [], []
    for objective in record["objectives"]:
        metric, weight = parse_mixture(objective["curve"]), objective["strength"]
        settings = dataclasses.replace(common, metric=metric, style_weight=weight)
        scores.append(files.read(to_plain(settings)))
        networks = objective["networks"]
        metrics = {"style": objective["metrics"], "content": content}
        held_out.append(
            [not judge.is_kin(metrics[KINDS[judge.axis]], networks) for judge in judges]
        )
    facts = {"effectiveness 0": "the style's halves against the whole style"}
    return record | {
        "judges": [judge._asdict() | {"name": judge.name} for judge in judges],
        "scores": scores,
        "held_out": held_out,
        "training_pairs": TRAINING,
        "facts": record["facts"] | facts,
    }


def again(kept):
    """Write the tables of a committed study by the present rules."""
    data = recorded(kept)
    summary = summarize(data)
    described = {
        name: data[name]
        for name in ("title", "command", "settings", "objectives", "facts", "contents", "styles")
    }
    texts = {
        **texts_of(data),
        "plane.svg": plane(summary),
        "table.md": markdown(summary),
        "study.json": json.dumps(described, indent=1) + "\n",
    }
    for name in REPORTED:
        (HERE / kept / name).write_text(texts[name])
    print("\n".join([kept, *summary["answer"]]), flush=True)


if options.again:
    for kept in ("alone", "strengths"):
        again(kept)
    sys.exit()
singles = [mixture([name]) for name in METRICS["style"]]
make(singles)
alone = ranked(report(singles, training=TRAINING), TRAINING)
order = [names_of(objective)[0] for objective in alone]
print("alone, best first:", ", ".join(order), flush=True)
if options.singles:
    sys.exit()
tried = [mixture(pair) for pair in itertools.combinations(order[:PAIRED], 2)]
few = CONTENTS[: TRAINED[0]], STYLES[: TRAINED[1]]
make(tried, *few)
searched = ranked(report(tried, *few), range(len(TRAINING)))
print("pairs, best first:", ", ".join(searched), flush=True)
chosen = names_of(next(iter(searched)))
grown = [mixture(chosen)]
for name in [name for name in order if name not in chosen][:2]:
    chosen.append(name)
    grown.append(mixture(chosen))
(HERE / "chosen.json").write_text(json.dumps({"alone": alone, "searched": searched}, indent=1))
together = mixture([name for name in METRICS["style"] if name not in STATISTICS])
mixtures = [together, *grown]
make(mixtures)
summary = report([*singles, *mixtures], training=TRAINING, kept="alone")
best = summary["objectives"][summary["best"]["mixture"]["index"]]["name"]
finals = [*dict.fromkeys([*list(alone)[:RIVALS], "gram=1"]), best]
make(finals, strengths=STRENGTHS)
report(finals, training=TRAINING, strengths=STRENGTHS, kept="strengths")
