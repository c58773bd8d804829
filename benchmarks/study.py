"""Does a diversity of metrics make better pictures? Every style metric alone, and grown mixtures.

Everything is done on all pairs (6 contents × 8 styles) at three strengths; choices are made by the
training pairs alone (3 × 4), what is said is said of the others.

1. Every style metric alone, all together that no judge uses, and a mixture that was chosen by eye.
2. All pairs of the best `PAIRED` metrics (least mean of effectiveness and coherence, by judges that
   they have not used, at the best of the strengths), and the best `CANDIDATES` together.
3. The best pair with each other of the best `CANDIDATES`; and the best three with each other.

n metrics have the weight 1/√n each: gradients that have nothing in common then add up to the pull
of one.

python benchmarks/study.py FOLDER [--workers N] [--size 160] [--until 1]
    goes on where it stopped; writes benchmarks/study/. Pictures are read from --contents and
    --styles, by default the samples and two of scikit-image's.
"""

import argparse
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import skimage

from jaxstyle.metrics import METRICS
from jaxstyle.study.panel import STATISTICS
from jaxstyle.study.study import study

HERE = Path(__file__).parent / "study"
DATA = Path(skimage.__file__).parent / "data"
CONTENTS = ["sample:lighthouse", "sample:astronaut", str(DATA / "coffee.png")]
CONTENTS += ["sample:valley", "sample:chelsea", str(DATA / "rocket.jpg")]
STYLES = ["sample:swirls", "sample:venice", "sample:red-fuji", "sample:trouville"]
STYLES += ["sample:mosaic", "sample:woodblock", "sample:sudden-shower", "sample:simoa"]
TRAINED = (3, 4)  # the first contents and styles
PAIRED, CANDIDATES = 5, 7
STRENGTHS = (0.3, 1.0, 3.0)
JUDGES = ("alexnet", "resnet18")
REPORTED = ("table.csv", "scores.csv", "summary.json", "plane.svg", "table.md", "study.json")

EARLIER = "gram=0.5+histogram=0.3+palette=0.1+relaxed_emd=0.3"  # `diverse`, as chosen by eye

words = argparse.ArgumentParser()
words.add_argument("folder", type=Path)
words.add_argument("--workers", type=int, default=1)
words.add_argument("--size", type=int, default=160)
words.add_argument("--steps", type=int, default=40)
words.add_argument("--lanes", type=int)
words.add_argument("--until", type=int, default=4, help="rounds: 1 singles, 2 pairs, 3 and 4 more")
words.add_argument("--contents", nargs="+", default=CONTENTS)
words.add_argument("--styles", nargs="+", default=STYLES)
words.add_argument("--judges", nargs="+", default=JUDGES)
words.add_argument("--only", nargs="+", help="these metrics alone, in place of all")
asked = words.parse_args()
training = [
    content * len(asked.styles) + style
    for content in range(TRAINED[0])
    for style in range(TRAINED[1])
]


def mixture(names):
    """Metrics of equal weight whose gradients, if unlike, add up to the pull of one."""
    return "+".join(f"{name}={1 / math.sqrt(len(names)):.3g}" for name in sorted(names))


def make(objectives):
    """Pictures of all pairs, and what the judges say of them, by all workers together."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "jaxstyle", "study", "-o", str(asked.folder)]
    for flag, values in (
        ("--contents", asked.contents),
        ("--styles", asked.styles),
        ("--objective", objectives),
    ):
        command += [word for value in values for word in (flag, str(value))]
    command += ["--judges", ",".join(asked.judges), "--size", str(asked.size)]
    command += ["--steps", str(asked.steps), "--scales", "2", "--scale-factor", "2"]
    command += ["--strengths", ",".join(map(str, STRENGTHS))]
    command += ["--lanes", str(asked.lanes)] if asked.lanes else []
    count = min(asked.workers, len(objectives))
    asked.folder.mkdir(parents=True, exist_ok=True)
    left = list(range(1, count + 1))
    for _ in range(3):  # what ran out of memory beside others finds more of it later
        workers = []
        for k in left:
            with (asked.folder / f"worker-{k}.log").open("a") as log:
                part = [*command, "--part", f"{k}/{count}"]
                workers.append(subprocess.Popen(part, stdout=log, stderr=log, env=os.environ))
        left = [k for k, worker in zip(left, workers, strict=True) if worker.wait()]
        print(f"{time.perf_counter() - began:.0f} s, failed: {left or 'none'}", flush=True)
        if not left:
            return
    sys.exit(f"see {asked.folder}/worker-*.log")


def report(objectives, **more):
    """The study of all of these, which are there."""
    return study(
        asked.contents,
        asked.styles,
        objectives,
        folder=asked.folder,
        size=asked.size,
        steps=asked.steps,
        scales=2,
        scale_factor=2.0,
        strengths=STRENGTHS,
        training=training,
        networks=asked.judges,
        lanes=asked.lanes,
        report=lambda line: print(line, flush=True),
        title="Does a diversity of metrics make better pictures?",
        command="python benchmarks/study.py FOLDER",
        **more,
    )


def ranked(summary):
    """Each objective's least mean of the two axes over training pairs, best first."""
    means = {}
    for row in summary["objectives"]:
        found = [row["values"][pair] for pair in training if None not in row["values"][pair]]
        if found:
            mean = sum(map(sum, found)) / len(found) / 2
            means[row["curve"]] = min(mean, means.get(row["curve"], mean))
    return sorted(means, key=means.get)


def names_of(objective):
    return [part.partition("=")[0] for part in objective.split("+")]


everything = list(asked.only or METRICS["style"])
singles = [mixture([name]) for name in everything]
done = [mixture([name for name in everything if name not in STATISTICS]), *singles, EARLIER]
make(done)
order = [
    names_of(each)[0] for each in ranked(report(done, pictures_shown=False)) if each in singles
]
print("alone, best first:", ", ".join(order), flush=True)
if asked.until > 1:
    pairs = [mixture(each) for each in itertools.combinations(order[:PAIRED], 2)]
    together = mixture(order[:CANDIDATES])
    make([together, *pairs])
    done += [together, *pairs]
    grown = next(each for each in ranked(report(done, pictures_shown=False)) if each in pairs)
for _ in range(2, asked.until):
    chosen = names_of(grown)
    tried = [mixture([*chosen, name]) for name in order[:CANDIDATES] if name not in chosen]
    make(tried)
    done += tried
    print("best so far:", grown, flush=True)
    grown = next(each for each in ranked(report(done, pictures_shown=False)) if each in tried)
summary = report(done)
HERE.mkdir(exist_ok=True)
for name in REPORTED:
    shutil.copy(asked.folder / name, HERE / name)
print("\n".join(summary["answer"]))
(HERE / "chosen.json").write_text(json.dumps({"alone": order, "ranked": ranked(summary)}, indent=1))
