"""One picture over several devices: memory of each by the compiled programs' account.

    python benchmarks/devices.py 1024 default gram …

For the default, and for objectives of one style metric, on 1, 4 and 8 virtual CPU devices: bytes
on one device while a step runs (arguments, results and temporary values, without the networks'
weights, which each device holds whole), as a share of one device's. Compiled for a square of so
many pixels; nothing runs. Beside it how often a step exchanges what: `collective-permute` are rows
of neighbors, `all-reduce` sums, `all-gather` what a metric needs whole on every device.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter

COUNTS = (1, 4, 8)


def account(size, objective, count):
    """Print the account of a step on so many devices, as JSON."""
    import jax
    import numpy as np

    from jaxstyle.transfer.job import chosen_settings
    from jaxstyle.transfer.make_job import make_job
    from jaxstyle.transfer.sources import Sources
    from jaxstyle.transfer.steppers.stepper import size_of
    from jaxstyle.transfer.steppers.whole import WholeStepper

    content, style = np.random.default_rng(0).random((2, size, size, 3)).astype(np.float32)
    changes = {} if objective == "default" else {"metric": objective}
    settings = chosen_settings(None, {"size": size, "scales": 1, **changes})
    job = make_job(content, style, settings, Sources()).over(count)
    *_, demand = WholeStepper(job).demands(size)
    program = demand.lowered.compile()
    stats = program.memory_analysis()
    took = stats.temp_size_in_bytes + stats.argument_size_in_bytes - size_of(job.params)
    kinds = re.findall(
        r"(all-gather|all-reduce|collective-permute|all-to-all)(?:-start)?\(", program.as_text()
    )
    print(json.dumps({"bytes": took, "exchanges": Counter(kinds), "jax": jax.__version__}))


def main():
    size, *objectives = sys.argv[1:]
    print("| objective | devices | MiB each | share of one device's | exchanges in a step |")
    print("|---|---|---|---|---|")
    for objective in objectives:
        whole = None
        for count in COUNTS:
            flags = f"--xla_force_host_platform_device_count={count}"
            words = [sys.executable, __file__, "account", size, objective, str(count)]
            run = subprocess.run(
                words, env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True
            )
            if run.returncode:
                print(f"| {objective} | {count} | {run.stderr.strip().splitlines()[-1]} | | |")
                continue
            facts = json.loads(run.stdout)
            whole = whole or facts["bytes"]
            exchanges = ", ".join(f"{n} {kind}" for kind, n in sorted(facts["exchanges"].items()))
            share = facts["bytes"] / whole
            print(
                f"| {objective} | {count} | {facts['bytes'] / 2**20:.0f} | {share:.3f} "
                f"({share * count:.2f} / {count}) | {exchanges or '–'} |",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1] == "account":
        account(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        main()
