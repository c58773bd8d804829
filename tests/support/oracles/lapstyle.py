"""Li et al. 2017: Johnson's method, and the Laplacian of the averaged picture."""

import torch
from torch.nn import functional as F  # noqa: N812

from support.oracles.gatys import NeuralStyle
from support.oracles.oracle import Oracle


class LapStyle(NeuralStyle):
    def __init__(self, net, content, style, scale):
        super().__init__(net, content, style, absolute=False)
        self.lines = self.filtered(content)

    def filtered(self, image):
        kernel = torch.tensor([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]).double()
        pooled = F.avg_pool2d(255 * image, 4, 4)
        return F.conv2d(pooled, kernel.expand(1, 3, 3, 3))

    def loss(self, image):
        return super().loss(image) + 100 * F.mse_loss(self.filtered(image), self.lines)


ORACLES = {"lapstyle/code": Oracle(LapStyle, ("vgg16", "vgg16-caffe"), steps=1)}
