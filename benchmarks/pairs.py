"""Results of several settings side by side: a contact sheet of pairs.

python benchmarks/pairs.py FOLDER SIZE CONTENT STYLE [CONTENT STYLE …]

Each row of FOLDER/sheet.jpg has the content, the style, two single metrics (`moments`, the default
of before, and `nearest_neighbors`) and the default. Contents and styles are files or `sample:NAME`;
pictures that are in FOLDER already, as CONTENT-STYLE-SETTINGS.png, are not made again.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import jaxstyle
from jaxstyle import samples

COLUMNS = {
    "moments": {"recipe": "moments/adapted"},
    "nearest_neighbors": {"recipe": "nearest_neighbors/adapted"},
    "default": {},
}
CELL, LINE = (300, 225), 14


def shown(file: Path, label: str) -> Image.Image:
    """Return a picture that fits a cell, under its label."""
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail(CELL, Image.Resampling.LANCZOS)
    cell = Image.new("RGB", (CELL[0] + 4, CELL[1] + LINE + 4), "white")
    cell.paste(picture, ((CELL[0] - picture.width) // 2, LINE))
    ImageDraw.Draw(cell).text((2, 1), label, fill="black")
    return cell


def main(folder: Path, size: int, names: list[str]) -> None:
    """Make what is missing, and the sheet."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for pair in zip(names[::2], names[1::2], strict=True):
        files = [Path(samples.resolve(name)) for name in pair]
        stems = [name.removeprefix("sample:").split("/")[-1].split(".")[0] for name in pair]
        cells = [shown(file, stem) for file, stem in zip(files, stems, strict=True)]
        for name, changes in COLUMNS.items():
            out = folder / f"{'-'.join(stems)}-{name}.png"
            if not out.exists():
                jaxstyle.stylize(*files, size=size, **changes).save(out)
            cells.append(shown(out, name))
        rows.append(np.concatenate([np.asarray(cell) for cell in cells], axis=1))
    Image.fromarray(np.concatenate(rows)).save(folder / "sheet.jpg", quality=85)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
