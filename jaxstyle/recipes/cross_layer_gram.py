"""Yeh & Tang 2018: Gram matrices across layers, and a product of losses."""

from itertools import pairwise

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import (
    CAFFE,
    CAFFE_WEIGHTS,
    COMMON,
    GRAM_CHANNELS,
    RESIZED,
    SEARCHED,
    Method,
    Recipe,
)

_LAYERS = tuple(f"relu{block}_1" for block in range(1, 6))
_NAMES = ("inter_layer_gram", *(f"inter_layer_gram#{number}" for number in (2, 3, 4)))

PAPER = Method(
    settings={
        # Not from the content: there the product is zero, and so is its gradient.
        **SEARCHED,
        "metric": tuple(("inter_layer_gram", 1.0, pair) for pair in pairwise(_LAYERS)),
        "combination": "product",
        "backbone": "vgg16-caffe",
        "size": 512,
        "steps": 100,
    },
    weights={
        **{name: (1 / n**2,) for name, n in zip(_NAMES, GRAM_CHANNELS, strict=False)},
        "mse": (1.0,),
    },
    sources=(
        "Paper: arXiv 1801.01933: Gram matrices across layers in place of those within, the style's "
        "loss times the content's",
        "Code of the same group for another paper (Bhattad et al., ICLR 2020), "
        "github.com/AI-secure/Big-but-Invisible-Adversarial-Attack, tadv/iclr_tadv.py: pairs of "
        "consecutive layers of relu1_1 to relu5_1, the deeper one interpolated bilinearly, divided by "
        "positions; weights in the ratios of 1 / channels² of the shallower one; content at relu4_2; "
        "max pooling; L-BFGS",
    ),
    deviations=(
        CAFFE_WEIGHTS,
        "The paper was at hand in its abstract alone: its weights, start, size and steps are not known "
        "here. Noise of one level and 512 pixels are those of Gatys et al.'s programs; 100 steps, because "
        "the product is least, zero, at the content, to which more of them return (tried).",
        "L-BFGS has a line search: from a flat start the product curves downwards, and PyTorch's "
        "default, without one, leaves the picture for good (tried).",
        "The code divides each loss by the deviation of the picture's matrix, which it needs to deceive "
        "classifiers, and gives the network pixels in [0, 1] less the mean, where it expects 0–255.",
        f"{RESIZED}; odd sides are rounded down where they are pooled.",
    ),
)

RECIPE = Recipe(
    name="cross_layer_gram",
    meaning="Gram matrices across neighboring layers",
    settings={"metric": "cross_layer_gram"},
    constants=(
        "Pairs of neighbors of relu1_1 to relu5_1 by 1 / channels² (the group's code); the style's "
        "loss times the content's, which needs no weight between them."
    ),
    weights=CAFFE,
    deviations=(
        "A sum of losses instead of the product; differences relative to the style's matrices; the "
        f"deeper layer resized to the nearest positions. {COMMON}"
    ),
    bibtex=bibtex("Yeh & Tang, arXiv 1801.01933", "Bhattad et al., ICLR 2020"),
    methods={"paper": PAPER},
)
