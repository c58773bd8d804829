"""Snelgrove: sums of squared differences of Gram matrices at octaves of a Gaussian pyramid."""

import torch
from torch.nn import functional as F  # noqa: N812

from support.oracles.oracle import Oracle, gram


def octave(image):
    kernel = torch.tensor([0.05, 0.25, 0.4, 0.25, 0.05], dtype=image.dtype)
    kernel = torch.outer(kernel, kernel).expand(3, 1, 5, 5)
    padded = F.pad(image, (2, 2, 2, 2), mode="replicate")
    return F.conv2d(padded, kernel, stride=2, groups=3)


class Snelgrove:
    def __init__(self, net, content, style, scale):
        self.net = net
        self.targets = list(self.matrices(style))

    def matrices(self, image):
        for number in range(4):
            image = octave(image) if number else image
            features = self.net(image)
            for x in (F.avg_pool2d(features["relu1_2"], 2), features["relu3_2"]):
                yield gram(x) / (x.shape[2] * x.shape[3]) / x.shape[1]

    def loss(self, image):
        pairs = zip(self.matrices(image), self.targets, strict=True)
        return sum(((one - other) ** 2).sum() for one, other in pairs)


# At the last octave of 32 pixels hardly anything is left. SciPy's line search takes other steps
# than optax's.
ORACLES = {
    "multiscale_texture/code": Oracle(
        Snelgrove, ("vgg16", "vgg19-normalized"), steps=0, side=64, pooling="average"
    )
}
