"""Risser, Wilmot & Barnes 2017: Gram matrices stabilized by histograms."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import CAFFE, COMMON, TORCH_ADAM, Method, Recipe, Stage, Weights


def _weights(stage: Stage) -> Weights:
    """Gram matrices of sums over positions, which are squared: n² for those of means."""
    return {
        "gram": tuple(count**2 for count in stage.positions),
        "histogram": (2e9, 5e8, 1e8, 3.5e7, 3.5e7),
    }


CODE = Method(
    settings={
        **TORCH_ADAM,
        "metric": "gram+histogram@relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
        "content_weight": 0.0,
        "backbone": "vgg19",
        "learning_rate": 0.05,
        "parametrization": "imagenet",
        "init": "imagenet_mean",
        # Resizing to a quarter leaves 0.226, ImageNet's deviation.
        "init_noise": 1.06,
        "size": 512,
        "scales": 3,
        "scale_factor": 2.0,
        "steps": 1000,
        "coarse_steps": 1,
    },
    weights=_weights,
    sources=(
        "Code: github.com/pierre-wilmot/NeuralTextureSynthesis, the second author's, main.py: textures "
        "from noise, without a content; layers, weights 1 and 2e9 to 3.5e7, Adam at 0.05 in units of "
        "ImageNet's deviations, 128, 256 and 512 pixels, 1,000 steps each",
        "Matched histograms are constants for the gradient: main.py and histogram.cu",
    ),
    deviations=(
        "The picture has the content's proportions, theirs is a square; the style is as large as the "
        "picture, theirs keeps its own size. A style of other proportions counts as one of as many "
        "positions as the picture.",
        "Values are matched at their exact rank; theirs at the lower edge of one of 256 bins, values "
        "in one bin in the order in which a GPU counts them.",
        "Noise and pictures are resized by an antialiased Lanczos filter and clipped, theirs by nearest "
        "neighbors; pictures are padded to sixteenths of their longest side.",
        "The paper, on style transfer as well, was not at hand: the code has neither its content term "
        "nor its total variation, and weights in place of bounds on gradients (README).",
    ),
)

RECIPE = Recipe(
    name="histogram",
    meaning="Gram matrices and histograms together",
    settings={"metric": "gram+histogram@relu1_1,relu4_1=0.5"},
    constants="Histogram losses at relu1_1 and relu4_1, Gram at relu1_1 to relu4_1; 256 bins.",
    weights=CAFFE,
    deviations=(
        "Gram up to relu5_1 as well; the ratio 1 : 0.5 is ours, in calibrated units; exact ranks "
        f"instead of bins. {COMMON}"
    ),
    bibtex=bibtex("Risser, Wilmot & Barnes, arXiv 1701.08893"),
    methods={"code": CODE},
)
