"""Make the pictures of the gallery: `python docs/make_gallery.py PICTURES`.

PICTURES is where `benchmarks/packaged.py` wrote what `docs/gallery/gallery.toml` names. Those that
are in `docs/gallery` are left. All of them take one to two hours on two CPU cores.
"""

import argparse
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

FOLDER = Path(__file__).parent / "gallery"


def main() -> None:
    """Make what is missing, by the command that the page shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    given = parser.parse_args()
    gallery = tomllib.loads((FOLDER / "gallery.toml").read_text("utf-8"))
    for picture in (picture for kind in gallery["kinds"] for picture in kind["pictures"]):
        path = FOLDER / f"{picture['name']}.jpg"
        if path.exists():
            continue
        files = [
            name if name.startswith("sample:") else str(given.pictures / f"{name}.png")
            for name in (picture["content"], picture["style"])
        ]
        with TemporaryDirectory() as folder:
            made = Path(folder, "picture.png")
            command = [sys.executable, "-m", "jaxstyle", "stylize", *files, "-o", str(made)]
            subprocess.run([*command, *shlex.split(picture["options"])], check=True)
            # Small enough for a repository.
            Image.open(made).convert("RGB").save(path, quality=86, optimize=True)
        print(path)


if __name__ == "__main__":
    main()
