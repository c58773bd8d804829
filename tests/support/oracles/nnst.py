"""Kolkin et al. 2022: the first phase, hypercolumns assigned once, at the coarsest scale."""

from functools import partial

import torch
from torch.nn import functional as F  # noqa: N812

from support.oracles.oracle import Oracle, pyramid_steps

LAYERS = (
    *("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"),
    *("relu3_2", "relu3_3", "relu4_1", "relu4_2", "relu4_3"),
)


class Nnst:
    def __init__(self, net, content, style, scale):
        self.net = net
        turned = [torch.rot90(style, quarter, (2, 3)).contiguous() for quarter in range(4)]
        styles = torch.cat([self.columns(picture) for picture in turned])
        queries = self.columns(content)
        a, b = queries - queries.mean(0), styles - styles.mean(0)
        cosines = (a @ b.T) / a.norm(dim=1)[:, None] / b.norm(dim=1)[None]
        targets = styles[cosines.argmax(1)]
        self.targets = targets / targets.norm(dim=1, keepdim=True)

    def columns(self, image):
        features = self.net(image)
        size = [side // 4 for side in image.shape[2:]]
        maps = [
            F.interpolate(
                features[layer] / features[layer].shape[1],
                size=size,
                mode="bilinear",
                align_corners=True,
            )
            for layer in LAYERS
        ]
        return torch.cat(maps, 1)[0].flatten(1).T

    def loss(self, image):
        x = self.columns(image)
        return (1 - (x / x.norm(dim=1, keepdim=True) * self.targets).sum(1)).mean()

    def steps(self, image, count):
        make = partial(torch.optim.Adam, lr=2e-3)
        return pyramid_steps(self.loss, image, count, make, bands=8, corners=False)


ORACLES = {"nnst/code": Oracle(Nnst, ("vgg16",))}
