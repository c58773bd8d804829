"""What an accelerator's rounding does to a picture, imitated on a CPU.

TensorFloat-32: the factors of each product, of convolutions and of Gram matrices, there and back,
lose all but ten bits of their mantissas; sums are in float32. bfloat16: all features are. So does
the hardware, but for the order in which it adds. Then `pictures_of` of benchmarks/gpu.py, which
says the same of a real one.

Prediction: L-BFGS magnifies whatever differs, so that a picture in TensorFloat-32 is as far from
float32's as that of a start that a thousandth of a grey level was added to; in bfloat16 farther.

    OUT=FOLDER python benchmarks/rounding.py        (OUT: the pictures side by side)
"""

import jax
import jax.numpy as jnp
from gpu import pictures_of

from jaxstyle.backbones import extractor as networks
from jaxstyle.backbones import ops as building
from jaxstyle.metrics import gram

rounding = None
"""The precision of the run that is being traced."""


def rounded(x):
    """What is left of a factor."""
    short = rounding == "tensorfloat32" and x.dtype == jnp.float32
    return jax.lax.reduce_precision(x, 8, 10) if short else x


def convolution(x, kernel, *how, **more):
    """XLA's, of rounded factors, and so is its gradient by the picture."""
    kernel = rounded(kernel)

    def product(x):
        return jax.lax.conv_general_dilated(x, kernel, *how, **more)

    @jax.custom_vjp
    def found(x):
        return product(rounded(x))

    def back(x, slope):
        return jax.vjp(product, x)[1](rounded(slope))

    found.defvjp(lambda x: (found(x), x), back)
    return found(x)


products = gram._summed_products


@jax.custom_vjp
def second_moments(x):
    """Ours, of rounded factors."""
    return products(rounded(x), rounded(x))


def slope_of_moments(x, slope):
    """One product, as ours has it."""
    return jax.vjp(lambda y: products(y, rounded(x)), x)[1](rounded(slope + slope.T))


second_moments.defvjp(lambda x: (second_moments(x), x), slope_of_moments)


class Pretended:
    """A module, but for some of what is in it."""

    def __init__(self, module, **others):
        self.module = module
        self.__dict__.update(others)

    def __getattr__(self, name):
        return getattr(self.module, name)


of_extractor = networks.Extractor.rounding


def noticed(extractor):
    """Remember the precision of what is traced next."""
    global rounding
    rounding = extractor.precision
    return of_extractor(extractor)


def main():
    elsewhere = {"default_backend": lambda: "gpu"}
    networks.jax = Pretended(jax, **elsewhere)
    lax = Pretended(jax.lax, conv_general_dilated=convolution)
    building.jax = Pretended(jax, lax=lax, **elsewhere)
    gram._second_moments = second_moments
    networks.Extractor.rounding = noticed
    pictures_of()


if __name__ == "__main__":
    main()
