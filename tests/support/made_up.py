"""Made-up weights and pictures, for the references and the tests that use them."""

import numpy as np


def made_up_resnet50() -> dict[str, np.ndarray]:
    """Return a state dict in torchvision's names and shapes, whose features stay near unit size."""
    random = np.random.default_rng(11)
    raw: dict[str, np.ndarray] = {}

    def add(convolution, normalization, size, inputs, outputs):
        kernel = random.standard_normal((outputs, inputs, size, size), np.float32)
        raw[f"{convolution}.weight"] = kernel * np.float32((size * size * inputs) ** -0.5)
        for kind, low, high in (
            ("weight", 0.5, 1.0),
            ("bias", -0.3, 0.3),
            ("running_mean", -0.2, 0.2),
            ("running_var", 0.5, 1.5),
        ):
            raw[f"{normalization}.{kind}"] = random.uniform(low, high, outputs).astype(np.float32)

    add("conv1", "bn1", 7, 3, 64)
    inputs = 64
    for stage, count in enumerate((3, 4, 6, 3), 1):
        width = 32 * 2**stage
        for block in range(count):
            name = f"layer{stage}.{block}"
            add(f"{name}.conv1", f"{name}.bn1", 1, inputs, width)
            add(f"{name}.conv2", f"{name}.bn2", 3, width, width)
            add(f"{name}.conv3", f"{name}.bn3", 1, width, 4 * width)
            if block == 0:
                add(f"{name}.downsample.0", f"{name}.downsample.1", 1, inputs, 4 * width)
            inputs = 4 * width
    return raw


def pairs_of_pictures():
    """Return pairs that differ in color, place, noise, nothing, and by a texture drawn again."""
    y, x = np.mgrid[0:70, 0:96] / 96
    random = np.random.default_rng(5)
    waves = np.stack([0.5 + 0.4 * np.sin(11 * x * (k + 1) + 6 * y * (3 - k)) for k in range(3)], -1)
    grain, other = (random.uniform(0, 1, waves.shape) for _ in range(2))
    pairs = {
        "color": (waves, waves[..., ::-1]),
        "place": (waves, np.roll(waves, 5, axis=1)),
        "noise": (waves, np.clip(waves + 0.3 * (grain - 0.5), 0, 1)),
        "equal": (waves, waves),
        "grain": (grain, other),
        "black": (waves, 0 * waves),
    }
    return {
        name: tuple(np.ascontiguousarray(image, np.float32) for image in pair)
        for name, pair in pairs.items()
    }
