"""The GPU's session: rehearsed whole, and how it goes on when parts crash, hang or are left."""

import importlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.small import write_pictures

from jaxstyle.image.io import read_image

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu_session.py"


@pytest.fixture(scope="module")
def script():
    """The script as a module, with those beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPT.parent)
        yield importlib.import_module("gpu_session")


@pytest.fixture
def command(script, tmp_path):
    def command(name, code, limit=20.0):
        note = f"open({str(tmp_path / name)!r}, 'a').write('.'); import os, sys; "
        return script.Command([sys.executable, "-c", note + code], limit)

    return command


def starts(tmp_path, name):
    return len((tmp_path / name).read_text()) if (tmp_path / name).exists() else 0


RESULT = 'open(os.environ[\'RESULT\'], \'w\').write(\'{"rows": [{"ms": 1.5}], "note": ""}\')'


def test_parts_that_crash_hang_or_answer_nothing_are_recorded_and_the_others_go_on(
    script, command, tmp_path, capsys
):
    out = tmp_path / "session.jsonl"
    commands = {
        "crashes": command(
            "crashes", "sys.stderr.write('no memory'); sys.stderr.flush(); os.abort()"
        ),
        "hangs": command("hangs", "import time; time.sleep(60)", limit=1.0),
        "silent": command("silent", "pass"),
        "works": command("works", RESULT),
    }
    assert script.session(commands, out, 1) == []
    records = {record["part"]: record for record in script.read(out)}
    assert [record["status"] for record in records.values()] == ["failed"] * 3 + ["done"]
    assert "-6; no memory" in records["crashes"]["error"]
    assert "over 1 s" in records["hangs"]["error"]
    assert records["works"]["rows"] == [{"ms": 1.5}]

    script.session(commands, out, 1)  # runs nothing
    assert [starts(tmp_path, name) for name in commands] == [1, 1, 1, 1]
    assert capsys.readouterr().out.count("measured before") == 4

    script.session(commands, out, 1, retry=True)  # runs again what failed
    assert [starts(tmp_path, name) for name in commands] == [2, 2, 2, 1]
    assert [record["part"] for record in script.read(out)] == [
        "works",
        "crashes",
        "hangs",
        "silent",
    ]


def test_parts_without_enough_time_are_left_for_another_start(script, command, tmp_path):
    out = tmp_path / "session.jsonl"
    commands = {
        "long": command("long", RESULT, limit=100.0),
        "cut": command("cut", "import time; time.sleep(60)", limit=2.5),
        "short": command("short", RESULT, limit=1.0),
    }
    assert script.session(commands, out, 1.5 / 60) == ["long", "cut", "short"]
    assert not out.exists()
    assert [starts(tmp_path, name) for name in commands] == [0, 1, 0]
    del commands["cut"]
    assert script.session(commands, out, 1.5 / 60) == ["long"]
    assert [record["part"] for record in script.read(out)] == ["short"]


def numbers(row):
    return [value for value in row.values() if isinstance(value, int | float)]


@pytest.mark.long
def test_rehearsal(script, tmp_path):
    pictures = write_pictures(tmp_path)
    env = os.environ | {"TMPDIR": str(tmp_path)}
    out = tmp_path / "results" / "session.jsonl"

    def run(*words):
        command = [sys.executable, SCRIPT, *map(str, words)]
        process = subprocess.run(command, env=env, capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
        return process.stdout

    packed = tmp_path / "pack"
    run("pack", packed, "--content", pictures / "content.png")
    assert (packed / "vgg16-half.safetensors").stat().st_size < 30e6
    words = ("run", "--toy", "--pack", packed, "--out", out)
    run(*words)
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert [record["part"] for record in records] == [*script.PARTS]
    for record in records:
        assert record["status"] == "done", record
        assert "vgg16-half" in record["machine"]
        assert record["rows"] or "PyTorch is not installed" in record["note"]
        for row in record["rows"]:
            assert len(numbers(row)) >= 2
            assert all(map(math.isfinite, numbers(row)))
    images = {path.name: read_image(path).shape for path in out.parent.glob("*.png")}
    assert images == {
        "rounding-lbfgs.png": (32, 128, 3),  # four side by side
        "rounding-adam.png": (32, 128, 3),
        **{
            f"{name}.png": (40, 48, 3)
            for name in ("cold-start", "warm-start", "picture-1024", "picture-2048")
        },
    }

    before = out.read_bytes()
    assert run(*words).count("measured before") == len(records)
    assert out.read_bytes() == before

    table = run("table", out)
    assert table.count("|---|") >= 5
    assert "failed" not in table
