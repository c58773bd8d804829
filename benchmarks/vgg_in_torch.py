"""Square sample pictures, and a VGG in PyTorch, for the comparisons with PyTorch."""

import numpy as np


def pictures(names, size):
    """Return samples by name, resized to squares."""
    from jaxstyle import samples
    from jaxstyle.image.geometry import resize
    from jaxstyle.image.io import read_image

    return [resize(read_image(samples.resolve(f"sample:{name}")), (size, size)) for name in names]


def vgg(tensors, specs, order, dtype=None):
    """Return a function from a preprocessed picture to its features at every ReLU.

    Args:
        tensors: Weights, as `jaxstyle.weights.registry.load` returns them.
        specs: Convolutions, from `Backbone.needed`.
        order: PyTorch's memory format.
        dtype: PyTorch's number format (default: float32).
    """
    import torch

    functional = torch.nn.functional
    dtype = dtype or torch.float32
    kernels = {}
    for spec in specs:
        kernel = torch.tensor(np.array(tensors[spec.name]["kernel"]).transpose(3, 2, 0, 1))
        bias = torch.tensor(np.array(tensors[spec.name]["bias"]))
        kernels[spec.name] = kernel.to(dtype).contiguous(memory_format=order), bias.to(dtype)

    def features(x):
        values = {}
        for spec in specs:
            if spec.pooled:
                x = functional.max_pool2d(x, 2)
            x = functional.relu(functional.conv2d(x, *kernels[spec.name], padding=1))
            values["relu" + spec.name[4:]] = x
        return values

    return features
