"""Kalischek et al.: norms of differences of moments of the logistic function of conv layers."""

from functools import partial

import torch

from support.oracles.oracle import Oracle, first_layers, stepped


class CentralMoments:
    def __init__(self, net, content, style, scale):
        self.net = net
        self.targets = [self.moments(net(style)[layer]) for layer in first_layers(5, False)]

    def moments(self, x):
        x = torch.sigmoid(x[0].flatten(1))
        mean = x.mean(1, keepdim=True)
        return [mean[:, 0], *(((x - mean) ** k).mean(1) for k in range(2, 6))]

    def loss(self, image):
        features, total = self.net(image), 0
        for layer, target in zip(first_layers(5, False), self.targets, strict=True):
            moments = self.moments(features[layer])
            weight = 1000 / features[layer].shape[1] ** 2
            for one, other in zip(moments, target, strict=True):
                total = total + weight * (one - other).norm()
        return total

    def steps(self, image, count):
        deviations = torch.tensor([0.229, 0.224, 0.225]).double()[:, None, None]
        return stepped(self.loss, image, count, partial(torch.optim.Adam, lr=0.1), 1 / deviations)


ORACLES = {"central_moments/code": Oracle(CentralMoments, ("vgg16", "vgg19-normalized"))}
