"""Gradients normalized at each step, beside constants: is calibrating once a scale enough?

python benchmarks/normalized.py [SIZE]      (default: 128; five minutes on two cores)

neural-style's `-normalize_gradients` divides each layer's gradient by its length at every step, and
Crowson's scaled loss does as much. Here each term's gradient is divided by its root mean square at
every step, so that terms pull by their weights alone to the end. Adam moves the pixels in both,
since L-BFGS needs one objective whose gradient it sees; L-BFGS with constants is the default.
Writes benchmarks/normalized.jpg: in each row L-BFGS, Adam, Adam with normalized gradients.
"""

import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxstyle
from jaxstyle import samples
from jaxstyle.image.encode import as_pillow
from jaxstyle.image.io import read_image
from jaxstyle.objective.judge import judge
from jaxstyle.objective.objective import evaluate
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers.whole import WholeStepper

PAIRS = (("lighthouse", "swirls"), ("valley", "mosaic"))
STEPS, RATE = 150, 0.02


def by_adam(pair, size, normalized):
    """Take Adam's steps at one scale; return the picture and each term's last pull."""
    settings = jaxstyle.Settings(size=size, scales=1)
    job = make_job(*pair, settings, Sources())
    objective = WholeStepper(job).prepare(size, [JobConstants(job).at])
    weights = jnp.array([float(term.weight) for term in job.terms_at(size)])

    def losses(image, step):
        return evaluate(partial(job.extract, job.params), objective, image, step).terms

    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))

    @jax.jit
    def advance(image, state, step):
        pulls = jax.jacrev(losses)(image, step)
        lengths = jnp.sqrt(jnp.mean(pulls**2, axis=(1, 2, 3)))
        factors = weights / jnp.maximum(lengths, 1e-12) if normalized else weights
        updates, state = optimizer.update(jnp.tensordot(factors, pulls, 1), state)
        return jnp.clip(image + updates, 0, 1), state, lengths

    image = jnp.asarray(job.initial)
    state = optimizer.init(image)
    for step in range(STEPS):
        image, state, lengths = advance(image, state, step)
    return np.asarray(image), dict(zip(job.names, np.asarray(lengths), strict=True))


def main(size):
    """Make the pictures, the table and the sheet."""
    judges = {name: judge(name) for name in ("brushwork", "paint_precision", "gram", "lpips")}
    print(
        "| pair | by |", " | ".join(judges), "| pulls at the end |\n|---|---|---|---|---|---|---|"
    )
    rows = []
    for names in PAIRS:
        pair = [read_image(samples.resolve(f"sample:{name}"), size=size) for name in names]
        results = {
            "L-BFGS": (jaxstyle.stylize(*pair, size=size, scales=1, steps=60).image, {}),
            "Adam": by_adam(pair, size, normalized=False),
            "Adam, normalized": by_adam(pair, size, normalized=True),
        }
        for name, (picture, pulls) in results.items():
            scores = [
                one(picture, pair[0] if one is judges["lpips"] else pair[1])
                for one in judges.values()
            ]
            shown = " | ".join(f"{float(score):.3g}" for score in scores)
            ends = ", ".join(f"{term} {pull:.2f}" for term, pull in pulls.items())
            print(f"| {' × '.join(names)} | {name} | {shown} | {ends} |", flush=True)
        rows.append(np.concatenate([picture for picture, _ in results.values()], axis=1))
    width = min(row.shape[1] for row in rows)
    sheet = np.concatenate([row[:, :width] for row in rows])
    file = Path(__file__).with_suffix(".jpg")
    as_pillow(sheet).save(file, quality=88)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 128)
