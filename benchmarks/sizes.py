"""Does a setting mean the same at every size? The default, judged at 112 to 448 pixels.

    python benchmarks/sizes.py FOLDER [--sizes 112 224 448] [KEY=VALUE …]
        [--contents FILE …] [--styles FILE …]

Contents in styles at each size (default: two of our samples in two others). The judges see pictures
of that size, where 0 and 1 of both axes are measured as well, so that they mean the same. KEY=VALUE
changes a setting. The same command resumes.
"""

import argparse
import csv
import logging
import sys
from pathlib import Path

import numpy as np

from jaxstyle.grid.sweep import parse
from jaxstyle.study.study import study

CONTENTS = ["sample:lighthouse", "sample:astronaut"]
STYLES = ["sample:simoa", "sample:red-fuji"]
JUDGES = ["energy@resnet18", "sliced_wasserstein@alexnet", "lpips", "ms_ssim"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("changes", nargs="*", help="KEY=VALUE, for all sizes")
    parser.add_argument("--sizes", type=int, nargs="+", default=[112, 224, 448])
    parser.add_argument("--contents", nargs="+", default=CONTENTS)
    parser.add_argument("--styles", nargs="+", default=STYLES)
    options = parser.parse_intermixed_args()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    logging.getLogger("jaxstyle").setLevel(logging.INFO)
    changes = {name: values[0] for name, values in map(parse, options.changes)}
    tables = {}
    for size in options.sizes:
        folder = options.folder / str(size)
        objectives = {"default": changes}
        study(options.contents, options.styles, objectives, folder, judges=JUDGES, size=size)
        rows = list(csv.DictReader((folder / "scores.csv").open(encoding="utf-8")))
        names = list(dict.fromkeys(row["judge"] for row in rows))
        tables[size] = {
            name: [float(row["score"] or "nan") for row in rows if row["judge"] == name]
            for name in names
        }
    print("| judge |" + "".join(f" {size} |" for size in tables))
    print("|---|" + "---|" * len(tables))
    for name in next(iter(tables.values())):
        means = (f"{np.nanmean(table[name]):.3f}" for table in tables.values())
        print(f"| {name} | " + " | ".join(means) + " |")


if __name__ == "__main__":
    main()
