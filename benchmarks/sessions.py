"""Parts of a session, each a process with a time limit; results that outlast crashes; their table.

The results are a file with a line of JSON for each part, written whole after each of them.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import NamedTuple


class Command(NamedTuple):
    """A part as a process."""

    words: list[str]
    limit: float  # seconds
    env: Mapping[str, str] = {}


def session(commands, out, minutes, retry=False):
    """Run parts that are not in the file yet, until the time is over.

    A part that crashes or takes too long is recorded as such, and the others go on. One that the
    session's end interrupts, or that would not fit, is left for another start.

    Args:
        commands: `Command` by part, in order of worth. It writes JSON into the file `$RESULT`.
        out: The file of results, a line of JSON each.
        minutes: Of all parts together.
        retry: Run parts again that failed.

    Returns:
        The parts that are left.
    """
    from jaxstyle._util.files import write_whole

    records = [record for record in read(out) if not retry or record["status"] == "done"]
    ready, waiting = {record["part"] for record in records}, []
    end = time.monotonic() + 60 * minutes
    for name, command in commands.items():
        left = end - time.monotonic()
        if name in ready:
            print(f"{name}: measured before", flush=True)
            continue
        # A part takes about half of its limit.
        record = _record(name, command, left) if left > command.limit / 2 else None
        if record is None:
            waiting.append(name)
            continue
        records.append(record)
        text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records)
        write_whole(out, lambda file, text=text: file.write(text.encode()))
        print(f"{name}: {record['status']}, {record['seconds']:.0f} s", flush=True)
        for row in [*record.get("rows", ()), record.get("note"), record.get("error")]:
            if row:
                print(f"    {row}", flush=True)
    if waiting:
        print(f"left for another start: {', '.join(waiting)}")
    return waiting


def _record(name, command, left):
    """Run a part; return its record, or None if the session's end interrupted it."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result, log = Path(folder, "result.json"), Path(folder, "log.txt")
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command.words,
                env={**os.environ, **command.env, "RESULT": str(result)},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = process.wait(min(command.limit, left))
            except subprocess.TimeoutExpired:
                if left < command.limit:
                    return None
                status = None
            finally:  # with all that it started
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        record = {"part": name, "status": "done", "date": str(date.today())}
        record["seconds"] = time.monotonic() - start
        if status == 0 and result.exists():
            return record | json.loads(result.read_text())
        end = f"exit status {status}" if status is not None else f"over {command.limit:.0f} s"
        tail = log.read_text(errors="replace")[-800:].strip()
        return record | {"status": "failed", "error": f"{end}; {tail}"}


def read(out):
    """Return the records in a file of results, if there is one."""
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def table(records):
    """Return Markdown of all results: parts with the same columns share a table."""
    done = [record for record in records if record["status"] == "done"]
    dates = sorted({record["date"] for record in records})
    machines = sorted({record["machine"] for record in done}, key=len)
    lines = [f"`benchmarks/gpu_session.py`, {' to '.join(dates)}; {'; '.join(machines)}."]
    rows = [row for record in done for row in record["rows"]]
    columns = [*dict.fromkeys(map(tuple, rows))]
    rows.sort(key=lambda row: columns.index(tuple(row)))
    for names, group in groupby(rows, tuple):
        lines += ["", f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
        lines += [f"| {' | '.join(map(_cell, row.values()))} |" for row in group]
    lines += ["", *(f"- {record['note']}" for record in done if record["note"])]
    for record in records:
        if record["status"] != "done":
            error = " ".join(record["error"].split())
            lines.append(f"- {record['part']}: {record['status']}, {error[-200:]}")
    return "\n".join(lines)


def _cell(value):
    return f"{value:.3g}" if isinstance(value, float) else str(value)
