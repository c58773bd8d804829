"""Risser et al.: Gram matrices and histograms at five layers, as Wilmot's code weighs them."""

from functools import partial

import torch
from torch.nn import functional as F  # noqa: N812

from support.oracles.oracle import Oracle, first_layers, gram, stepped


class Histogram:
    """Gram matrices that are sums, of a style resized to the picture's number of positions.

    The code's order within a bin is that in which threads arrive: here all values are in order,
    and those that are equal, up to float32's rounding, share what belongs to them.
    """

    weights = (2e9, 5e8, 1e8, 3.5e7, 3.5e7)

    def __init__(self, net, content, style, scale):
        self.net = net
        features, positions = net(style), net(content)
        self.targets = []
        for layer in first_layers(5):
            y, count = features[layer], positions[layer][0, 0].numel()
            ordered = y[0].flatten(1).sort(1).values
            if ordered.shape[1] != count:
                ordered = F.interpolate(ordered[None], size=count, mode="linear")[0]
            self.targets.append((gram(y) * (count / y[0, 0].numel()), ordered))

    @staticmethod
    def matched(x, ordered):
        """What belongs to each value, and what the equal ones leave of the distance."""
        values, left = torch.empty_like(x), 0.0
        rounded = (x / x.max() * 2**18).round()
        for channel, (row, target) in enumerate(zip(rounded, ordered, strict=True)):
            _, group, sizes = row.unique(return_inverse=True, return_counts=True)
            means = torch.stack([part.mean() for part in target.split(sizes.tolist())])
            values[channel] = means[group]
            left = left + ((target - means.repeat_interleave(sizes)) ** 2).sum()
        return values, left / x.numel()

    def loss(self, image):
        features, total = self.net(image), 0
        for layer, (products, ordered), weight in zip(
            first_layers(5), self.targets, self.weights, strict=True
        ):
            x = features[layer]
            total = total + F.mse_loss(gram(x), products)
            x = x[0].flatten(1)
            values, left = self.matched(x.detach(), ordered)
            total = total + weight * (F.mse_loss(x, values) + left)
        return total

    def steps(self, image, count):
        deviations = torch.tensor([0.229, 0.224, 0.225]).double()[:, None, None]
        return stepped(self.loss, image, count, partial(torch.optim.Adam, lr=0.05), 1 / deviations)


ORACLES = {"histogram/code": Oracle(Histogram, ("vgg16", "vgg19-normalized"))}
