"""The picture whose features `support.reference_features` computes."""

import numpy as np


def picture() -> np.ndarray:
    """A smooth colored pattern with some noise, odd on one side, 45 × 64."""
    y, x = np.mgrid[0:45, 0:64] / 64
    waves = [0.5 + 0.4 * np.sin(9 * x * (k + 1) + 7 * y * (3 - k)) for k in range(3)]
    noise = np.random.default_rng(7).normal(0, 0.05, (45, 64, 3))
    return np.clip(np.stack(waves, -1) + noise, 0, 1).astype(np.float32)
