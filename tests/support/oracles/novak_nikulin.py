"""Novak & Nikulin: correlations of shifted activations of all neighboring layers."""

from itertools import pairwise

from torch.nn import functional as F  # noqa: N812

from support.oracles.oracle import Oracle, lbfgs


class Chain:
    def __init__(self, net, content, style, scale):
        self.net = net
        self.content = net(content)["relu4_2"]
        self.targets = self.chain(net(style))

    def chain(self, features):
        layers = [x[0] - 1 for name, x in features.items() if name.startswith("relu")]
        matrices = []
        for x, z in pairwise(layers):
            z = F.interpolate(z[None], size=x.shape[1:], mode="nearest")[0]
            matrices.append(x.flatten(1) @ z.flatten(1).T / x[0].numel())
        return matrices

    def loss(self, image):
        features = self.net(image)
        matrices = self.chain(features)
        shares = [2.0 ** (len(matrices) - number) for number in range(1, len(matrices) + 1)]
        style = sum(
            share / sum(shares) * F.mse_loss(matrix, target)
            for share, matrix, target in zip(shares, matrices, self.targets, strict=True)
        )
        return 1e9 * style + 1e6 * F.mse_loss(features["relu4_2"], self.content)

    def steps(self, image, count):
        return lbfgs(self.loss, image, count)


ORACLES = {"novak_nikulin/paper": Oracle(Chain, ("vgg16", "vgg19-normalized"), steps=1)}
