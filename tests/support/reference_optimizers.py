"""Write tests/data/optimizers_reference.json: steps of torch's optimizers in a curved valley.

    PYTHONPATH=tests python -m support.reference_optimizers

Needs torch, which the tests do not.
"""

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "data" / "optimizers_reference.json"
START = np.random.default_rng(0).normal(0, 1, 20)
TAKEN = (1, 2, 3, 10, 40)
"""After how many steps the point is written down."""

CASES = {
    # Of one inner iteration a step, and without a tolerance, it goes on from step to step.
    "LBFGS": (0.5, {"max_iter": 1, "history_size": 4, "tolerance_change": 0.0}),
    "RMSprop": (0.002, {}),
    "Adam": (0.02, {}),
    "Adam, b2 0.99": (0.02, {"betas": (0.9, 0.99)}),
}


def valley(x, library):
    """Compute the height of a point, with NumPy, JAX or torch; some places curve downward."""
    return (5 * (x[1:] - x[:-1] ** 2) ** 2).sum() + ((1 - x) ** 2).sum() + library.cos(x).sum()


def points(name):
    """Return the points of an optimizer after so many steps as `TAKEN` says."""
    import torch

    rate, more = CASES[name]
    point = torch.tensor(START, requires_grad=True)
    optimizer = getattr(torch.optim, name.partition(",")[0])([point], lr=rate, **more)

    def closure():
        optimizer.zero_grad()
        loss = valley(point, torch)
        loss.backward()
        return loss

    taken = {}
    for step in range(1, max(TAKEN) + 1):
        optimizer.step(closure)
        taken[step] = point.detach().tolist()
    return [taken[step] for step in TAKEN]


if __name__ == "__main__":
    FILE.write_text(json.dumps({name: points(name) for name in CASES}) + "\n")
