"""Which steps earn their time? Schedules of the default, judged beside that of then.

    python benchmarks/schedule.py FOLDER [SCHEDULE...] [--test] [--part K N]

FOLDER has the pictures of `benchmarks/mixtures.py pictures`. Nine pairs of the training set, or
with --test sixteen of the test set, at 192 pixels. Pixels are what a schedule's steps move
altogether, as a share of today's; seconds have to be measured with whole commands. The same command
resumes.
"""

import argparse
import logging
import sys
from pathlib import Path

from mixtures import JUDGES, TEST, TRAINING, columns_of, numbers_of, scores_of, sets

from jaxstyle.settings import Settings
from jaxstyle.study.statistics import bootstrap, mean
from jaxstyle.study.study import study
from jaxstyle.transfer.scales import plan

SIZE = 192
# Steps at each size, coarse to fine. Today was 2026-11-30, before "all halved" was the default.
SCHEDULES = {
    "today": (90, 52, 30),
    "first halved": (45, 52, 30),
    "first a third": (30, 52, 30),
    "coarse halved": (45, 26, 30),
    "coarse a third": (30, 17, 30),
    "coarse doubled": (180, 104, 30),
    "fine halved": (90, 52, 15),
    "all halved": (45, 26, 15),
    "all a third": (30, 17, 10),
    "two sizes": (52, 30),
}


def changes(steps):
    """Return the settings of a schedule: of three sizes those of today, or of two 96 and 192."""
    return {
        "scale_factor": (SIZE / 64) ** (1 / 2) if len(steps) == 3 else 2.0,
        "scale_steps": steps,
    }


def moved(steps):
    """Return how many pixels a schedule moves altogether, of a square."""
    usual = Settings(**changes(steps))
    factor, count = usual.scale_factor, usual.scales
    scales = plan(SIZE, count, usual.steps, factor, usual.scale_steps, usual.coarse_steps)
    return sum(scale.size**2 * scale.steps for scale in scales)


def report(folder):
    """Print how far each schedule is from today's, over pairs; below 0 is better."""
    curves, judges, pairs = scores_of(folder)
    numbers, groups = numbers_of(pairs), columns_of(judges)
    means = {
        name: {group: mean(scores[0][:, of], 1) for group, of in groups.items()}
        for name, scores in curves.items()
    }
    print("| schedule | steps | pixels | " + " | ".join(groups) + " |\n|---|---|---|" + "---|" * 3)
    for name, steps in SCHEDULES.items():
        if name not in means:
            continue
        cells = [f"{moved(steps) / moved(SCHEDULES['today']):.2f}"]
        for group in groups:
            further = bootstrap(means[name][group] - means["today"][group], *numbers)
            cells.append(f"{further.mean:+.3f} [{further.low:+.3f}, {further.high:+.3f}]")
        print(f"| {name} | {' '.join(map(str, steps))} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("schedules", nargs="*", default=[*SCHEDULES], help="all, if none is named")
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--part", type=int, nargs=2)
    options = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    logging.getLogger("jaxstyle").setLevel(logging.INFO)
    name, few = ("schedule-test", 4) if options.test else ("schedule", 3)
    contents, styles = (
        of_role[:few] for of_role in sets(options.folder, TEST if options.test else TRAINING)
    )
    objectives = {key: changes(SCHEDULES[key]) for key in options.schedules}
    study(
        contents,
        styles,
        objectives,
        options.folder / name,
        judges=JUDGES,
        part=options.part,
        size=SIZE,
        lanes=3,
        title="Which steps earn their time?",
    )
    if options.part is None:
        report(options.folder / name)


if __name__ == "__main__":
    main()
