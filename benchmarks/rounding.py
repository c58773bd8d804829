"""The effect of an accelerator's rounding on a picture, emulated on a CPU.

TensorFloat-32: the factors of each product, of convolutions and of Gram matrices, in the forward
and the backward pass, keep ten bits of their mantissas; sums are in float32. bfloat16: all features
are. The hardware does the same, except for the order of its sums. The pictures are those of
`pictures_by_precision` in benchmarks/gpu.py, which measures a real accelerator.

Prediction: L-BFGS amplifies any difference, so that a picture in TensorFloat-32 is as far from
float32's as one whose initial picture has noise of a thousandth of a gray level; in bfloat16
farther.

    OUT=FOLDER python benchmarks/rounding.py        (OUT: the pictures side by side)
"""

import jax
import jax.numpy as jnp
from gpu import pictures_by_precision

from jaxstyle.backbones import extractor, ops
from jaxstyle.metrics import gram

precision = None
"""The precision of the run that is being traced."""


def rounded(x):
    """Round a factor."""
    short = precision == "tensorfloat32" and x.dtype == jnp.float32
    return jax.lax.reduce_precision(x, 8, 10) if short else x


def convolution(x, kernel, *args, **options):
    """Convolve rounded factors, in the gradient with respect to the picture as well."""
    kernel = rounded(kernel)

    def product(x):
        return jax.lax.conv_general_dilated(x, kernel, *args, **options)

    @jax.custom_vjp
    def result(x):
        return product(rounded(x))

    def backward(x, cotangent):
        return jax.vjp(product, x)[1](rounded(cotangent))

    result.defvjp(lambda x: (result(x), x), backward)
    return result(x)


products = gram._summed_products


@jax.custom_vjp
def second_moments(x):
    """Compute second moments of rounded factors."""
    return products(rounded(x), rounded(x))


def backward_of_moments(x, cotangent):
    """Pull back with one product, as `gram` does."""
    return jax.vjp(lambda y: products(y, rounded(x)), x)[1](rounded(cotangent + cotangent.T))


second_moments.defvjp(lambda x: (second_moments(x), x), backward_of_moments)


class Patched:
    """A module with some of its contents replaced."""

    def __init__(self, module, **others):
        self.module = module
        self.__dict__.update(others)

    def __getattr__(self, name):
        return getattr(self.module, name)


original_rounding = extractor.Extractor.rounding


def recorded_rounding(self):
    """Record the precision of what is traced next."""
    global precision
    precision = self.precision
    return original_rounding(self)


def main():
    backend = {"default_backend": lambda: "gpu"}
    extractor.jax = Patched(jax, **backend)
    lax = Patched(jax.lax, conv_general_dilated=convolution)
    ops.jax = Patched(jax, lax=lax, **backend)
    gram._second_moments = second_moments
    extractor.Extractor.rounding = recorded_rounding
    pictures_by_precision()


if __name__ == "__main__":
    main()
