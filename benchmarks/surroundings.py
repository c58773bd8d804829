"""Commands in odd surroundings: streams, locales, file names, limits, signals, full disks.

    python benchmarks/surroundings.py 200 [--first N]

Case N runs a command, always the same, whose standard streams may be closed, full, or a pipe that
nobody reads to its end; in a locale that lacks letters; on files whose names are bytes; under
limits of memory, of file sizes and of open files; and may send it a signal. Whatever happens, its
inputs stay as they are, files are whole or absent, its exit status is one of those that are
documented, and there is neither a traceback nor, where standard error can be read, a failure
without a line.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
SECONDS = 300
"""A command that takes longer counts as hanging."""
STATUSES = {0, 1, 2, 129, 130, 143}
GIB = 2**30

NAMES = (
    *(b"plain.png", b"two  blanks.png", b"caf\xe9.png", "ünïcode 猫.png".encode(), b"a\nb.png"),
    *(b"[bold]x.png", b"style_weight .png", b"%s{}$HOME.png", b"\x1b[31mred.png", b"'q\"`.png"),
    *(b"n" * 251 + b".png", b"noise", b".hidden.png", "🎨.png".encode(), b"C:\\x.png"),
)
LAYERS = ["--style-layers", "relu1_1,relu2_1", "--content-layers", "relu2_1"]
SMALL = ["--size", "48", "--steps", "2", "--scales", "1", "--metric", "gram", *LAYERS]
LISTINGS = (
    *(["metrics"], ["recipes"], ["samples"], ["weights", "list"], ["stylize", "--help"], ["cache"]),
    *(["cite", "gram"], ["metrics", "gram"], ["recipes", "strotss"], ["metrics", "--json"]),
)


def folder_of(dice: random.Random) -> tuple[Path, list[bytes]]:
    """Create a folder with a content and a style under odd names, and return it and the names."""
    from jaxstyle.image.io import write_image

    folder = Path(tempfile.mkdtemp(prefix="surroundings-"))
    names = dice.sample(NAMES, 2)
    noise = np.random.default_rng(5).random((2, 40, 48, 3))
    for name, picture in zip(names, noise, strict=True):
        write_image(folder / "temporary.png", picture)
        os.rename(os.fsencode(folder / "temporary.png"), os.fsencode(folder) + b"/" + name)
    (folder / "out").mkdir()
    return folder, names


def command_of(dice: random.Random, names: list[bytes]) -> list[bytes | str]:
    """Return a command line."""
    content, style = (b"./" + name for name in names)
    output = b"out/" + dice.choice(NAMES[:-5])
    small = list(SMALL)
    match dice.randrange(8):
        case 0 | 1:
            return list(dice.choice(LISTINGS))
        case 2:
            return ["grid", content, style, "-o", "out/grid", "--sweep", "seed=1,2", *small]
        case 3:
            return ["stylize", content, style, "--plan", *small]
        case 4:
            return ["compare", content, style, "--metric", "ssim", "--metric", "psnr"]
        case 5:
            return ["stylize", content, style, "-o", output, "--preview", "--frames", "out/frames"]
    extra = dice.choice(([], ["--init", style], ["--quiet"], ["-v"], ["--resume"]))
    more = dice.choice(([], ["--checkpoint-seconds", "0"]))
    return ["stylize", content, style, "-o", output, *small, *extra, *more]


def surroundings_of(dice: random.Random, folder: Path) -> dict[str, Any]:
    """Return environment variables, limits, what becomes of the streams, and a signal's time."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    # Python itself leaves half of such a file where it may not be long enough.
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    options: dict[str, tuple[str | None, ...]] = {
        "LC_ALL": (None, "C", "C.UTF-8", "POSIX", "xx_YY.cp1252"),
        "PYTHONIOENCODING": (None, None, "ascii", "cp1252", "latin-1"),
        "PYTHONUTF8": (None, "0", "1"),
        "PYTHONCOERCECLOCALE": (None, "0"),
        "TERM": (None, "dumb", "xterm-256color"),
        "COLUMNS": (None, "0", "1", "20", "abc", "1000"),
        "HOME": (str(folder), None, "/nowhere"),
        "JAXSTYLE_CACHE": (
            os.environ.get("JAXSTYLE_CACHE", f"{tempfile.gettempdir()}/surroundings"),
        )
        * 5
        + ("/dev/null/x",),
        "TMPDIR": (None, "/nowhere"),
    }
    for name, values in options.items():
        if (value := dice.choice(values)) is not None:
            environment[name] = value
    limits = dice.choice(
        (
            *({},) * 4,
            {"AS": dice.choice((1, 3, 5)) * GIB},
            {"FSIZE": dice.choice((0, 1000, 5000, 20_000))},
            {"NOFILE": dice.choice((12, 30, 60))},
        )
    )
    streams = [dice.choice(("pipe", "pipe", "closed", "full", "null", "head")) for _ in range(2)]
    wanted = dice.choice((None, None, None, signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    return {
        "environment": environment,
        "limits": limits,
        "out": streams[0],
        "err": streams[1],
        "in": dice.choice(("null", "closed")),
        "signal": wanted and (wanted, dice.uniform(0.05, 8)),
    }


def _prepared(around: dict[str, Any]) -> Callable[[], None]:
    """Return what a child does before it becomes the command."""

    def prepare() -> None:
        for name, value in around["limits"].items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
        for number, name in ((0, "in"), (1, "out"), (2, "err")):
            if around[name] == "closed":
                os.close(number)

    return prepare


def started(folder: Path, words: list[bytes | str], around: dict[str, Any]) -> Any:
    """Start a command in its surroundings."""

    def stream(kind: str) -> Any:
        if kind == "full":
            return os.open("/dev/full", os.O_WRONLY)
        return subprocess.PIPE if kind in ("pipe", "head") else subprocess.DEVNULL

    python = [sys.executable, "-m", "jaxstyle"]
    return subprocess.Popen(
        [*python, *words],
        cwd=folder,
        env=around["environment"],
        stdin=subprocess.DEVNULL,
        stdout=stream(around["out"]),
        stderr=stream(around["err"]),
        preexec_fn=_prepared(around),
    )


def ended(process: Any, around: dict[str, Any]) -> tuple[int | None, str, str]:
    """Wait for a command, and return its status and what could be read of its streams."""
    for name, pipe in (("out", process.stdout), ("err", process.stderr)):
        if around[name] == "head" and pipe:
            pipe.readline()
            pipe.close()
    process.stdout = None if process.stdout and process.stdout.closed else process.stdout
    process.stderr = None if process.stderr and process.stderr.closed else process.stderr
    if around["signal"]:
        number, seconds = around["signal"]
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return None, "", ""
    texts = [(text or b"").decode("utf-8", "replace") for text in (out, err)]
    return process.returncode, *texts


def complaints(
    folder: Path,
    before: dict[bytes, str],
    words: list[bytes | str],
    around: dict[str, Any],
    outcome: tuple[int | None, str, str],
) -> list[str]:
    """Return what is wrong with how a command ended."""
    status, out, err = outcome
    wrong = []
    # Limits end a process as they like before Python runs, or within native code.
    strict = not around["limits"].keys() & {"AS", "NOFILE"}
    early = around["signal"] is not None and status is not None and status < 0
    if status not in STATUSES and (strict and not early):
        wrong.append(f"status {status}")
    if status is not None and any(text in out + err for text in ("Traceback", "Exception ignored")):
        wrong.append("a traceback") if strict and not early else None
    if status == 2 and around["err"] == "pipe" and err.count("error: ") + err.count("Usage") < 1:
        wrong.append("a failure without a line")
    if {name: _digest(name) for name in before} != before:
        wrong.append("an input changed")
    for path in (folder / "out").rglob("*"):
        wrong += _broken(path)
    is_run = words[0] == "stylize" and "-o" in words
    if status == 0 and is_run and not any(p.suffix == ".png" for p in (folder / "out").iterdir()):
        wrong.append("no picture")
    return wrong


def _digest(name: bytes) -> str:
    with open(name, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _broken(path: Path) -> list[str]:
    from PIL import Image

    try:
        if path.name.endswith(".part"):
            return [f"{path.name!r} is left"]
        if path.suffix == ".png":
            Image.open(path).load()
        if path.suffix == ".json":
            json.loads(path.read_bytes())
    except Exception as error:
        return [f"{path.name!r}: {error}"]
    return []


def case(number: int) -> tuple[str, list[str], str]:
    """Run a case, and return how it ended, what is wrong, and what it was."""
    dice = random.Random(number)
    folder, names = folder_of(dice)
    words, around = command_of(dice, names), surroundings_of(dice, folder)
    before = {path: _digest(path) for path in (os.fsencode(folder) + b"/" + n for n in names)}
    process = started(folder, words, around)
    outcome = ended(process, around)
    wrong = complaints(folder, before, words, around, outcome)
    line = shlex.join(os.fsdecode(word) for word in words)
    return str(outcome[0]), wrong, f"{line}\n  {around}\n  {outcome[2][-600:]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    began, counts, bad = time.perf_counter(), Counter[str](), 0
    for number in range(given.first, given.first + given.count):
        status, wrong, what = case(number)
        counts[status] += 1
        bad += bool(wrong)
        if wrong:
            print(f"case {number}: {'; '.join(wrong)}\n  {what!s}".encode("utf-8", "replace"))
    seconds = time.perf_counter() - began
    print(f"{given.count} cases in {seconds:.0f} s, {bad} wrong; statuses {dict(counts)}")


if __name__ == "__main__":
    main()
