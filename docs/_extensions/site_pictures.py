"""The pictures of single metrics, cut out of `examples/pictures/every_metric.jpg`.

That sheet was made by version 0.1. `docs/make_metric_pictures.py` makes larger ones by today's,
which cards show in their place where they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

SHEET = Path(__file__).parents[2] / "examples" / "pictures" / "every_metric.jpg"
CELLS = (
    *("content", "painting", "color_histogram", "palette", "gram"),
    *("shifted_gram", "covariance", "cross_layer_gram", "mmd", "mmd_linear"),
    *("", "energy", "nearest_neighbor", "patch", "contextual"),
    *("moments", "central_moments", "gaussian_wasserstein", "gaussian_kl", "euclidean"),
    *("manhattan", "cosine", "pearson", "power_spectrum", "sliced_wasserstein"),
    *("histogram", "relaxed_emd", "sinkhorn"),
)
"""By row. `mmd_polynomial`, unnamed here, has had another kernel since."""
COLUMNS, ACROSS, DOWN, SIZE = 5, 168, 186, (160, 120)


def setup(app: Any) -> dict[str, bool]:
    """Write the pictures before the cards look for them."""
    app.connect("builder-inited", _write, priority=400)
    return {"parallel_read_safe": True}


def _write(app: Any) -> None:
    folder = Path(app.srcdir, "_static", "metrics", "version_0_1")
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(SHEET) as sheet:
        for at, name in enumerate(CELLS):
            path = folder / f"style-{name}.jpg"
            if name and not path.is_file():
                row, column = divmod(at, COLUMNS)
                left, top = column * ACROSS, row * DOWN
                sheet.crop((left, top, left + SIZE[0], top + SIZE[1])).save(path, quality=95)
