"""Memory of the pairwise metrics, from the analysis of the compiled program.

For n positions of relu3_1 (256 channels): the temporary memory of value and gradient. In chunks
it grows linearly; the matrix of pairs alone would take 4 n² bytes.

python benchmarks/pairs_memory.py        writes benchmarks/pairs_memory.md
"""

from datetime import date
from pathlib import Path

import jax
import jax.numpy as jnp

from jaxstyle.metrics import METRICS

NAMES = (
    *(("style", name) for name in ("mmd", "energy", "nearest_neighbor", "contextual", "sinkhorn")),
    *(("style", name) for name in ("patch", "relaxed_emd")),
    ("content", "self_similarity"),
)
SIDES = (32, 64, 128, 192)


def mebibytes(metric, side):
    """Return the temporary memory of value and gradient for side² positions of 256 channels."""
    grid = (side, side, 256)
    shape = grid if metric.expects != "positions" else (side * side, 256)
    features = jax.ShapeDtypeStruct(shape, jnp.float32)
    if metric.expects == "layers":
        features = (features,)
    target = jax.eval_shape(metric.summarize, features)
    program = jax.jit(jax.value_and_grad(metric.distance)).lower(features, target).compile()
    return program.memory_analysis().temp_size_in_bytes / 2**20


lines = [
    "# Memory of the pairwise metrics",
    "",
    f"{date.today()}, {jax.devices()[0].device_kind}, jax {jax.__version__}: temporary MiB of "
    "value and gradient, from the analysis of the compiled program; 256 channels (relu3_1: 128² "
    "positions at 512 pixels). `python benchmarks/pairs_memory.py`.",
    "",
    "| metric | " + " | ".join(f"{side * side:,} positions" for side in SIDES) + " |",
    "|---" * (len(SIDES) + 1) + "|",
    "| the matrix of pairs | " + " | ".join(f"{side**4 * 4 / 2**20:,.0f}" for side in SIDES) + " |",
]
for kind, name in NAMES:
    sizes = [mebibytes(METRICS[kind][name], side) for side in SIDES]
    lines.append(f"| `{name}` | " + " | ".join(f"{size:,.0f}" for size in sizes) + " |")
    print(lines[-1], flush=True)
Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")
