"""Make tests/data/vgg_reference.npz: features by torch, in float64, on the same weights.

Needs torch, which the tests do not: `python tests/reference_features.py` (weights are fetched).
"""

from pathlib import Path

import numpy as np
import torch

from jaxstyle.backbones import vgg, weights

FILE = Path(__file__).parent / "data" / "vgg_reference.npz"
SAMPLES = 48


def picture() -> np.ndarray:
    """A smooth colored pattern with some noise, odd on one side, 45 × 64."""
    y, x = np.mgrid[0:45, 0:64] / 64
    waves = [0.5 + 0.4 * np.sin(9 * x * (k + 1) + 7 * y * (3 - k)) for k in range(3)]
    noise = np.random.default_rng(7).normal(0, 0.05, (45, 64, 3))
    return np.clip(np.stack(waves, -1) + noise, 0, 1).astype(np.float32)


def features(tensors, architecture, image, pooling, padding):
    x = torch.from_numpy(image.astype(np.float64))
    affine = tensors["preprocess"]
    x = x @ torch.from_numpy(affine["kernel"]).double() + torch.from_numpy(affine["bias"]).double()
    x = x.permute(2, 0, 1)[None]
    found, block = {}, "1"
    mode = {"zeros": "constant", "reflect": "reflect", "edge": "replicate"}[padding]
    pool = {"max": torch.nn.functional.max_pool2d, "average": torch.nn.functional.avg_pool2d}
    for name in vgg.layer_names(architecture)[::2]:
        if name[4] != block:
            x, block = pool[pooling](x, 2), name[4]
        kernel = torch.from_numpy(
            np.ascontiguousarray(tensors[name]["kernel"].transpose(3, 2, 0, 1))
        )
        bias = torch.from_numpy(np.ascontiguousarray(tensors[name]["bias"]))
        padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode=mode)
        x = torch.nn.functional.conv2d(padded, kernel.double(), bias.double())
        found[name] = x[0].permute(1, 2, 0).numpy()
        x = torch.relu(x)
        found["relu" + name[4:]] = x[0].permute(1, 2, 0).numpy()
    return found


def main() -> None:
    made = {}
    for name, pooling, padding in (
        ("vgg16", "max", "zeros"),
        ("vgg16", "average", "edge"),
        ("vgg19-normalized", "max", "reflect"),
    ):
        loaded = weights.load(name, report=print)
        found = features(loaded.tensors, loaded.architecture, picture(), pooling, padding)
        for layer, value in found.items():
            places = np.random.default_rng(len(layer)).integers(0, value.size, SAMPLES)
            made[f"{name}/{pooling}/{padding}/{layer}"] = value.ravel()[places]
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, **made)


if __name__ == "__main__":
    main()
