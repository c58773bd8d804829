"""Measure the metrics' relative errors, for their cards: `python docs/measure_errors.py`.

It runs the tests that compare one number with an independent one, reads what they print, and writes
the largest error of each metric to `docs/errors.json`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from jaxstyle.metrics import METRICS

HERE = Path(__file__).parent
FILES = {("style",): "test_references.py", ("content", "image"): "test_content_references.py"}
OTHERS = {("image",): "test_audit_pictures.py"}
"""Where the nine-point total variation is compared; of the rest it checks only special cases."""
_LINE = re.compile(r"^\.*([a-z_]+)[^:]*: .*relative error (\S+)$")


def main() -> None:
    """Write the errors by kind and name."""
    errors: dict[str, float] = {}
    for kinds, file in (*FILES.items(), *OTHERS.items()):
        command = [sys.executable, "-m", "pytest", "-n", "0", "-s", f"tests/metrics/{file}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)
        for line in done.stdout.splitlines():
            match = _LINE.match(line)
            kind = match and next((k for k in kinds if match[1] in METRICS[k]), None)
            if match and kind:
                name = f"{kind}.{match[1]}"
                errors[name] = max(errors.get(name, 0.0), float(match[2]))
                if match[1] == "contextual":  # compared as both kinds
                    errors["content.contextual"] = errors[name]
    (HERE / "errors.json").write_text(json.dumps(errors, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
