"""Liu et al. 2016, as Gonthier et al. compute it: a projection onto pictures with one spectrum."""

import torch

from support.oracles.gatys_more import Texture
from support.oracles.oracle import Oracle


class Spectrum(Texture):
    def __init__(self, net, content, style, scale):
        super().__init__(net, content, style, scale)
        self.sample = style

    @staticmethod
    def distance(image, sample):
        # Theirs subtracts ImageNet's mean, which decides about the sign of the mean alone.
        x, a = (torch.fft.fft2(255 * picture) for picture in (image, sample))
        product = (x * a.conj()).sum(1, keepdim=True)
        nearest = torch.fft.ifft2(product / (product.abs() + 1e-16) * a).real
        return (255 * image - nearest.detach()) ** 2

    def spectrum(self, image):
        """Of a sample of three quarters of the height: two windows, which share the middle half."""
        rows = self.sample.shape[2]
        above, below = (
            self.distance(part, self.sample) for part in (image[:, :, :rows], image[:, :, -rows:])
        )
        shared = 2 * rows - image.shape[2]
        above[:, :, -shared:] /= 2
        below[:, :, :shared] /= 2
        return (above.sum() + below.sum()) / 2

    def loss(self, image):
        # The mean over layers of what Gatys et al. add up.
        return super().loss(image) / 5 + 1e5 * self.spectrum(image) / image.numel()


ORACLES = {
    # SciPy's line search is another.
    "spectrum/code": Oracle(Spectrum, ("vgg16", "vgg19-normalized"), steps=0, pooling="average"),
}
