"""Li & Wand's CNNMRF: what its gradient of patches is the gradient of."""

import torch
from torch.nn import functional as F  # noqa: N812

from support.oracles.gatys import squared_variation
from support.oracles.oracle import Oracle, lbfgs


class Patches:
    def __init__(self, net, content, style, scale):
        self.net = net
        self.content = net(content)["relu4_1"]
        self.style = {layer: self.cut(net(style)[layer]) for layer in ("relu3_1", "relu4_1")}

    def cut(self, x):
        """Every second patch along each axis, and the last, one a row."""
        height, width = x.shape[2] - 2, x.shape[3] - 2
        columns = F.unfold(x, 3)[0].T.reshape(height, width, -1)
        down, across = (sorted({*range(0, side, 2), side - 1}) for side in (height, width))
        return columns[down][:, across].flatten(0, 1)

    def patches(self, x, style):
        """Half of the sum of squares, each position's divided by how many patches have it."""
        ones = torch.ones_like(x, requires_grad=True)
        (counts,) = torch.autograd.grad(self.cut(ones).sum(), ones)
        rows = self.cut(x)
        cosines = (rows @ style.T) / rows.norm(dim=1)[:, None] / style.norm(dim=1)[None]
        squares = (rows - style[cosines.argmax(1)]) ** 2
        return (squares / self.cut(counts)).sum() / 2

    def loss(self, image):
        features = self.net(image)
        total = 20 * F.mse_loss(features["relu4_1"], self.content)
        for layer, style in self.style.items():
            total = total + 1e-4 * self.patches(features[layer], style)
        return total + 1e-3 * squared_variation(255 * image)

    def steps(self, image, count):
        return lbfgs(self.loss, image, count)


ORACLES = {"mrf/code": Oracle(Patches, ("vgg16", "vgg16-caffe"), steps=1, scales=(0, 1))}
