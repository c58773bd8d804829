"""Gatys, Ecker & Bethge 2016: the original method."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import (
    CAFFE,
    CAFFE_WEIGHTS,
    COMMON,
    GRAM_CHANNELS,
    GRAM_METHOD,
    RESIZED,
    Method,
    Recipe,
)

_SIZES = f"{RESIZED}; odd sides are rounded down where they are pooled, theirs up."

NORMALIZED = Method(
    settings={
        **GRAM_METHOD,
        "backbone": "vgg19-normalized",
        # The picture of the 500th evaluation.
        "steps": 499,
    },
    weights={"gram": (1e9 / 5,) * 5, "mse": (1e6,)},
    sources=(
        "Code: github.com/leongatys/NeuralImageSynthesis, the authors', for the paper's network, VGG19 "
        "with filters of mean activation 1",
        "Layers, weights 1e9/5 and 1e6, 500 evaluations, start from the content, max pooling: "
        "BasicStyleTransfer.ipynb, 'norm'",
        "Losses, Gram matrices divided by positions: LossLayers.lua; L-BFGS: ImageSynthesis.lua",
    ),
    deviations=(
        "The longest side is 512; theirs is the root of the area.",
        _SIZES,
        "The paper has average pooling (--pooling average) and begins with white noise (section 3.3, "
        "--init noise), and its weights are of sums over all positions and channels.",
    ),
)
NOTEBOOK = Method(
    settings={
        **GRAM_METHOD,
        "backbone": "vgg16-caffe",
        # 26 calls of 20 evaluations each.
        "steps": 520,
    },
    weights={"gram": tuple(1e3 / channels**2 for channels in GRAM_CHANNELS), "mse": (1.0,)},
    sources=(
        "Code: github.com/leongatys/PytorchNeuralStyleTransfer, NeuralStyleTransfer.ipynb",
        "Layers, weights 1e3 / channels² and 1, start from the content, max pooling, 520 steps of "
        "L-BFGS in PyTorch's defaults",
    ),
    deviations=(CAFFE_WEIGHTS, "The longest side is 512; theirs is the shorter.", _SIZES),
)

RECIPE = Recipe(
    name="gatys",
    meaning="Gram matrices at five layers, features at one",
    settings={"metric": "gram", "pooling": "average", "smoothness": 0.0},
    constants=(
        "Content at conv4_2, style at conv1_1 to conv5_1 each weighted 1/5 (section 2.3); "
        "content to style weight 5e-4 to 5e-3 (figure 3). The authors' notebook: L-BFGS, 520 "
        "steps, content 1, style 1000 / channels² per layer, Gram divided by positions."
    ),
    weights=CAFFE,
    deviations=(
        "The rectified layers, as in the authors' notebook. Average pooling (which the paper "
        "recommends in a footnote), no total variation. Start from the content, as in the notebook; "
        f"section 3.3 of the paper starts from white noise. {COMMON}"
    ),
    bibtex=bibtex("Gatys, Ecker & Bethge, CVPR 2016"),
    methods={"normalized": NORMALIZED, "notebook": NOTEBOOK},
)
