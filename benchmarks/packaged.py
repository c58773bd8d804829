"""Pictures that a package carries: those of Debian's gcompris-qt-data, as files.

    python benchmarks/packaged.py RCC FOLDER NAME [NAME …]

RCC is the folder `usr/share/gcompris-qt/rcc` of gcompris-qt-data 3.1-2 (`apt-get download`,
`dpkg-deb -x`). NAME is a picture such as `erase/kingfisher`, or a painting that is a puzzle there,
such as `paintings/GreatWave`, which is put together. Each resource has a nameless file with the
licenses of its pictures.
"""

import argparse
import re
import struct
import sys
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image


@cache
def resources(path):
    """Return the files of a Qt resource by name, without the folders and extensions."""
    data = path.read_bytes()
    magic, version, tree, content, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres":
        sys.exit(f"{path} is no Qt resource")
    length = 22 if version >= 2 else 14
    files, waiting = {}, [0]
    while waiting:
        at = tree + length * waiting.pop()
        name_at, flags = struct.unpack_from(">IH", data, at)
        if flags & 2:  # a folder
            count, first = struct.unpack_from(">II", data, at + 6)
            waiting += range(first, first + count)
            continue
        (letters,) = struct.unpack_from(">H", data, names + name_at)
        start = names + name_at + 6
        name = data[start : start + 2 * letters].decode("utf-16-be")
        (file_at,) = struct.unpack_from(">I", data, at + 10)
        (size,) = struct.unpack_from(">I", data, content + file_at)
        file = data[content + file_at + 4 : content + file_at + 4 + size]
        files[name.rpartition(".")[0]] = zlib.decompress(file[4:]) if flags & 1 else file
    return files


def put_together(files, name):
    """Return a painting from its pieces, which lie where the file of the puzzle says."""
    of_piece = re.compile(rf'image/({name}[-_]\w+)\.webp",\s*"x" : "([\d.]+)",\s*"y" : "([\d.]+)"')
    texts = [text.decode() for key, text in files.items() if re.fullmatch(r"board\d+_0", key)]
    text = next((text for text in texts if of_piece.search(text)), None)
    if text is None:
        sys.exit(f"no picture {name}")
    pieces = of_piece.findall(text)
    width, height = (int(re.search(rf'"{of}": (\d+)', text)[1]) for of in ("width", "height"))
    weight = np.zeros((height, width, 1))
    colors = np.zeros((height, width, 3))
    for piece, x, y in pieces:
        pixels = np.asarray(Image.open(BytesIO(files[piece])).convert("RGBA"), float)
        h, w, _ = pixels.shape
        top, left = (round(float(at) * of - n / 2) for at, of, n in ((y, height, h), (x, width, w)))
        here = np.s_[top : top + h, left : left + w]
        alpha = pixels[..., 3:] / 255
        # A piece's rim is half transparent: there the neighbor's counts as well.
        weight[here] += alpha
        colors[here] += alpha * pixels[..., :3]
    covered = weight[..., 0] > 0.5
    rows, columns = (np.flatnonzero(covered.any(axis)) for axis in (1, 0))
    # Without the rim, where a piece is a pixel shorter than its neighbor.
    rows = rows[covered[rows][:, columns].mean(1) > 0.9]
    columns = columns[covered[rows][:, columns].mean(0) > 0.9]
    whole = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Image.fromarray(np.uint8(colors[whole] / np.maximum(weight[whole], 1e-3) + 0.5))


def picture(rcc, name):
    """Return a picture by the name of its resource and its own."""
    resource, _, name = name.partition("/")
    files = resources(rcc / f"{resource}.rcc")
    if name in files:
        return Image.open(BytesIO(files[name])).convert("RGB")
    return put_together(files, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rcc", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+", metavar="NAME")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        target = options.folder / f"{name.rpartition('/')[2].removesuffix('_background')}.png"
        picture(options.rcc, name).save(target)
        print(target)


if __name__ == "__main__":
    main()
