"""The layers of the package, listed in `pyproject.toml`: no import goes up, so none is a cycle."""

import subprocess
import sys
from pathlib import Path

LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint()"


def test_sub_packages_import_only_from_those_below():
    command = [sys.executable, "-c", LINT_IMPORTS, "--no-cache"]
    root = Path(__file__).parents[1]
    lint = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout
