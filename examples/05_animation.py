"""Make an animation of a run from the frames that `jaxstyle stylize … --frames FOLDER` wrote.

    python examples/05_animation.py FOLDER OUT.gif [SECONDS]

OUT may be .gif, .webp or .png (animated). Frames of coarse scales are enlarged to the size of the
last one, which is shown for two seconds.
"""

import sys
from pathlib import Path

from PIL import Image

SECONDS, LAST_MILLISECONDS = 6.0, 2000


def animation(folder: Path, out: Path, seconds: float = SECONDS) -> int:
    """Write the frames of a folder as one animated picture; return their number."""
    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise SystemExit(f"there are no frames (.png) in {folder}")
    if out.suffix.lower() not in (".gif", ".webp", ".png"):
        raise SystemExit(f"expected a name ending in .gif, .webp or .png, got {out}")
    frames = [Image.open(path).convert("RGB") for path in paths]
    size = frames[-1].size
    first, *others = (frame.resize(size, Image.Resampling.LANCZOS) for frame in frames)
    # Browsers slow down frames that are shorter than 20 ms.
    duration = max(20, round(1000 * seconds / len(frames)))
    durations = [duration] * len(others) + [LAST_MILLISECONDS]
    first.save(out, save_all=True, append_images=others, duration=durations, loop=0)
    return len(frames)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        raise SystemExit(__doc__)
    frames, out = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        seconds = float(sys.argv[3]) if len(sys.argv) == 4 else SECONDS
    except ValueError:
        raise SystemExit(f"expected a number of seconds, got {sys.argv[3]!r}") from None
    print(out, animation(frames, out, seconds), "frames")
