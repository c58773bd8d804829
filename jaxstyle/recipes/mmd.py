"""Li, Wang, Liu & Hou 2017: style transfer as maximum mean discrepancy."""

from collections.abc import Callable, Mapping
from typing import Any

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import (
    CAFFE,
    CAFFE_WEIGHTS,
    COMMON,
    GRAM_CHANNELS,
    RESIZED,
    Method,
    Recipe,
    Stage,
    Weights,
)

SETTINGS: Mapping[str, Any] = {
    "content_metric": "mse",
    "backbone": "vgg16-caffe",
    "pooling": "average",
    "optimizer": "momentum",
    "optimizer_parameter": {"longest": 1.0},
    "learning_rate": 1e-3,
    "rate_decay": (0.9, 80),
    "parametrization": "levels",
    "init": "imagenet_mean",
    # As uniform noise from -0.1 to 0.1 levels has it.
    "init_noise": 0.1 / 3**0.5 / 255,
    "size": 600,
    "steps": 1000,
}
"""What the code's four losses share."""
SOURCES = (
    "Code: github.com/lyttonhao/Neural-Style-MMD, the authors', in the defaults of neural-style.py: "
    "layers, start from noise, 600 pixels, gradients no longer than they have values, momentum 0.9, "
    "rate 1e-3, 0.9 of it each 80 steps, 1,000 steps",
    "Average pooling: model_vgg19.py; content, the sum of squares at relu4_2: get_loss",
)
DEVIATIONS = (
    CAFFE_WEIGHTS,
    "The style keeps its proportions; theirs is resized to the content's height and width. It counts "
    "as one of as many positions as the picture.",
    "No total variation (0.01) and no weight decay (5e-4), which theirs adds to the gradient after "
    "its length is bounded: what the bound leaves is thousands of times as long.",
    "No early stop, which theirs makes where a step changes less than 0.005 of the picture minus the "
    "mean color; and no denoising of the result.",
    "The decay of the rate applies to the momentum at once, in theirs to later gradients alone.",
    "Pixels are multiplied by 255, theirs by 256.",
    f"{RESIZED}.",
)


def weights(name: str, of_style: Callable[[list[int]], list[float]]) -> Callable[[Stage], Weights]:
    """Return weights that make our gradients the code's, which it writes out by hand.

    Args:
        name: The style metric.
        of_style: From the number of positions at each layer to the metric's weights.
    """

    def at(stage: Stage) -> Weights:
        counts = stage.positions
        return {name: tuple(of_style(counts)), "mse": (512.0 * counts[3],)}

    return at


LINEAR = Method(
    settings={**SETTINGS, "metric": "mmd_linear"},
    # Each position gets 5 × 2e3 / C times the difference of the means.
    weights=weights("mmd_linear", lambda counts: [5 * 2e3 / 2 * n for n in counts]),
    sources=(*SOURCES, "Gradient: mmd_loss.py, 'linear'; its weights 5 (run.sh) and 2e3"),
    deviations=DEVIATIONS,
)
POLYNOMIAL = Method(
    settings={**SETTINGS, "metric": "gram"},
    # Each position x gets 5 × 0.1 / C² times x times the difference of the mean products.
    weights=weights("gram", lambda counts: [5 * 0.1 / 4 * n for n in counts]),
    sources=(*SOURCES, "Gradient: mmd_loss.py, 'poly' with c = 0; its weights 5 (run.sh) and 0.1"),
    deviations=DEVIATIONS,
)
GAUSSIAN = Method(
    settings={
        **SETTINGS,
        "metric": (("mmd_pairs", 1.0, [f"relu{block}_1" for block in range(1, 6)]),),
        # More than there are: all, paired anew at each step.
        "positions": 10**6,
    },
    # The gradient of half the sum over n / 2 pairs, times 5 × 3e14 / (C n).
    weights=weights("mmd_pairs", lambda counts: [5 * 3e14 / 4 / c for c in GRAM_CHANNELS]),
    sources=(
        *SOURCES,
        "Gradient, pairs, bandwidth: mmd_loss.py, 'gaussian'; its weights 5 (run.sh) and 3e14",
    ),
    deviations=(
        *DEVIATIONS,
        "Where the style has fewer positions, as many of the picture's are drawn and paired.",
    ),
)

RECIPE = Recipe(
    name="mmd",
    meaning="distributions of features compared through kernels: linear, polynomial or Gaussian",
    settings={"metric": "mmd"},
    constants=(
        "Gaussian, linear and quadratic kernels at relu1_1 to relu5_1; the Gaussian's bandwidth is "
        "the mean squared distance of sampled pairs."
    ),
    weights=CAFFE,
    deviations=f"The Gaussian kernel at relu3_1 and relu4_1, its bandwidth pooled at each step. {COMMON}",
    bibtex=bibtex("Li et al., IJCAI 2017"),
    methods={"linear": LINEAR, "polynomial": POLYNOMIAL, "gaussian": GAUSSIAN},
)
