"""Runs that are killed, run concurrently, or run out of disk: what is left, and can it be resumed?

    python benchmarks/reliability.py kills 60      # SIGKILL at random moments, then --resume
    python benchmarks/reliability.py room          # a full disk, a missing folder or input
    python benchmarks/reliability.py together      # two processes: one cache, one output
    python benchmarks/reliability.py runs 1000     # the memory of many runs in one process

Damaged files are tested by benchmarks/hostile.py, options by benchmarks/commands.py.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
SMALL = [
    "--size",
    "96",
    "--scale-factor",
    "1.4",
    "--style-layers",
    "relu1_1,relu2_1",
    "--content-layers",
    "relu2_1",
]
CASES = {
    "L-BFGS, two scales": ["--scale-steps", "40,30"],
    "Adam, a mask, from noise": [
        "--scale-steps",
        "60,40",
        "--optimizer",
        "adam",
        "--init",
        "noise",
        *("--content-mask", "mask.png"),
    ],
    "a recipe of two metrics": ["--scale-steps", "20,15", "--recipe", "diverse"],
}
SWEEP = ["--scale-steps", "12,8", "--sweep", "seed=0..2", "--sweep", "metric=gram,moments"]


def folder_with_pictures() -> Path:
    """Create the folder in which the commands run."""
    from jaxstyle.image.io import write_image

    folder = Path(tempfile.mkdtemp())
    noise = np.random.default_rng(5).random((2, 80, 96, 3))
    for name, picture in zip(("content", "style"), noise, strict=True):
        write_image(folder / f"{name}.png", picture)
    mask = np.zeros((80, 96, 3))
    mask[:40] = 1
    write_image(folder / "mask.png", mask)
    return folder


def started(folder: Path, words: Sequence[str], **options: object) -> subprocess.Popen[str]:
    """Start a command."""
    command = [sys.executable, "-c", "from jaxstyle.cli.main import main; main()"]
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [*command, words[0], "content.png", "style.png", *words[1:], *SMALL, "--quiet"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        **options,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit status and the standard error."""
    error = process.communicate()[1]
    return process.returncode, error


def half_files(folder: Path) -> list[str]:
    """Return the files that are not whole."""
    from jaxstyle.image.io import read_image
    from jaxstyle.transfer import checkpoint, manifest

    broken = []
    for path in folder.rglob("*"):
        try:
            if path.suffix == ".png":
                read_image(path)
            elif path.suffix == ".json" and path.name != "cells.json":
                facts = json.loads(path.read_text())
                if "cells" not in path.parts and path.stem != "table":
                    assert manifest.read(path), facts
            elif ".checkpoint" in path.name:
                checkpoint._read(path)
            elif path.name.endswith(".part"):
                raise ValueError("a temporary file")
        except Exception as error:
            broken.append(f"{path.name}: {error}")
    return broken


def survived(words: Sequence[str], kills: int, output: Callable[[Path], dict[str, bytes]]) -> str:
    """Kill and resume a command; whenever it finishes, compare its output and begin again.

    Args:
        words: The command.
        kills: How often to kill it.
        output: Returns the output in a folder.
    """
    rng = random.Random(0)
    folder = folder_with_pictures()
    assert ended(started(folder, words))[0] == 0
    begin = time.perf_counter()
    other = folder_with_pictures()
    assert ended(started(other, words))[0] == 0
    seconds = time.perf_counter() - begin  # with cached programs
    expected = output(folder)
    assert output(other) == expected, "two runs differ"
    killed, finished, half, differ = 0, 0, [], 0
    folder = folder_with_pictures()
    while killed < kills:
        # Most of the time goes into the start, where there is little to lose.
        process = started(folder, words)
        wait = seconds * (rng.uniform(0.4, 1.05) if rng.random() < 0.8 else rng.random())
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            half += half_files(folder)
            continue
        status, error = ended(process)
        assert status == 0, error
        finished += 1
        differ += output(folder) != expected
        half += half_files(folder)
        folder = folder_with_pictures()
    status, error = ended(started(folder, words))
    assert status == 0, error
    finished += 1
    differ += output(folder) != expected
    return (
        f"{killed} kills, {finished} pictures or grids finished after them, {differ} different, "
        f"{len(half)} half files {half[:3] or ''}"
    )


def kills(count: int) -> None:
    """Test pictures by several optimizers, and a grid."""
    for name, flags in CASES.items():
        words = ["stylize", "-o", "a.png", "--resume", "--checkpoint-seconds", "0", *flags]

        def picture(folder: Path) -> dict[str, bytes]:
            names = {path.name for path in folder.iterdir()}
            assert not {name for name in names if "checkpoint" in name}, names
            return {"a.png": (folder / "a.png").read_bytes()}

        print(f"{name}: {survived(words, count, picture)}", flush=True)

    def cells(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (folder / "grid/cells").glob("*.png")}

    print(f"a grid: {survived(['grid', '-o', 'grid', *SWEEP], count, cells)}", flush=True)


def room() -> None:
    """Test that where nothing can be written or read there is one line and no half-written file."""
    from jaxstyle.image.io import write_image

    short = ["--scale-steps", "2,2"]

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    def vanish(process: subprocess.Popen[str], folder: Path) -> None:
        time.sleep(1.0)
        (folder / "style.png").unlink()

    cases: dict[str, tuple[list[str], dict[str, object], object]] = {
        "a full disk": (["-o", "a.png", *short], {"preexec_fn": limited}, None),
        "a missing folder": (["-o", "nowhere/a.png", *short], {}, None),
        "a folder that cannot be written": (["-o", "/proc/a.png", *short], {}, None),
        "a style that vanishes": (["-o", "a.png", *short], {}, vanish),
    }
    for name, (words, options, meanwhile) in cases.items():
        folder = folder_with_pictures()
        process = started(folder, ["stylize", *words], **options)
        if callable(meanwhile):
            meanwhile(process, folder)
        status, error = ended(process)
        left = sorted(path.name for path in folder.iterdir() if path.name[0] == "a")
        print(f"{name}: exit {status}, {error.count(chr(10))} line, left {left}: {error.strip()}")
    folder = folder_with_pictures()
    write_image(folder / "a.png", np.zeros((8, 8, 3)))
    before = (folder / "a.png").read_bytes()
    status, _ = ended(started(folder, ["stylize", "-o", "a.png", *short], preexec_fn=limited))
    kept = (folder / "a.png").read_bytes() == before
    print(f"a full disk and an existing picture: exit {status}, it is unchanged: {kept}")


def together() -> None:
    """Test two processes at a time."""
    from jaxstyle._util import files
    from jaxstyle.transfer import manifest

    words = ["stylize", "--scale-steps", "8,5", "-o"]
    os.environ["JAXSTYLE_CACHE"] = tempfile.mkdtemp()  # empty: both fill it
    folder = folder_with_pictures()
    both = [started(folder, [*words, f"{name}.png"]) for name in "ab"]
    states = [ended(process)[0] for process in both]
    same = (folder / "a.png").read_bytes() == (folder / "b.png").read_bytes()
    print(f"one cache: exit {states}, identical pictures: {same}")
    refused = mixed = 0
    for number in range(10):
        both = [
            started(folder, [*words, "c.png", "--seed", str(seed), "--init", "noise"])
            for seed in (number, number + 100)
        ]
        ends = [ended(process) for process in both]
        refused += sum("another run is writing" in error for _, error in ends)
        assert {status for status, _ in ends} <= {0, 2}, ends
        facts = manifest.read(folder / "c.json")
        assert facts
        mixed += facts["picture"]["sha256"] != files.sha256(folder / "c.png")
    print(f"one output: 10 pairs of runs, {refused} runs refused, {mixed} pictures of another run")


def runs(count: int) -> None:
    """Measure the memory of a process that makes short runs one after another."""
    import jaxstyle
    from jaxstyle.transfer import memory

    noise = np.random.default_rng(5).random((2, 40, 48, 3)).astype(np.float32)
    small = {"size": 48, "steps": 2, "scales": 1}
    layers = {"style_layers": ("relu1_1",), "content_layers": ("relu1_1",)}
    begin = time.perf_counter()
    for number in range(1, count + 1):
        seed, optimizer = number, ("lbfgs", "adam")[number % 2]
        result = jaxstyle.stylize(*noise, seed=seed, optimizer=optimizer, **small, **layers)
        assert result.finite
        if number % (count // 10) == 0:
            gc.collect()
            held = memory.used()
            ctypes.CDLL(None).malloc_trim(0)  # how much freed memory glibc retains varies
            maps = len(memory.MAPS.read_bytes().splitlines())
            print(
                f"{number} runs: {memory.used() / 2**20:.0f} MiB, {held / 2**20:.0f} MiB including "
                f"freed memory that malloc retains; {maps} memory maps, "
                f"{time.perf_counter() - begin:.0f} s",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("kills", "room", "together", "runs"))
    parser.add_argument("count", type=int, nargs="?", default=0)
    args = parser.parse_args()
    os.environ["JAX_PLATFORMS"] = "cpu"
    if args.part in ("kills", "runs"):
        {"kills": kills, "runs": runs}[args.part](args.count)
    else:
        {"room": room, "together": together}[args.part]()


if __name__ == "__main__":
    main()
