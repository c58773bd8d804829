"""Command lines at random, by the hundred: each ends in a picture or in one clear line.

    python benchmarks/commands.py 100 3000

tries 100 of valid values and 3000 spoiled ones, and prints each that ends otherwise. They come from
tests/support/commanding.py; number N is the same every time (`--first N` begins there).
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

from jaxstyle.cli.main import main as cli
from jaxstyle.transfer import memory

SECONDS = 120
"""Before a command counts as hanging."""


class HangsError(BaseException):
    """It took too long."""


def _too_long(*_: object) -> None:
    raise HangsError


def ended(words: list[str]) -> tuple[int | None, str]:
    """Exit status and standard error."""
    said = io.StringIO()
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            cli.main(words)
    except SystemExit as error:
        return error.code, said.getvalue()  # type: ignore[return-value]
    except BaseException:
        return None, said.getvalue() + traceback.format_exc()
    finally:
        signal.alarm(0)
    return None, said.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("valid", type=int)
    parser.add_argument("spoiled", type=int)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    signal.signal(signal.SIGALRM, _too_long)
    folder = Path(tempfile.mkdtemp())
    pictures = commanding.odd_pictures(folder)
    os.chdir(folder)  # spoiled outputs are written there
    for kind, count in (("valid", given.valid), ("spoiled", given.spoiled)):
        began, outcomes, worst = time.perf_counter(), Counter(), 0.0
        for number in range(given.first, given.first + count):
            memory.clear_caches_if_crowded()
            out = folder / f"{kind}{number}.png"
            dice = random.Random(number)
            words = commanding.valid(dice, pictures, str(out))
            if kind == "spoiled":
                words = commanding.spoiled(dice, words)
            one = time.perf_counter()
            status, said = ended(words)
            worst = max(worst, time.perf_counter() - one)
            if kind == "spoiled" and status == 0:  # harmless after all; it may have another name
                outcomes["picture"] += 1
                continue
            wrong = commanding.complaint(status, said, out)
            outcomes["BAD" if wrong else ("picture", None, "refused")[status or 0]] += 1
            if wrong:
                print(f"{kind} {number}: {wrong}\n  {shlex.join(words)}", flush=True)
        seconds = time.perf_counter() - began
        print(
            f"{kind}: {count} commands in {seconds:.0f} s: {dict(outcomes)}; "
            f"the slowest took {worst:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
