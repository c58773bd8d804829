"""Luan et al. 2017: Johnson's method, and a matting Laplacian in its second half."""

import torch

from support.oracles.gatys import NeuralStyle
from support.oracles.oracle import Oracle, lbfgs


def laplacian(image, ridge=1e-7):
    """Levin et al.'s matrix, of all pairs of pixels."""
    _, _, height, width = image.shape
    colors = image[0].flatten(1).T
    matrix = torch.zeros(len(colors), len(colors)).double()
    places = torch.arange(len(colors)).reshape(height, width)
    for row in range(height - 2):
        for column in range(width - 2):
            window = places[row : row + 3, column : column + 3].flatten()
            centered = colors[window] - colors[window].mean(0)
            covariance = centered.T @ centered / 9 + ridge / 9 * torch.eye(3).double()
            affinity = (1 + centered @ torch.linalg.solve(covariance, centered.T)) / 9
            matrix[window[:, None], window] += torch.eye(9).double() - affinity
    return matrix


class Photorealism(NeuralStyle):
    def __init__(self, net, content, style, scale):
        super().__init__(net, content, style, absolute=False)
        self.matrix = laplacian(content)

    def loss(self, image):
        channels = image[0].flatten(1)
        matting = sum(channel @ self.matrix @ channel for channel in channels)
        return super().loss(image) + 1e4 * matting

    def steps(self, image, count):
        return lbfgs(super().loss, image, count)


ORACLES = {
    "photorealism/code": Oracle(Photorealism, ("vgg16", "vgg16-caffe"), steps=1, at=999),
}
