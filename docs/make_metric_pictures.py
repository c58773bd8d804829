"""Make the pictures of the metrics' cards: `python docs/make_metric_pictures.py [SIZE [METRIC …]]`.

One content in one style by each metric alone at weight 1, as KIND-NAME.jpg in
`docs/_static/metrics/made`, from where cards take them in place of those of version 0.1. Content
metrics are seen beside the default's style terms, which are the same for all. Pictures that are
there are left. All of them at 256 pixels take about two hours on two CPU cores.
"""

import argparse
from pathlib import Path

import jaxstyle
from jaxstyle.metrics import METRICS

FOLDER = Path(__file__).parent / "_static" / "metrics" / "made"
PAIR = ("sample:lighthouse", "sample:swirls")
SETTINGS = {"style": "metric", "content": "content_metric", "image": "regularizer"}


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", nargs="?", type=int, default=256)
    parser.add_argument("metrics", nargs="*", help="all of them if not given")
    given = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind, setting in SETTINGS.items():
        for name in METRICS[kind]:
            path = FOLDER / f"{kind}-{name}.jpg"
            if path.exists() or (given.metrics and name not in given.metrics):
                continue
            result = jaxstyle.stylize(*PAIR, size=given.size, **{setting: name})
            result.save(path, quality=90, metadata=False)
            path.with_suffix(".json").unlink()
            print(path.name, result)


if __name__ == "__main__":
    main()
