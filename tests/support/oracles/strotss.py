"""Kolkin et al. 2019: relaxed transport, moments, palette and self-similarity."""

from functools import partial

import torch
from torch.nn import functional as F  # noqa: N812

from support.oracles.oracle import Oracle, pyramid_steps


class Strotss:
    """All positions, as many as are drawn at most; layers resized to the picture, bilinearly."""

    layers = (
        *("relu1_1", "relu1_2", "relu2_1", "relu2_2"),
        *("relu3_1", "relu3_2", "relu3_3", "relu4_3", "relu5_3"),
    )

    def __init__(self, net, content, style, scale):
        self.net, self.alpha = net, 16 / 2**scale
        self.content, self.style = self.columns(content), self.columns(style)

    def columns(self, image):
        features = self.net(image)
        size = image.shape[2:]
        maps = [image] + [
            F.interpolate(features[layer], size=size, mode="bilinear", align_corners=False)
            for layer in self.layers
        ]
        return torch.cat(maps, 1)[0].flatten(1).T

    @staticmethod
    def cosine(x, y):
        return 1 - (x @ y.T) / x.norm(dim=1)[:, None] / y.norm(dim=1)[None]

    @staticmethod
    def relaxed(costs):
        return torch.maximum(costs.min(1).values.mean(), costs.min(0).values.mean())

    def palette(self, x, y):
        rotation = torch.tensor(
            [
                [0.577350, 0.577350, 0.577350],
                [-0.577350, 0.788675, -0.211325],
                [-0.577350, -0.211325, 0.788675],
            ]
        ).double()
        x, y = x[:, :3] @ rotation.T, y[:, :3] @ rotation.T
        squares = (x**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * x @ y.T
        return self.relaxed(self.cosine(x, y) + (squares.clamp(1e-5, 1e5) / 3).sqrt())

    def moments(self, x, y):
        means = (x.mean(0) - y.mean(0)).abs().mean()
        a, b = ((z - z.mean(0)).T @ (z - z.mean(0)) / len(z) for z in (x, y))
        return means + (a - b).abs().mean()

    def similarity(self, x, y):
        a, b = self.cosine(x, x), self.cosine(y, y)
        return (a / a.sum(0) - b / b.sum(0)).abs().mean() * len(x)

    def loss(self, image):
        x, alpha = self.columns(image), self.alpha
        style = self.relaxed(self.cosine(x, self.style)) + self.moments(x, self.style)
        style = style + self.palette(x, self.style) / max(alpha, 1)
        return (alpha * self.similarity(x, self.content) + style) / (alpha + 2)

    def steps(self, image, count):
        # The rate of the last scale; of three steps it is the only one.
        make = partial(torch.optim.RMSprop, lr=1e-3)
        return pyramid_steps(self.loss, image, count, make, bands=5, corners=True)


ORACLES = {"strotss/code": Oracle(Strotss, ("vgg16",), scales=(0, 1))}
