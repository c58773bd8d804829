"""Liu et al. 2016, as Gonthier et al. compute it: a projection onto pictures with one spectrum."""

import torch
from torch.nn import functional as F  # noqa: N812

from support.oracles.gatys_more import Texture
from support.oracles.oracle import Oracle


class Spectrum(Texture):
    def __init__(self, net, content, style, scale):
        super().__init__(net, content, style, scale)
        self.sample = self.extended(style, content.shape[2:])

    @staticmethod
    def extended(style, size):
        """The sample in a larger picture of its mean color, of the same variance."""
        _, _, height, width = style.shape
        mean = style.mean((2, 3), keepdim=True)
        gain = (size[0] * size[1] / height / width) ** 0.5
        return mean + gain * F.pad(style - mean, (0, size[1] - width, 0, size[0] - height))

    def spectrum(self, image):
        # Theirs subtracts ImageNet's mean, which decides about the sign of the mean alone.
        x, a = (torch.fft.fft2(255 * picture) for picture in (image, self.sample))
        product = (x * a.conj()).sum(1, keepdim=True)
        nearest = torch.fft.ifft2(product / (product.abs() + 1e-16) * a).real
        return ((255 * image - nearest) ** 2).sum() / 2

    def loss(self, image):
        # The mean over layers of what Gatys et al. add up.
        return super().loss(image) / 5 + 1e5 * self.spectrum(image) / image.numel()


ORACLES = {
    # SciPy's line search is another.
    "spectrum/code": Oracle(Spectrum, ("vgg16", "vgg19-normalized"), steps=0, pooling="average"),
}
