"""Wang et al.'s code: Gram matrices of a ResNet, whose deep features are a thousandth."""

import torch
from torch.nn import functional as F  # noqa: N812

from support import reference_features
from support.oracles.oracle import Oracle, first_layers, gram, lbfgs

ENDS = ("relu1", "relu2_3", "relu3_4", "relu4_6", "relu5_3")
CHANNELS = (64, 256, 512, 1024, 2048)


def network(name, pooling, padding):
    if name.startswith("vgg"):
        return reference_features.network(name, pooling, padding)
    raw = reference_features.keras_resnet50()
    mean = torch.tensor([103.939, 116.779, 123.68]).double()[:, None, None]

    def run(image):
        x = image.flip(1) * 255 - mean
        return reference_features.resnet(dict(raw), (3, 4, 6, 3), x, pooling, padding, late=False)

    return run


class Swag:
    """Of a VGG its usual layers, divided by the same numbers of channels."""

    def __init__(self, net, content, style, scale):
        self.net = net
        *_, self.content = self.scaled(content)
        *self.grams, _ = map(self.gram, self.scaled(style), (*CHANNELS, 1))

    def scaled(self, image):
        """The five layers of the style, and that of the content."""
        features = self.net(image)
        ends = ENDS if "relu1" in features else first_layers(5)
        shallow, deep = [features[end] for end in ends[:3]], [features[end] for end in ends[3:]]
        deep.append(features["relu4_6" if "relu1" in features else "relu4_2"])
        return *shallow, *(0.001 * x for x in deep)

    @staticmethod
    def gram(x, channels):
        return gram(x) / (channels * x.shape[2] * x.shape[3])

    def loss(self, image):
        *layers, content = self.scaled(image)
        total = F.mse_loss(content, self.content)
        for x, target, channels in zip(layers, self.grams, CHANNELS, strict=True):
            total = total + 1e17 * F.mse_loss(self.gram(x, channels), target)
        return total

    def steps(self, image, count):
        deviations = torch.tensor([0.229, 0.224, 0.225]).double()[:, None, None]
        return lbfgs(self.loss, image, count, 1 / deviations)


ORACLES = {"swag/code": Oracle(Swag, ("vgg16", "resnet50"), steps=1, network=network)}
