"""Li et al.: MMD with three kernels, and means with deviations, by the gradients of their code.

The code writes gradients of features out by hand, which are not those of a loss it reports. The
values here are the potentials that have them.
"""

from functools import partial

import jax
import torch

from support.oracles.oracle import Oracle, first_layers

MEAN = torch.tensor([123.68, 116.779, 103.939]).double()[:, None, None]
STYLE = 5.0


class ByHand(torch.autograd.Function):
    """A value and its gradient, both given."""

    @staticmethod
    def forward(context, x, value, gradient):
        context.save_for_backward(gradient)
        return value

    @staticmethod
    def backward(context, outer):
        (gradient,) = context.saved_tensors
        return outer * gradient, None, None


def linear(x, y, pairs):
    """Rows are positions; the style, of another size here, counts as if it had as many."""
    n, channels = x.shape
    scale = STYLE * 2e3 / (channels * n)
    sums = x.sum(0) - y.sum(0) * (n / len(y))
    return scale * (sums**2).sum() / 2, scale * sums.expand(n, channels)


def polynomial(x, y, pairs):
    n, channels = x.shape
    scale = STYLE * 0.1 / (channels * n * channels)
    products = x.T @ x - y.T @ y * (n / len(y))
    return scale * (products**2).sum() / 4, scale * x @ products


def statistics(x, y, pairs):
    n, channels = x.shape
    scale = 1e3 * n / channels
    (mean, deviation), (other_mean, other) = (
        (z.mean(0), (z.var(0, correction=0) + 1e-5).sqrt()) for z in (x, y)
    )
    value = ((mean - other_mean) ** 2 + (deviation - other) ** 2).sum() / 2
    by_deviation = (deviation - other) / deviation * (x - mean)
    return scale * value, scale * (mean - other_mean + by_deviation) / n


def gaussian(x, y, pairs):
    """As many pairs of each picture as the smaller has; they weigh as if they were all."""
    channels = x.shape[1]
    (a, b), (c, d) = ((z[one], z[other]) for z, (one, other) in zip((x, y), pairs, strict=True))
    squares = [((one - other) ** 2).sum(1) for one, other in ((a, b), (c, d), (a, d), (b, c))]
    gamma = 4 * len(a) / sum(square.sum() for square in squares)
    ab, cd, ad, bc = ((-gamma * square).exp() for square in squares)
    scale = STYLE * 3e14 / (channels * 2 * len(a))
    gradient = torch.zeros_like(x)
    gradient[pairs[0][0]] = gamma * (-ab[:, None] * (a - b) + ad[:, None] * (a - d))
    gradient[pairs[0][1]] = gamma * (-ab[:, None] * (b - a) + bc[:, None] * (b - c))
    value = (ab + cd - ad - bc).sum() / 2
    return scale * value.clamp(min=0), scale * gradient


class Descent:
    """The content's sum of squares at relu4_2, and one of the losses above at five layers."""

    def __init__(self, net, content, style, scale, of_style):
        self.net, self.of_style = net, of_style
        self.content = net(content)["relu4_2"]
        features = net(style)
        self.styles = [features[layer][0].flatten(1).T for layer in first_layers(5)]

    @staticmethod
    def pairs(side, step, layer, *counts):
        """Which positions are compared: drawn as jaxstyle draws them for its first term."""
        key = jax.random.key(0)
        for number in (side, step, 0, layer):
            key = jax.random.fold_in(key, number)
        orders = (
            torch.tensor(jax.random.permutation(k, count).tolist())
            for k, count in zip((key, jax.random.fold_in(key, 1)), counts, strict=True)
        )
        halves = [order[: len(order) // 2 * 2].reshape(2, -1) for order in orders]
        used = min(half.shape[1] for half in halves)
        places = (torch.arange(used) * half.shape[1] // used for half in halves)
        return [half[:, place] for half, place in zip(halves, places, strict=True)]

    def loss(self, image, step=0):
        features = self.net(image)
        total = ((features["relu4_2"] - self.content) ** 2).sum()
        for number, (layer, y) in enumerate(zip(first_layers(5), self.styles, strict=True)):
            x = features[layer][0].flatten(1).T
            pairs = self.pairs(max(image.shape[2:]), step, number, len(x), len(y))
            total = total + ByHand.apply(x, *self.of_style(x.detach(), y, pairs))
        return total

    def steps(self, image, count):
        """The code's loop, of the picture in 0–255 minus the mean."""
        point = 255 * image - MEAN
        optimizer = torch.optim.SGD([point], lr=1e-3, momentum=0.9)
        for step in range(count):
            leaf = point.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(self.loss((leaf + MEAN) / 255, step), leaf)
            norm = gradient.norm()
            point.grad = gradient * (gradient.numel() / norm if norm > gradient.numel() else 1)
            optimizer.step()
        return (point + MEAN) / 255


def oracle(of_style):
    make = partial(Descent, of_style=of_style)
    return Oracle(make, ("vgg16", "vgg16-caffe"), pooling="average")


ORACLES = {
    "mmd/linear": oracle(linear),
    "mmd/polynomial": oracle(polynomial),
    "mmd/gaussian": oracle(gaussian),
    "moments/code": oracle(statistics),
}
