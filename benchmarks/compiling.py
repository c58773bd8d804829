"""What options of the compiler cost and give: seconds to compile a program, and to run it once.

    python benchmarks/compiling.py 64 128 256

For the programs of a scale of the default (targets, calibration, a step) at each longest side in
pixels: compiled as they are, with MLIR's fusion emitters, and without optimization
(`xla_backend_optimization_level` 0), and then run in turns.
"""

import statistics
import sys
import time

import jax
import jax.numpy as jnp

from jaxstyle.image.geometry import resize
from jaxstyle.study.datasets import pictures
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.geometry import content_shape, pictures_at, references_at
from jaxstyle.transfer.job import chosen_settings
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers.whole import WholeStepper

EMITTERS = "xla_cpu_use_fusion_emitters"
# All are stated: what a program has already is not compiled again, so that it would take no time.
LEVELS = {
    "as it is": {EMITTERS: False, "xla_backend_optimization_level": 3},
    "emitters": {EMITTERS: True, "xla_backend_optimization_level": 3},
    "unoptimized": {EMITTERS: False, "xla_backend_optimization_level": 0},
}
RUNS = 5


def arguments(job, stepper, size):
    """Return what each program is called with; of a step as a function, whose state is donated."""
    references = references_at(job, size)
    targets = stepper.targets(size)
    prepared = stepper.prepare(size, [JobConstants(job).at])
    picture = resize(job.initial, content_shape(job, size))

    def step():
        return job.params, prepared, stepper.init([picture]), jnp.array(1), job.rate

    return {
        "targets": lambda: (job.params, job.terms, references),
        "calibration": lambda: (job.params, targets, *pictures_at(job, size)),
        "step": step,
    }


def main():
    content, style = (named.picture for named in pictures(["sample:valley", "sample:swirls"]))
    columns = (*(f"compiled, {level}" for level in LEVELS), *(f"run, {level}" for level in LEVELS))
    print(f"| pixels | program | {' | '.join(columns)} |")
    print("|---" * (2 + len(columns)) + "|")
    for size in map(int, sys.argv[1:]):
        job = make_job(content, style, chosen_settings(None, {"size": size}), Sources())
        stepper = WholeStepper(job)
        given = arguments(job, stepper, size)
        for name, demand in zip(given, stepper.demands(size), strict=True):
            programs, compiling = {}, {}
            for level, options in LEVELS.items():
                began = time.perf_counter()
                programs[level] = demand.lowered.compile(compiler_options=options)
                compiling[level] = time.perf_counter() - began
            running = {level: [] for level in LEVELS}
            for _ in range(RUNS):
                for level, program in programs.items():
                    values = jax.block_until_ready(given[name]())
                    began = time.perf_counter()
                    jax.block_until_ready(program(*values))
                    running[level].append(time.perf_counter() - began)
            medians = [statistics.median(of[1:]) for of in running.values()]
            cells = [f"{seconds:.2f} s" for seconds in (*compiling.values(), *medians)]
            print(f"| {size} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
