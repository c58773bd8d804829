"""Random command lines by the hundred: every one ends in a picture or in one line of error.

    python benchmarks/commands.py 100 3000

tries 100 commands of valid values and 3000 spoiled ones, and prints those that end otherwise. They
come from tests/support/commanding.py; number N is the same every time (`--first N` starts there).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import shlex
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import commanding

from jaxstyle.cli import main as cli
from jaxstyle.transfer import memory

SECONDS = 120
"""A command that takes longer counts as hanging."""


class HangsError(BaseException):
    """A command takes too long."""


def _interrupt(*_: object) -> None:
    raise HangsError


def run(words: list[str]) -> tuple[int | None, str, list[str]]:
    """Return exit status, standard error, and the lines of it that were logged."""
    err = io.StringIO()
    signal.alarm(SECONDS)
    with commanding.logged_lines() as lines:
        try:
            with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
                cli.main(words)
        except SystemExit as error:
            return error.code, err.getvalue(), lines  # type: ignore[return-value]
        except BaseException:
            return None, err.getvalue() + traceback.format_exc(), lines
        finally:
            signal.alarm(0)
    return None, err.getvalue(), lines


def try_commands(kind: str, numbers: range, pictures: list[str], folder: Path) -> None:
    """Run commands and print those that end wrongly, then a summary."""
    start, outcomes, slowest = time.perf_counter(), Counter(), 0.0
    for number in numbers:
        memory.clear_caches_if_crowded()
        out = folder / f"{kind}{number}.png"
        dice = random.Random(number)
        words = commanding.valid(dice, pictures, str(out))
        if kind == "spoiled":
            words = commanding.spoiled(dice, words)
        began = time.perf_counter()
        status, err, lines = run(words)
        slowest = max(slowest, time.perf_counter() - began)
        if kind == "spoiled" and status == 0:  # harmless after all; the output may have moved
            outcomes["picture"] += 1
            continue
        wrong = commanding.complaint(status, err, out, lines)
        outcomes["BAD" if wrong else ("picture", None, "refused")[status or 0]] += 1
        if wrong:
            print(f"{kind} {number}: {wrong}\n  {shlex.join(words)}", flush=True)
    seconds = time.perf_counter() - start
    print(
        f"{kind}: {len(numbers)} commands in {seconds:.0f} s: {dict(outcomes)}; "
        f"the slowest took {slowest:.1f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("valid", type=int)
    parser.add_argument("spoiled", type=int)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _interrupt)
    folder = Path(tempfile.mkdtemp())
    pictures = commanding.odd_pictures(folder)
    os.chdir(folder)  # spoiled outputs are written there
    for kind, count in (("valid", options.valid), ("spoiled", options.spoiled)):
        try_commands(kind, range(options.first, options.first + count), pictures, folder)


if __name__ == "__main__":
    main()
