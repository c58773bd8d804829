"""Complete commands with and without large memory pages, alternating.

The command line asks for large pages by itself (`jaxstyle.__main__`) where Linux provides them on
demand; on other systems there is no difference. Prediction: 1.15× faster at 256 pixels, since a
step of PyTorch's objective became 1.2× faster; the same picture, no more memory.

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
PAGES = (False, True)
ROUNDS = 5


def environment(large):
    """Return the environment of a process that does or does not ask for large memory pages."""
    return os.environ | {"GLIBC_TUNABLES": f"glibc.malloc.hugetlb={int(large)}"}


def run(size, words, large, output):
    """Run one command; return its seconds and its peak GiB."""
    command = [sys.executable, "-m", "jaxstyle", "stylize", "sample:lighthouse", "sample:swirls"]
    command += ["--size", str(size), *words, "--quiet", "-o", str(output)]
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment(large))
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"exit status {status}")
    return time.perf_counter() - start, used.ru_maxrss * 1024 / 2**30


def main():
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        outputs = {large: Path(folder) / f"{int(large)}.png" for large in PAGES}
        for size, words in RUNS:
            run(size, words, False, outputs[False])  # compiles
            results = {large: [] for large in PAGES}
            for _ in range(ROUNDS):
                for large in PAGES:
                    results[large].append(run(size, words, large, outputs[large]))
            small, large = (
                [statistics.median(column) for column in zip(*rows_of, strict=True)]
                for rows_of in results.values()
            )
            same = outputs[False].read_bytes() == outputs[True].read_bytes()
            rows.append(
                f"| {size} {' '.join(words)} | {small[0]:.1f} | {large[0]:.1f} "
                f"| {small[0] / large[0]:.2f} | {small[1]:.2f} | {large[1]:.2f} "
                f"| {'the same' if same else 'different'} |"
            )
            print(rows[-1], flush=True)
    Path(__file__).with_suffix(".md").write_text(
        f"""# Large memory pages

`python benchmarks/pages.py`, {date.today()}, {platform.machine()}, {os.cpu_count()} cores, jax
{version("jax")}, {" ".join(platform.libc_ver())}, Linux {platform.release()}. Complete
commands with cached programs, medians of {ROUNDS}, alternating; pages of 4 KiB and of 2 MiB.

| size | s, small | s, large | ratio | GiB, small | GiB, large | picture |
|---|---|---|---|---|---|---|
"""
        + "\n".join(rows)
        + "\n"
    )


if __name__ == "__main__":
    main()
