"""Make the cards' pictures: `python docs/make_card_pictures.py [SIZE [NAME …]]`.

One content in one style: by each metric alone at weight 1, and by each recipe as `NAME/adapted`, as
`docs/_static/metrics/KIND-NAME.jpg` and `docs/_static/recipes/NAME.jpg`. Content metrics and
regularizers stand in place of the default's. Pictures that are there are left. All of them at 192
pixels take about two hours on two CPU cores. Those of all style metrics become
`examples/pictures/every_metric.jpg`.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image
from jaxstyle.metrics import METRICS
from jaxstyle.recipes import ADAPTED, RECIPES
from jaxstyle.samples import resolve

FOLDER = Path(__file__).parent / "_static"
SHEET = Path(__file__).parents[1] / "examples" / "pictures" / "every_metric.jpg"
PAIR = ("sample:lighthouse", "sample:swirls")
SETTINGS = {"style": "metric", "content": "content_metric", "image": "regularizer"}


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", nargs="?", type=int, default=192)
    parser.add_argument("names", nargs="*", help="all of them if not given")
    given = parser.parse_args()
    for name, path, changes in _cards():
        if path.exists() or (given.names and name not in given.names):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        result = jaxstyle.stylize(*PAIR, size=given.size, **changes)
        result.save(path, quality=90, metadata=False)
        path.with_suffix(".json").unlink()
        print(path.name, result, flush=True)
    cells = [(name, path) for name, path, changes in _cards() if "metric" in changes]
    if all(path.exists() for _, path in cells):
        inputs = [(name, read_image(resolve(name), size=given.size)) for name in PAIR]
        pictures = [*inputs, *((name, read_image(path)) for name, path in cells)]
        contact_sheet(pictures, columns=6).save(SHEET, quality=88)


def _cards() -> Iterator[tuple[str, Path, dict[str, str]]]:
    for kind, setting in SETTINGS.items():
        for name in METRICS[kind]:
            yield name, FOLDER / "metrics" / f"{kind}-{name}.jpg", {setting: name}
    for name in RECIPES:
        yield name, FOLDER / "recipes" / f"{name}.jpg", {"recipe": f"{name}/{ADAPTED}"}


if __name__ == "__main__":
    main()
