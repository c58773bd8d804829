"""What the comparisons with PyTorch share: square sample pictures, and a VGG in PyTorch."""

import numpy as np


def pictures(names, size):
    """Samples by name as squares."""
    from jaxstyle import samples
    from jaxstyle.image.geometry import resize
    from jaxstyle.image.io import read_image

    return [resize(read_image(samples.resolve(f"sample:{name}")), (size, size)) for name in names]


def vgg(own, specs, order, kind=None):
    """The features of a picture, already as the network wants it, at every ReLU.

    Args:
        own: Weights, as `jaxstyle.backbones.weights` has them.
        specs: Convolutions, from `jaxstyle.backbones.architectures.needed`.
        order: PyTorch's memory format.
        kind: PyTorch's number format (default: float32).
    """
    import torch

    functional = torch.nn.functional
    kind = kind or torch.float32
    kernels = {}
    for spec in specs:
        kernel = torch.tensor(np.array(own[spec.name]["kernel"]).transpose(3, 2, 0, 1))
        bias = torch.tensor(np.array(own[spec.name]["bias"]))
        kernels[spec.name] = kernel.to(kind).contiguous(memory_format=order), bias.to(kind)

    def features(x):
        found = {}
        for spec in specs:
            if spec.pooled:
                x = functional.max_pool2d(x, 2)
            x = functional.relu(functional.conv2d(x, *kernels[spec.name], padding=1))
            found["relu" + spec.name[4:]] = x
        return found

    return features
