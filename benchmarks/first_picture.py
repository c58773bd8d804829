"""How long is it to the first picture? Whole commands of two checkouts, in turns.

    git worktree add /tmp/before c1c3c74
    python benchmarks/first_picture.py /tmp/before . [--runs 2] [--size 256]

Each checkout has a cache of its own, which is empty at its first run (cold), and full at the others
(warm). Seconds of the whole command `jaxstyle stylize sample:valley sample:swirls`, and for the
last one of the second checkout the seconds of a step at each size, and its part in those at full
size in proportion to pixels.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STEPS = """
import sys, jaxstyle
rates = {}
def note(progress):
    if progress.rate:
        rates.setdefault(progress.size, []).append(1 / progress.rate)
jaxstyle.stylize("sample:valley", "sample:swirls", size=int(sys.argv[1]), on_progress=note)
last = max(rates)
full = sorted(rates[last])[len(rates[last]) // 2]
for size, seconds in rates.items():
    middle = sorted(seconds)[len(seconds) // 2]
    part = middle / full * (last / size) ** 2
    print(f"{size} px: {1000 * middle:.0f} ms a step, {part:.2f} times its part of that at {last}")
"""
"""A run of its own, in Python: seconds of a step at each size."""


def timed(checkout, cache, *arguments):
    """Run Python with a checkout's package, and return its seconds."""
    environment = os.environ | {"PYTHONPATH": str(checkout.resolve()), "JAXSTYLE_CACHE": str(cache)}
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, cwd=cache)
    return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--runs", type=int, default=2, help="warm ones")
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    command = ("-m", "jaxstyle", "stylize", "sample:valley", "sample:swirls", "-o", "picture.png")
    checkouts = {"before": options.before, "after": options.after}
    with tempfile.TemporaryDirectory() as folder:
        caches = {name: Path(folder) / name for name in checkouts}
        for cache in caches.values():
            cache.mkdir()
        seconds = {name: [] for name in checkouts}
        for run in range(1 + options.runs):
            for name, checkout in checkouts.items():
                arguments = (*command, "--size", str(options.size))
                seconds[name].append(timed(checkout, caches[name], *arguments))
                kind = "warm" if run else "cold"
                print(f"{name}, {kind}: {seconds[name][-1]:.1f} s", flush=True)
        for kind, part in (("cold", slice(0, 1)), ("warm", slice(1, None))):
            middles = [statistics.median(seconds[name][part]) for name in checkouts]
            print(f"{kind}: {middles[1] / middles[0]:.2f} of the time before")
        timed(options.after, caches["after"], "-c", STEPS, str(options.size))


if __name__ == "__main__":
    main()
