"""What an accelerator's rounding does to a picture, imitated on a CPU.

TensorFloat-32: the factors of each product, of convolutions and of Gram matrices, there and back,
lose all but ten bits of their mantissas; sums are in float32. bfloat16: all features are. So does
the hardware, but for the order in which it adds. Then `pictures_of` of benchmarks/gpu.py, which
says the same of a real one.

Prediction: L-BFGS magnifies whatever differs, so that a picture in TensorFloat-32 is as far from
float32's as that of a start that a thousandth of a grey level was added to; in bfloat16 farther.

    OUT=FOLDER python benchmarks/rounding.py        (OUT: the pictures side by side)
"""

from functools import partial

import jax
import jax.numpy as jnp
from gpu import pictures_of

from jaxstyle.backbones import building, networks
from jaxstyle.metrics import gram

rounding = None
"""The precision of the run that is being traced."""


def rounded(x):
    """What is left of a factor."""
    short = rounding == "tensorfloat32" and x.dtype == jnp.float32
    return jax.lax.reduce_precision(x, 8, 10) if short else x


def with_rounded_factors(product):
    """A product of two whose factors are rounded, and those of its gradient."""

    @jax.custom_vjp
    def found(x, y):
        return product(rounded(x), rounded(y))

    def there(x, y):
        return found(x, y), (x, y)

    def back(factors, slope):
        _, pulled = jax.vjp(product, *map(rounded, factors))
        return pulled(rounded(slope))

    found.defvjp(there, back)
    return found


def convolution(x, kernel, *how, **more):
    """XLA's, of rounded factors."""
    product = partial(jax.lax.conv_general_dilated, window_strides=how[0], padding=how[1], **more)
    return with_rounded_factors(lambda x, kernel: product(x, kernel))(x, kernel)


class Pretended:
    """A module, but for some of what is in it."""

    def __init__(self, module, **others):
        self.module = module
        self.__dict__.update(others)

    def __getattr__(self, name):
        return getattr(self.module, name)


def noticed(extractor, precision):
    """Remember the precision of what is traced next."""
    global rounding
    rounding = extractor.precision
    return precision(extractor)


def main():
    elsewhere = {"default_backend": lambda: "gpu"}
    networks.jax = Pretended(jax, **elsewhere)
    lax = Pretended(jax.lax, conv_general_dilated=convolution)
    building.jax = Pretended(jax, lax=lax, **elsewhere)
    gram._summed_products = with_rounded_factors(gram._summed_products)
    of_extractor = networks.Extractor.rounding
    networks.Extractor.rounding = lambda self: noticed(self, of_extractor)
    pictures_of()


if __name__ == "__main__":
    main()
