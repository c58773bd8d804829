"""Whole commands with large pages of memory and without, in turns.

What the command line asks for by itself (`jaxstyle.__main__`) where Linux gives large pages on
demand; on other systems both ways are the same. Prediction: 1.15 times as fast at 256 pixels, for
a step of PyTorch's objective had become 1.2 times as fast; the same picture, no more memory.

    python benchmarks/pages.py
        writes benchmarks/pages.md
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

RUNS = ((256, ()), (512, ("--scales", "1", "--steps", "20")))
WAYS = (False, True)
ROUNDS = 5


def environment(large):
    """Ours, with large pages of memory asked for or not."""
    return os.environ | {"GLIBC_TUNABLES": f"glibc.malloc.hugetlb={int(large)}"}


def run(size, words, large, output):
    """Seconds and GiB at the peak of one command."""
    command = [sys.executable, "-m", "jaxstyle", "stylize", "sample:lighthouse", "sample:swirls"]
    command += ["--size", str(size), *words, "--quiet", "-o", str(output)]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment(large))
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"exit status {status}")
    return time.perf_counter() - began, used.ru_maxrss * 1024 / 2**30


def main():
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        outputs = {way: Path(folder) / f"{int(way)}.png" for way in WAYS}
        for size, words in RUNS:
            run(size, words, False, outputs[False])  # compiles
            taken = {way: [] for way in WAYS}
            for _ in range(ROUNDS):
                for way in WAYS:
                    taken[way].append(run(size, words, way, outputs[way]))
            small, large = (
                [statistics.median(column) for column in zip(*taken[way], strict=True)]
                for way in WAYS
            )
            same = outputs[False].read_bytes() == outputs[True].read_bytes()
            rows.append(
                f"| {size} {' '.join(words)} | {small[0]:.1f} | {large[0]:.1f} "
                f"| {small[0] / large[0]:.2f} | {small[1]:.2f} | {large[1]:.2f} "
                f"| {'the same' if same else 'another'} |"
            )
            print(rows[-1], flush=True)
    Path(__file__).with_suffix(".md").write_text(
        f"""# Large pages of memory

`python benchmarks/pages.py`, {date.today()}, {platform.machine()}, {os.cpu_count()} cores, jax
{version("jax")}, {" ".join(platform.libc_ver())}, Linux {platform.release()}. Whole commands,
programs in the cache, medians of {ROUNDS} in turns; pages of 4 KiB and of 2 MiB.

| size | s, small | s, large | ratio | GiB, small | GiB, large | picture |
|---|---|---|---|---|---|---|
"""
        + "\n".join(rows)
        + "\n"
    )


if __name__ == "__main__":
    main()
