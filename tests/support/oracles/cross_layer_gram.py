"""Yeh & Tang: correlations of neighboring layers, times the content's loss."""

from itertools import pairwise

from torch.nn import functional as F  # noqa: N812

from support.oracles.oracle import Oracle, first_layers


class CrossLayer:
    def __init__(self, net, content, style, scale):
        self.net = net
        self.content = net(content)["relu4_2"]
        self.targets = list(self.matrices(net(style)))

    def matrices(self, features):
        layers = [features[layer] for layer in first_layers(5)]
        for x, z in pairwise(layers):
            z = F.interpolate(z, size=x.shape[2:], mode="bilinear", align_corners=False)
            yield x[0].flatten(1) @ z[0].flatten(1).T / x[0, 0].numel()

    def loss(self, image):
        features = self.net(image)
        style = sum(
            F.mse_loss(matrix, target) / len(matrix) ** 2
            for matrix, target in zip(self.matrices(features), self.targets, strict=True)
        )
        return style * F.mse_loss(features["relu4_2"], self.content)


# PyTorch's line search is another.
ORACLES = {"cross_layer_gram/paper": Oracle(CrossLayer, ("vgg16", "vgg16-caffe"), steps=0)}
