"""Write tests/data/recipes/RECIPE_VARIANT.npz: what methods lower, by torch in float64.

    PYTHONPATH=tests python -m support.reference_recipes [RECIPE/VARIANT …]

See `support.oracles`. Needs torch and onnx, which the tests do not. For each method the loss and
its gradient (of pixels in [0, 1]) at three pictures, and the picture after the first steps of
torch's optimizer.
"""

import importlib
import io
import pkgutil
import sys

import numpy as np
import torch

from support import oracles
from support.oracles.oracle import tensor
from support.reference_cases import content, file_of, pictures, places, start, style
from support.reference_features import network


def all_oracles():
    modules = (
        importlib.import_module(f"support.oracles.{module.name}")
        for module in pkgutil.iter_modules(oracles.__path__)
    )
    return {k: v for module in modules for k, v in getattr(module, "ORACLES", {}).items()}


def computed(oracle):
    """All that is written of one method."""
    side = oracle.side
    made = {"taken": np.array(oracle.steps), "side": np.array(side), "at": np.array(oracle.at)}
    for backbone in oracle.backbones:
        net = (oracle.network or network)(backbone, oracle.pooling, oracle.padding)
        for scale in oracle.scales:
            case = f"{backbone} {scale}"
            objective = oracle.make(net, tensor(content(side)), tensor(style(side)), scale)
            for number, picture in enumerate(pictures(side)):
                image = tensor(picture).requires_grad_()
                loss = objective.loss(image)
                (gradient,) = torch.autograd.grad(loss, image)
                made[f"{case} {number} loss"] = loss.item()
                gradient = gradient[0].permute(1, 2, 0).numpy()
                made[f"{case} {number} size"] = np.sqrt((gradient**2).mean())
                made[f"{case} {number} gradient"] = gradient.ravel()[places(gradient.size)]
            if not oracle.steps:
                continue
            taken = objective.steps(tensor(start(side)), oracle.steps)[0].permute(1, 2, 0).numpy()
            made[f"{case} steps"] = taken.ravel()[places(taken.size)]
            made[f"{case} moved"] = np.sqrt(((taken - start(side)) ** 2).mean())
    return made


def main(names) -> None:
    for name, oracle in all_oracles().items():
        if not names or name in names:
            file = io.BytesIO()
            np.savez_compressed(file, **computed(oracle))
            file_of(name).write_bytes(file.getvalue())
            print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
