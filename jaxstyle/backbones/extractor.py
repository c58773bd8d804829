"""Pictures in, named features out: the same pure function for every network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle._util.arguments import names, shown
from jaxstyle.backbones import find
from jaxstyle.backbones.bands import Bands
from jaxstyle.backbones.ops import Network
from jaxstyle.backbones.record import Backbone, ReceptiveField
from jaxstyle.settings import PrecisionName
from jaxstyle.specs import OPEN, LayerRef, PaddingName, PoolingName, Wrap, wrap_of

Dtype = Literal["float32", "bfloat16"]
Parameters = Mapping[str, Mapping[str, Float[Array | np.ndarray, "..."]]]


def features(
    params: Parameters,
    image: Float[Array, "*batch h w 3"],
    layers: str | Sequence[str],
    *,
    architecture: str | Backbone = "vgg16",
    pooling: PoolingName = "max",
    padding: PaddingName = "zeros",
    recompute: bool = False,
    dtype: Dtype = "float32",
    wrap: Wrap = OPEN,
) -> dict[str, Float[Array, "*batch _h _w _c"]]:
    """Return features of a picture at the named layers; nothing above the deepest is computed.

    >>> import jax.numpy as jnp
    >>> from jaxstyle.weights.registry import load
    >>> photos = jnp.zeros((2, 24, 32, 3))
    >>> features(load("vgg16").tensors, photos, ["relu2_1"])["relu2_1"].shape
    (2, 12, 16, 128)

    Args:
        params: Weights as `jaxstyle.weights.registry.load` returns them. Never trained: take
            gradients with respect to `image` alone.
        image: sRGB picture, values in [0, 1], or a batch of them; normalization happens inside.
        layers: Names such as `"relu3_1"`, or `"conv4_2"` for the value before the ReLU: see
            `Backbone.layers`. One, or several.
        architecture: The one that `params` belong to: a record, or a name such as `"vgg16"`.
        pooling: `"max"`, as trained, `"average"`, which Gatys et al. found to look smoother, or
            `"hanning"`, the root of a weighted mean square, as in DISTS.
        padding: What surrounds each convolution's input: `"zeros"`, as trained, `"reflect"`,
            `"edge"`, or `"edge_first"`, the edge of the picture and zeros around features, as in
            Crowson's style-transfer-pytorch, or `"wrap"`, the opposite edge, exact where each side
            is a multiple of the deepest layer's stride. The normalized VGG19 was rescaled with
            `"reflect"`.
        recompute: Keep only what lies between blocks for the backward pass, and compute the rest
            again (`jax.checkpoint`): less memory for a third more time.
        dtype: What the network computes with: `"bfloat16"` has the range of float32 and 8 bits of
            its 24, for half the bytes.
        wrap: Whether the rows, and whether the columns, of a picture continue at its opposite edge,
            whatever `padding` is along the other axis.

    Returns:
        For each layer its features, of shape (height, width, channels), of that `dtype`.

    Raises:
        ValueError: An unknown architecture, layer, pooling, padding or dtype, or a picture so small
            that nothing is left of it at the deepest layer.

    References:
        VGG: Simonyan & Zisserman 2014, configurations D and E; names as in Gatys et al. 2016.
        ResNet: He et al. 2016, table 1. AlexNet: Krizhevsky 2014, as in torchvision.
    """
    layers = tuple(dict.fromkeys(names("layers", layers)))
    backbone = architecture if isinstance(architecture, Backbone) else find(architecture)
    backbone.check_layers(layers)
    check_how(pooling=pooling, padding=padding, dtype=dtype)
    _check(image, backbone, layers)
    if not layers:
        return {}
    network = Network(backbone, layers, pooling, padding, recompute, dtype, wrap)
    compute: Callable[[Array], Any] = partial(network.apply, {"params": params})
    for _ in image.shape[:-3]:
        compute = jax.vmap(compute)
    values: dict[str, Float[Array, "*batch _h _w _c"]] = compute(image)
    return values


_CHOICES = {"pooling": PoolingName, "padding": PaddingName, "dtype": Dtype}


def check_how(**choices: Any) -> None:
    """Raise a `ValueError` if a pooling, padding or dtype does not exist."""
    for name, value in choices.items():
        known = get_args(_CHOICES[name])
        if not (isinstance(value, str) and value in known):
            raise ValueError(f"expected {name} to be one of {', '.join(known)}, got {shown(value)}")


def _check(image: Float[Array, ...], backbone: Backbone, layers: Sequence[str]) -> None:
    shape = image.shape[-3:]
    if len(shape) != 3 or shape[2] != 3:
        raise ValueError(f"expected a picture of shape (height, width, 3), got {shape}")
    if not jnp.issubdtype(image.dtype, jnp.floating):
        raise ValueError(f"expected a picture of floats in [0, 1], got {image.dtype}")
    if min(shape[:2]) < (least := backbone.min_side(layers)):
        raise ValueError(
            f"a picture of {shape[1]} × {shape[0]} pixels is too small for {layers[-1]}: "
            f"each side needs at least {least}"
        )


_BINOMIAL = (0.05, 0.25, 0.4, 0.25, 0.05)


def halved(
    image: Float[Array, "*batch h w 3"], wrap: Wrap = OPEN
) -> Float[Array, "*batch _k _l 3"]:
    """Blur a picture and keep every other row and column: the next octave of a Gaussian pyramid.

    >>> import jax.numpy as jnp
    >>> halved(jnp.ones((5, 8, 3))).shape
    (3, 4, 3)

    References:
        Burt & Adelson, "The Laplacian Pyramid as a Compact Image Code" (IEEE Transactions on
        Communications 31, 1983), with a = 0.4. Deviation: the edge is repeated at the border, or
        of a picture that wraps continued by the opposite one.
    """
    for axis, wraps in zip((-3, -2), wrap, strict=True):
        along = jnp.moveaxis(image, axis, -1)
        count = -(-along.shape[-1] // 2)
        ends = [(0, 0)] * (image.ndim - 1) + [(2, 2)]
        padded = jnp.pad(along, ends, mode="wrap" if wraps else "edge")
        parts = [padded[..., k : k + 2 * count - 1 : 2] for k in range(5)]
        blurred = sum(w * p for w, p in zip(_BINOMIAL, parts, strict=True))
        image = jnp.moveaxis(blurred, -1, axis)
    return image


@dataclass(frozen=True)
class Extractor:
    """Computes the features at layers of several networks; each network runs once.

    A static value: equal ones share compiled programs.

    Attributes:
        layers: Each names its network.
        backbones: The record of each network, by the network's name.
        pooling: For layers that do not choose theirs.
        padding: Likewise.
        recompute: As in `features`.
        precision: What a device other than a CPU may round to, see `jaxstyle.settings.Settings`.
        bands: How a picture, and so its features, is divided among devices; None for one device.
        wrap: As in `features`, of every network, those with a fixed padding too.
    """

    layers: tuple[LayerRef, ...]
    backbones: tuple[tuple[str, Backbone], ...]
    pooling: PoolingName = "max"
    padding: PaddingName = "zeros"
    recompute: bool = False
    precision: PrecisionName = "tensorfloat32"
    bands: Bands | None = None
    wrap: Wrap = OPEN

    @property
    def of_styles(self) -> Extractor:
        """The same, of pictures that end at their edges: styles, whatever the picture made does."""
        return replace(self, wrap=OPEN)

    @property
    def around(self) -> Wrap:
        """Along which axes pictures continue at the opposite edge."""
        return wrap_of(self.padding) if self.wrap == OPEN else self.wrap

    @property
    def unwrapped(self) -> Extractor:
        """The same, of pictures that are continued over their edges already."""
        return replace(self, wrap=OPEN, padding="edge" if self.padding == "wrap" else self.padding)

    @property
    def stride(self) -> int:
        """Pixels between two positions of the deepest layer; 1 without layers."""
        return max((field.stride for field in self.receptive_fields().values()), default=1)

    def __call__(
        self, params: Mapping[str, Parameters], image: Float[Array, "*batch h w 3"]
    ) -> dict[str, Float[Array, "*batch _h _w _c"]]:
        """Return the features by `str` of their `LayerRef`, with weights by the network's name."""
        image = self.divided(image, image.shape[-3:])
        runs: dict[tuple[Any, ...], list[LayerRef]] = {}
        for ref in self.layers:
            how = ref.backbone, ref.pooling, ref.padding, ref.octave
            runs.setdefault(how, []).append(ref)
        is_half = self.precision == "bfloat16" and jax.default_backend() != "cpu"
        values, octaves = {}, [image]
        for _ in range(max((ref.octave for ref in self.layers), default=0)):
            octaves.append(halved(octaves[-1], self.around))
        for (name, pooling, padding, octave), refs in runs.items():
            with self.rounding():
                taken = features(
                    params[name],
                    octaves[octave],
                    [ref.layer for ref in refs],
                    architecture=self._backbone(refs[0]),
                    pooling=pooling or self.pooling,
                    padding=padding or self.padding,
                    recompute=self.recompute,
                    dtype="bfloat16" if is_half else "float32",
                    wrap=self.wrap,
                )
            values.update({str(ref): taken[ref.layer] for ref in refs})
        return values

    def divided(self, tree: Any, shape: Sequence[int]) -> Any:
        """Within a program, divide the arrays with a picture's shape among the devices."""
        return self.bands.constrained(tree, shape) if self.bands else tree

    def rounding(self) -> AbstractContextManager[Any]:
        """Return a context in which matrix products are traced to round as `precision` says."""
        context: AbstractContextManager[Any] = jax.default_matmul_precision(self.precision)
        return context

    def receptive_fields(self) -> dict[str, ReceptiveField]:
        """Return the pixels that a position of each layer depends on."""
        fields = {}
        for ref in self.layers:
            field = self._backbone(ref).receptive_field(ref.layer, ref.pooling or self.pooling)
            for _ in range(ref.octave):
                field = ReceptiveField(2 * field.stride, 2 * field.first - 2, 2 * field.last + 2)
            fields[str(ref)] = field
        return fields

    def _backbone(self, ref: LayerRef) -> Backbone:
        return next(backbone for name, backbone in self.backbones if name == ref.backbone)


def extractor(
    layers: Iterable[LayerRef],
    backbones: Mapping[str, Backbone],
    *,
    pooling: PoolingName = "max",
    padding: PaddingName = "zeros",
    precision: PrecisionName = "tensorfloat32",
    wrap: Wrap = OPEN,
) -> Extractor:
    """Return the `Extractor` of layers, whose attributes these are; repeated layers count once."""
    named = tuple(sorted(backbones.items(), key=lambda item: item[0]))
    layers = tuple(dict.fromkeys(layers))
    return Extractor(layers, named, pooling, padding, precision=precision, wrap=wrap)
