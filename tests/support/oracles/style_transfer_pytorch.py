"""Crowson's style-transfer-pytorch: its second form, with transport between Gaussians."""

import torch
from torch.nn import functional as F  # noqa: N812

from support.oracles.oracle import Oracle, first_layers


class Root(torch.autograd.Function):
    """A square root by twelve iterations, and its gradient by as many."""

    @staticmethod
    def forward(ctx, a):
        norm = a.square().sum().sqrt()
        eye = torch.eye(len(a), dtype=a.dtype)
        y, z = a / norm, eye
        for _ in range(12):
            t = 1.5 * eye - 0.5 * (z @ y)
            y, z = y @ t, t @ z
        root = y * norm.sqrt()
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx, g):
        (z,) = ctx.saved_tensors
        norm = z.square().sum().sqrt()
        a, q = z / norm, g / norm
        eye = torch.eye(len(a), dtype=a.dtype)
        for _ in range(12):
            e = 3 * eye - a @ a
            q = 0.5 * (q @ e - a.T @ (a.T @ q - q @ a))
            a = 0.5 * (a @ e)
        return q / 2


def gaussian(x):
    x = x[0].flatten(1)
    mean, raw = x.mean(1), x @ x.T / x.shape[1]
    return mean, raw - torch.outer(mean, mean) + 1e-4 * torch.eye(len(x), dtype=x.dtype)


def stencil(image):
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    right = (padded[..., 1:-1, 2:] - image).square().mean() / 3
    below = (padded[..., 2:, 1:-1] - image).square().mean() / 3
    falling = (padded[..., 1:, 1:] - padded[..., :-1, :-1]).square().mean() / 12
    rising = (padded[..., 1:, :-1] - padded[..., :-1, 1:]).square().mean() / 12
    return 2 * (right + below + falling + rising)


class Crowson:
    def __init__(self, net, content, style, scale):
        self.net, self.content = net, net(content)["relu4_2"]
        self.targets = []
        for layer in first_layers(5):
            mean, covariance = gaussian(net(style)[layer])
            self.targets.append((mean, covariance, Root.apply(covariance)))

    def loss(self, image):
        features = self.net(image)
        total = 0.015 * F.mse_loss(features["relu4_2"], self.content)
        for weight, layer, target in zip(
            (256, 64, 16, 4, 1), first_layers(5), self.targets, strict=True
        ):
            mean, covariance = gaussian(features[layer])
            other, theirs, root = target
            cross = Root.apply(root @ covariance @ root)
            spread = torch.diagonal(theirs + covariance - 2 * cross).mean()
            total = total + weight / 341 * ((mean - other).square().mean() + spread)
        return total + 2 * stencil(image)

    def steps(self, image, count):
        point = image.clone().requires_grad_()
        optimizer = torch.optim.Adam([point], lr=0.02, betas=(0.9, 0.99))
        value, left = 0.01 * image, 0.99
        for _ in range(count):
            optimizer.zero_grad()
            self.loss(point).backward()
            optimizer.step()
            with torch.no_grad():
                point.clamp_(0, 1)
            value, left = 0.99 * value + 0.01 * point.detach(), left * 0.99
        return value / (1 - left)


ORACLES = {
    "style_transfer_pytorch/code": Oracle(
        Crowson, ("vgg16", "vgg19-normalized"), scales=(0, 1), padding="edge_first"
    )
}
