"""Berger & Memisevic: Gram matrices of features and their translates."""

from functools import partial

import torch

from support.oracles.oracle import Oracle, first_layers, stepped


class Translated:
    def __init__(self, net, content, style, scale):
        self.net = net
        self.style = net(style)

    @staticmethod
    def products(x, shift, axis):
        size = x.shape[axis] - shift
        one, other = x.narrow(axis, 0, size).flatten(1), x.narrow(axis, shift, size).flatten(1)
        return one @ other.T / one.shape[1]

    def difference(self, x, y, shift, axis):
        a, b = self.products(x, shift, axis), self.products(y, shift, axis)
        return ((a - b) ** 2).sum() / (4 * len(a) ** 2)

    def loss(self, image):
        features, plain, translated = self.net(image), 0, 0
        for layer in first_layers(5):
            plain = plain + self.difference(features[layer][0], self.style[layer][0], 0, 1)
        # At 32 pixels no layer has room for more than 4, and relu4_1 for none.
        for layer, share in (("relu1_1", 1), ("relu2_1", 1), ("relu3_1", 0.99)):
            sides = (
                self.difference(features[layer][0], self.style[layer][0], 4, k) for k in (1, 2)
            )
            translated = translated + share * sum(sides) / 2
        return 500 * plain + 20_000 * translated / 4

    def steps(self, image, count):
        return stepped(self.loss, image, count, partial(torch.optim.Adam, lr=1.0), 255.0)


ORACLES = {
    "shifted_gram/paper": Oracle(Translated, ("vgg16", "vgg16-caffe"), pooling="average"),
}
