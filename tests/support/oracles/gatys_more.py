"""Gatys' textures, and his control of colors."""

import torch
from torch.nn import functional as F  # noqa: N812

from support.oracles.gatys import CHANNELS, Gatys
from support.oracles.oracle import Oracle, gram

LUMA = torch.tensor([0.299, 0.587, 0.114]).double()


def color_matched(style, content):
    """Equations 11 and 12 with symmetric square roots, the function of the code's mode 'pca'."""
    x, y = style[0].flatten(1), content[0].flatten(1)
    roots = []
    for colors, power in ((y, 0.5), (x, -0.5)):
        values, vectors = torch.linalg.eigh(torch.cov(colors))
        roots.append(vectors @ torch.diag(values**power) @ vectors.T)
    matched = roots[0] @ roots[1] @ (x - x.mean(1, keepdim=True)) + y.mean(1, keepdim=True)
    return matched.reshape(style.shape).clamp(0, 1)


def luminance(image):
    return torch.einsum("c,bchw->bhw", LUMA, image)[:, None]


class Luminance(Gatys):
    """Of luminance in three channels; the picture of the result has the content's colors."""

    def __init__(self, net, content, style):
        self.colors = content - luminance(content)
        source, target = luminance(style), luminance(content)
        scaled = (source - source.mean()) * target.std(correction=0) / source.std(correction=0)
        matched = (scaled + target.mean()).clamp(0, 1)
        gray = (one.repeat(1, 3, 1, 1) for one in (target, matched))
        super().__init__(net, *gray, [1e9 / 5] * 5, 1e6)

    def steps(self, image, count):
        # In luminance and two differences of colors from it, only the first is replaced.
        return luminance(super().steps(image, count)) + self.colors


class Texture:
    """Layers after average pooling; gradients where those are 0 are 0 by the ReLU before."""

    def __init__(self, net, content, style, scale):
        self.net = net
        self.targets = [gram(x) / x[0, 0].numel() for x in self.layers(style)]

    def layers(self, image):
        features = self.net(image)
        for block in range(1, 5):
            *_, last = (x for name, x in features.items() if name.startswith(f"relu{block}"))
            yield F.avg_pool2d(last, 2)
        yield features["relu1_1"]

    def loss(self, image):
        pairs = zip(self.layers(image), self.targets, strict=True)
        return sum(
            1e9 / 4 * ((gram(x) / x[0, 0].numel() - target) ** 2).sum() / len(target) ** 2
            for x, target in pairs
        )


def control(net, content, style, scale):
    weights = [1e3 / count**2 for count in CHANNELS]
    return Gatys(net, content, color_matched(style, content), weights, 1.0)


ORACLES = {
    "gatys_control/code": Oracle(control, ("vgg16", "vgg16-caffe"), steps=1),
    "gatys_control/luminance": Oracle(
        lambda net, content, style, scale: Luminance(net, content, style),
        ("vgg16", "vgg19-normalized"),
        steps=1,
    ),
    # SciPy's line search and optax's take other steps.
    "gatys_texture/code": Oracle(
        Texture, ("vgg16", "vgg19-normalized"), steps=0, pooling="average"
    ),
}
