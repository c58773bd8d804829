"""Mechrez et al.: contextual similarity to the style and to the content."""

from functools import partial

import torch

from support.oracles.oracle import Oracle, stepped


class Contextual:
    """−log CX of each layer, all of weight 1."""

    def __init__(self, net, content, style, scale):
        self.net = net
        references = (content, "relu4_2"), (style, "relu3_2"), (style, "relu4_2")
        self.targets = [(layer, self.vectors(net(picture), layer)) for picture, layer in references]

    @staticmethod
    def vectors(features, layer):
        return features[layer][0].flatten(1).T

    @staticmethod
    def similarity(x, y):
        mean = y.mean(0)
        x, y = ((z - mean) / (z - mean).norm(dim=1, keepdim=True) for z in (x, y))
        distances = (1 - x @ y.T) / 2
        relative = distances / (distances.min(1, keepdim=True).values + 1e-5)
        weights = ((1 - relative) / 0.5).exp()
        return (weights / weights.sum(1, keepdim=True)).max(0).values.mean()

    def loss(self, image):
        features = self.net(image)
        similarities = [self.similarity(self.vectors(features, k), y) for k, y in self.targets]
        return -torch.stack(similarities).log().sum()

    def steps(self, image, count):
        return stepped(self.loss, image, count, partial(torch.optim.Adam, lr=0.01))


ORACLES = {
    "contextual/code": Oracle(Contextual, ("vgg16", "vgg16-caffe"), pooling="average"),
}
