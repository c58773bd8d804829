"""Write tests/data/recipes_reference.npz: what recipes lower, by torch in float64.

    PYTHONPATH=tests python -m support.reference_recipes

Written from the papers and their code as read: losses and weights as there, from the original
files of the weights, without anything of jaxstyle but those files' places. Needs torch and onnx,
which the tests do not. For each recipe the loss and its gradient (of pixels in [0, 1]) at three
pictures, and the picture after the first steps of torch's optimizer.
"""

import io

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from support.reference_cases import BACKBONES, FILE, PICTURES, STEPS, content, places, start, style
from support.reference_features import network


def tensor(picture):
    return torch.from_numpy(picture.astype(np.float64)).permute(2, 0, 1)[None].contiguous()


def gram(x):
    x = x[0].flatten(1)
    return x @ x.T


def feature_layers(count, rectified=True):
    kind = "relu" if rectified else "conv"
    return [f"{kind}{block}_1" for block in range(1, count + 1)]


class Gatys:
    """G divided by positions, a mean over entries; the content's mean squared difference."""

    rate, pooling = 1.0, "max"

    def __init__(self, net, content, style, style_weights, content_weight):
        self.net, self.weights, self.content_weight = net, style_weights, content_weight
        self.content = net(content)["relu4_2"]
        features = net(style)
        self.grams = [self.gram(features[layer]) for layer in feature_layers(5)]

    def gram(self, x):
        return gram(x) / (x.shape[2] * x.shape[3])

    def loss(self, image):
        features = self.net(image)
        total = self.content_weight * F.mse_loss(features["relu4_2"], self.content)
        for layer, target, weight in zip(feature_layers(5), self.grams, self.weights, strict=True):
            total = total + weight * F.mse_loss(self.gram(features[layer]), target)
        return total

    def steps(self, image, count):
        point = (image * 255).clone().requires_grad_()
        optimizer = torch.optim.LBFGS(
            [point], lr=1, max_iter=count, tolerance_grad=-1, tolerance_change=-1
        )

        def closure():
            optimizer.zero_grad()
            loss = self.loss(point / 255)
            loss.backward()
            return loss

        optimizer.step(closure)
        return point.detach() / 255


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
        corner = pixels[..., :-1, :-1]
        across, down = corner - pixels[..., :-1, 1:], corner - pixels[..., 1:, :-1]
        # The Lua code has a gradient alone; it is that of this.
        return super().loss(image) + 1e-3 / 2 * ((across**2).sum() + (down**2).sum())


class CentralMoments:
    """Norms of differences of moments of the logistic function of conv layers."""

    def __init__(self, net, content, style):
        self.net = net
        self.targets = [self.moments(net(style)[layer]) for layer in feature_layers(5, False)]

    def moments(self, x):
        x = torch.sigmoid(x[0].flatten(1))
        mean = x.mean(1, keepdim=True)
        return [mean[:, 0], *(((x - mean) ** k).mean(1) for k in range(2, 6))]

    def loss(self, image):
        features, total = self.net(image), 0
        for layer, target in zip(feature_layers(5, False), self.targets, strict=True):
            moments = self.moments(features[layer])
            weight = 1000 / features[layer].shape[1] ** 2
            for one, other in zip(moments, target, strict=True):
                total = total + weight * (one - other).norm()
        return total

    def steps(self, image, count):
        deviations = torch.tensor([0.229, 0.224, 0.225]).double()[:, None, None]
        point = (image / deviations).clone().requires_grad_()
        optimizer = torch.optim.Adam([point], lr=0.1)
        for _ in range(count):
            optimizer.zero_grad()
            self.loss(point * deviations).backward()
            optimizer.step()
        return (point * deviations).detach()


class Strotss:
    """All positions, as many as are drawn at most; layers resized to the picture, bilinearly."""

    layers = (
        *("relu1_1", "relu1_2", "relu2_1", "relu2_2"),
        *("relu3_1", "relu3_2", "relu3_3", "relu4_3", "relu5_3"),
    )

    def __init__(self, net, content, style, scale):
        self.net, self.alpha = net, 16 / 2**scale
        self.rate = 1e-3  # at the last scale; of three steps it is the only one
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
        def resized(x, size):
            return F.interpolate(x, size=size, mode="bilinear", align_corners=True)

        pyramid = []
        for _ in range(5):
            size = [max(1, side // 2) for side in image.shape[2:]]
            small = resized(image, size)
            pyramid.append(image - resized(small, image.shape[2:]))
            image = small
        pyramid = [part.clone().requires_grad_() for part in (*pyramid, image)]

        def picture():
            *bands, current = pyramid
            for band in reversed(bands):
                current = band + resized(current, band.shape[2:])
            return current

        optimizer = torch.optim.RMSprop(pyramid, lr=self.rate)
        for _ in range(count):
            optimizer.zero_grad()
            self.loss(picture()).backward()
            optimizer.step()
        return picture().detach()


CHANNELS = (64, 128, 256, 512, 512)
ORACLES = {
    "gatys/normalized": lambda *args: Gatys(*args, [1e9 / 5] * 5, 1e6),
    "gatys/notebook": lambda *args: Gatys(*args, [1e3 / c**2 for c in CHANNELS], 1.0),
    "neural_style/lua": lambda *args: NeuralStyle(*args, absolute=False),
    "neural_style/pytorch": lambda *args: NeuralStyle(*args, absolute=True),
    "central_moments/code": CentralMoments,
    "strotss/code": lambda *args: Strotss(*args, scale=0),
}


def main() -> None:
    made = {}
    for name, backbones in BACKBONES.items():
        for backbone in backbones:
            oracle = ORACLES[name](network(backbone), tensor(content()), tensor(style()))
            for number, picture in enumerate(PICTURES):
                image = tensor(picture()).requires_grad_()
                loss = oracle.loss(image)
                (gradient,) = torch.autograd.grad(loss, image)
                key = f"{name} {backbone} {number}"
                made[f"{key} loss"] = loss.item()
                gradient = gradient[0].permute(1, 2, 0).numpy()
                made[f"{key} size"] = np.sqrt((gradient**2).mean())
                made[f"{key} gradient"] = gradient.ravel()[places(gradient.size)]
            taken = oracle.steps(tensor(start()), STEPS[name])[0].permute(1, 2, 0).numpy()
            made[f"{name} {backbone} steps"] = taken.ravel()[places(taken.size)]
            made[f"{name} {backbone} moved"] = np.sqrt(((taken - start()) ** 2).mean())
            print(name, backbone)
    file = io.BytesIO()
    np.savez_compressed(file, **made)
    FILE.write_bytes(file.getvalue())


if __name__ == "__main__":
    main()
