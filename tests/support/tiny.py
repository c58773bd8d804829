"""A network of one's own: two convolutions as linen modules, and random weights."""

import hashlib
from functools import cache

import jax
import numpy as np
from flax import linen as nn

from jaxstyle.backbones.record import Backbone
from jaxstyle.weights.registry import Weights


def forward(net: nn.Module, x: jax.Array) -> dict[str, jax.Array]:
    """Compute the features of a picture: two convolutions with a pooling between."""
    first = nn.relu(nn.Conv(8, (3, 3), name="conv1")(x))
    pooled = nn.avg_pool(first, (2, 2), (2, 2))
    features = {"relu1": first, "relu2": nn.relu(nn.Conv(8, (3, 3), name="conv2")(pooled))}
    return {layer: features[layer] for layer in net.layers}


BACKBONE = Backbone(
    "tiny-network",
    forward,
    convolutions=(),
    layers=("relu1", "relu2"),
    counterparts={"relu1_1": "relu1", "relu4_2": "relu2"},
)


@cache
def tiny(seed: int = 0, name: str = "tiny") -> Weights:
    """Return weights of the network; those of one seed and name are one object."""
    random = np.random.default_rng(seed)

    def convolution(inputs: int) -> dict[str, np.ndarray]:
        kernel = random.standard_normal((3, 3, inputs, 8), np.float32) / np.float32(inputs**0.5)
        return {"kernel": kernel, "bias": np.zeros(8, np.float32)}

    preprocess = {"kernel": np.eye(3, dtype=np.float32), "bias": np.full(3, -0.5, np.float32)}
    tensors = {"preprocess": preprocess, "conv1": convolution(3), "conv2": convolution(8)}
    content = b"".join(arrays["kernel"].tobytes() for arrays in tensors.values())
    return Weights(name, BACKBONE, hashlib.sha256(content).hexdigest(), tensors)
