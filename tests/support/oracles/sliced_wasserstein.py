"""Heitz et al.: sorted projections onto random directions, in the form of their PyTorch script.

What the directions are is not compared, for which both would need one generator: they are given,
the same at every layer of as many channels.
"""

import torch
from torch.nn import functional as F  # noqa: N812

from support.oracles.oracle import Oracle, lbfgs
from support.reference_cases import directions


class Heitz:
    def __init__(self, net, content, style, scale):
        self.net, self.style = net, style

    def features(self, image):
        taken = self.net(image)
        return [x for name, x in taken.items() if name.startswith("relu") and name < "relu5"]

    def loss(self, image):
        total = 0
        for x, y in zip(self.features(image), self.features(self.style), strict=True):
            along = torch.from_numpy(directions(x.shape[1]))
            a, b = (torch.sort(along.T @ z[0].flatten(1), dim=1).values for z in (x, y))
            # Theirs are as many as the picture's.
            b = F.interpolate(b[None], size=a.shape[1], mode="linear")[0]
            total = total + ((a - b) ** 2).mean()
        return total

    def steps(self, image, count):
        return lbfgs(self.loss, image, count, factor=1.0)


ORACLES = {
    "sliced_wasserstein/pytorch": Oracle(
        Heitz, ("vgg16", "vgg16-caffe"), steps=0, pooling="average", padding="reflect"
    )
}
