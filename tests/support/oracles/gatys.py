"""Gatys' method, and Johnson's."""

from torch.nn import functional as F  # noqa: N812

from support.oracles.oracle import Oracle, first_layers, gram, lbfgs

CHANNELS = (64, 128, 256, 512, 512)


class Gatys:
    """G divided by positions, a mean over entries; the content's mean squared difference."""

    def __init__(self, net, content, style, style_weights, content_weight):
        self.net, self.weights, self.content_weight = net, style_weights, content_weight
        self.content = net(content)["relu4_2"]
        features = net(style)
        self.grams = [self.gram(features[layer]) for layer in first_layers(5)]

    def gram(self, x):
        return gram(x) / (x.shape[2] * x.shape[3])

    def loss(self, image):
        features = self.net(image)
        total = self.content_weight * F.mse_loss(features["relu4_2"], self.content)
        for layer, target, weight in zip(first_layers(5), self.grams, self.weights, strict=True):
            total = total + weight * F.mse_loss(self.gram(features[layer]), target)
        return total

    def steps(self, image, count):
        return lbfgs(self.loss, image, count)


class NeuralStyle(Gatys):
    """G divided by all values; style 100, content 5; the variation of pixels in 0–255."""

    def __init__(self, net, content, style, absolute):
        super().__init__(net, content, style, [100.0] * 5, 5.0)
        self.absolute = absolute

    def gram(self, x):
        return gram(x) / x.numel()

    def loss(self, image):
        pixels = 255 * image
        if self.absolute:
            across = (pixels[..., 1:] - pixels[..., :-1]).abs().sum()
            down = (pixels[..., 1:, :] - pixels[..., :-1, :]).abs().sum()
            return super().loss(image) + 1e-3 * (across + down)
        return super().loss(image) + 1e-3 * squared_variation(pixels)


def squared_variation(pixels):
    """What the Lua code has the gradient of, which is all that it has."""
    corner = pixels[..., :-1, :-1]
    across, down = corner - pixels[..., :-1, 1:], corner - pixels[..., 1:, :-1]
    return ((across**2).sum() + (down**2).sum()) / 2


ORACLES = {
    "gatys/normalized": Oracle(
        lambda net, content, style, scale: Gatys(net, content, style, [1e9 / 5] * 5, 1e6),
        ("vgg16", "vgg19-normalized"),
        steps=1,
    ),
    "gatys/notebook": Oracle(
        lambda net, content, style, scale: Gatys(
            net, content, style, [1e3 / count**2 for count in CHANNELS], 1.0
        ),
        ("vgg16", "vgg16-caffe"),
        steps=1,
    ),
    "neural_style/lua": Oracle(
        lambda net, content, style, scale: NeuralStyle(net, content, style, absolute=False),
        ("vgg16", "vgg16-caffe"),
        steps=1,
    ),
    "neural_style/pytorch": Oracle(
        lambda net, content, style, scale: NeuralStyle(net, content, style, absolute=True),
        ("vgg16", "vgg16-caffe"),
        steps=1,
    ),
}
