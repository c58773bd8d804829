"""How well is it painted? The judges of paint on results that lie in files.

The style is reduced to each result's longest side: a run takes it at that size, so nobody's strokes
are measured against larger or smaller ones. Results of one size can be compared with each other;
those of unlike sizes with care, since a larger picture has finer grain for the same strokes.

python benchmarks/paint.py STYLE RESULT...       a table: brushwork; precision and coverage (RMS a
                                                 pixel of 255) at full, half and quarter size
python benchmarks/paint.py --pairs FILE          how often each judge agrees with eyes: each line of
                                                 FILE has three paths, the result that eyes prefer,
                                                 the other one, and their style
"""

import sys
import time
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle.image.geometry import fit_within, resize
from jaxstyle.image.io import read_image
from jaxstyle.metrics import paint
from jaxstyle.objective.judge import judge

JUDGES = {
    "brushwork": {},
    "paint_precision": {},
    "paint_coverage": {},
    "nearest_neighbor@alexnet:relu1": {},
    "moments@vgg16": {},
    "moments@alexnet": {"backbone": "alexnet"},
    "gram@alexnet": {"backbone": "alexnet"},
    "sliced_wasserstein@alexnet": {"backbone": "alexnet"},
    "color_histogram": {},
}


@cache
def pictures(result, style):
    """Return a result, and its style with the same longest side."""
    picture, reference = read_image(result), read_image(style)
    height, width, _ = reference.shape
    return picture, resize(reference, fit_within(height, width, max(picture.shape[:2])))


@jax.jit
def sizes(picture, style, mean):
    """Return precision and coverage at each size."""
    some, others = map(paint.some_patches, (picture, style))
    asked, among = map(paint.all_patches, (picture, style))
    return paint.by_size(some, among, mean), paint.by_size(others, asked, mean)


def table(style, results):
    """Print each result's row."""
    brushwork = judge("brushwork")
    print("| result | size | brushwork | precision | coverage | the same without means | seconds |")
    print("|---|---|---|---|---|---|---|")
    for result in results:
        pair = pictures(result, style)
        began = time.perf_counter()
        strokes = float(brushwork(*pair))
        columns = [
            " ".join(f"{255 * value:.1f}" for value in np.asarray(distances))
            for mean in (1.0, 0.0)
            for distances in sizes(*map(jnp.asarray, pair), mean)
        ]
        seconds = time.perf_counter() - began
        cells = f"{columns[0]} | {columns[1]} | {columns[2]}, {columns[3]}"
        name, longest = Path(result).stem, max(pair[0].shape)
        print(f"| {name} | {longest} | {strokes:.4f} | {cells} | {seconds:.0f} |", flush=True)


def agreement(path):
    """Print for each judge which pairs it orders as eyes do."""
    pairs = [line.split() for line in Path(path).read_text().splitlines() if line.strip()]
    print("| judge | agrees | of | which |\n|---|---|---|---|")
    for name, options in JUDGES.items():
        metric = name if name.startswith("nearest") else name.partition("@")[0]
        judged = judge(metric, **options)
        ours = {(result, style) for *both, style in pairs for result in both}
        distances = {pair: float(judged(*pictures(*pair))) for pair in sorted(ours)}
        right = [distances[a, style] < distances[b, style] for a, b, style in pairs]
        marks = "".join("x" if agrees else "." for agrees in right)
        print(f"| {name} | {sum(right)} | {len(right)} | {marks} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--pairs":
        agreement(sys.argv[2])
    else:
        table(sys.argv[1], sys.argv[2:])
