"""Does a diversity of metrics make better pictures? Every style metric alone, and grown mixtures.

1. Every style metric alone, on the training pairs (2 contents × 3 styles).
2. Mixtures, on the same pairs: the best metric alone (least mean of effectiveness and coherence,
   by judges that it has not used); then at each stage the one of the best `CANDIDATES` others
   that helps most, up to four; and a mixture of all of those. n metrics have the weight 1/√n each:
   gradients that have nothing in common then add up to the pull of one.
3. All metrics alone and the mixtures of each number, on all pairs (6 × 6). What is said of them is
   said of the pairs that were not used for choosing.

python benchmarks/study.py FOLDER [training|all]     hours on two cores, goes on where it stopped;
                                                     writes benchmarks/study/
"""

import json
import math
import shutil
import sys
from functools import partial
from pathlib import Path

import skimage

from jaxstyle.metrics import METRICS
from jaxstyle.progress import shown
from jaxstyle.study.study import study

HERE = Path(__file__).parent / "study"
DATA = Path(skimage.__file__).parent / "data"
CONTENTS = ("sample:lighthouse", "sample:astronaut", "sample:valley", "sample:chelsea")
CONTENTS += (str(DATA / "coffee.png"), str(DATA / "rocket.jpg"))
STYLES = ("sample:swirls", "sample:venice", "sample:red-fuji")
STYLES += ("sample:mosaic", "sample:woodblock", "sample:trouville")
TRAINED = (2, 3)  # the first contents and styles
CANDIDATES, MOST = 8, 4
SETTINGS = {"size": 128, "steps": 30, "scales": 3}
REPORTED = ("index.html", "table.csv", "scores.csv", "summary.json", "plane.svg", "table.md")
REPORTED += ("study.json",)


def mixture(names):
    """Metrics of equal weight whose gradients, if unlike, add up to the pull of one."""
    return "+".join(f"{name}={1 / math.sqrt(len(names)):.3g}" for name in sorted(names))


def both(summary):
    """Each objective's mean of the two axes, least first."""
    means = {
        row["name"]: (row["effectiveness"]["mean"] + row["coherence"]["mean"]) / 2
        for row in summary["objectives"]
        if None not in (row["effectiveness"]["mean"], row["coherence"]["mean"])
    }
    return dict(sorted(means.items(), key=lambda each: each[1]))


folder = Path(sys.argv[1])
with shown() as show:
    run = partial(study, on_progress=show, report=lambda line: print(line, flush=True), **SETTINGS)
    few = partial(
        run,
        CONTENTS[: TRAINED[0]],
        STYLES[: TRAINED[1]],
        folder=folder / "training",
        title="Training",
    )
    singles = [mixture([name]) for name in METRICS["style"]]
    ranking = [name.partition("=")[0] for name in both(few(singles))]
    print("alone, best first:", ", ".join(ranking), flush=True)
    chosen = [ranking[0]]
    grown = []
    while len(chosen) < MOST:
        others = [name for name in ranking[:CANDIDATES] if name not in chosen]
        tried = [mixture([*chosen, name]) for name in others]
        best = next(name for name in both(few([*singles, *tried])) if name in tried)
        chosen.append(others[tried.index(best)])
        grown.append(best)
        print(len(chosen), best, flush=True)
    grown.append(mixture(ranking[:CANDIDATES]))
    if sys.argv[2:] != ["training"]:
        training = [c * len(STYLES) + s for c in range(TRAINED[0]) for s in range(TRAINED[1])]
        summary = run(
            CONTENTS,
            STYLES,
            [*singles, *grown],
            folder=folder / "all",
            training=training,
            title="Does a diversity of metrics make better pictures?",
            command="python benchmarks/study.py FOLDER",
        )
        HERE.mkdir(exist_ok=True)
        for name in REPORTED:
            shutil.copy(folder / "all" / name, HERE / name)
        print("\n".join(summary["answer"]))
        (HERE / "chosen.json").write_text(json.dumps({"alone": ranking, "grown": grown}, indent=1))
