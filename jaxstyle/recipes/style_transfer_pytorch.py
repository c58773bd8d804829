"""Crowson's style-transfer-pytorch: transport between Gaussians, and an average of iterates."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import COMMON, Method, Recipe

_SHARES = (256, 64, 16, 4, 1)

CODE = Method(
    settings={
        "metric": "iterated_gaussian_wasserstein",
        "content_metric": "mse",
        "regularizer": "total_variation_nine",
        "smoothness": 1.0,
        "backbone": "vgg19",
        "padding": "edge_first",
        "optimizer": "adam",
        "optimizer_parameter": {"b2": 0.99},
        "learning_rate": 0.02,
        "average": 0.99,
        "safeguard": "clip",
        "size": 512,
        "scale_factor": 2**0.5,
        "scales": 5,
        "first_steps": 1000,
        "steps": 500,
        "coarse_steps": 1,
    },
    weights={
        "iterated_gaussian_wasserstein": tuple(share / sum(_SHARES) for share in _SHARES),
        "mse": (0.015,),
        "total_variation_nine": (2.0,),
    },
    sources=(
        "Code: github.com/crowsonkb/style-transfer-pytorch, style_transfer.py, with StyleLossW2 and "
        "its defaults",
        "Layers, their weights, content 0.015, total variation 2, Adam at 0.02 with b2 0.99, sizes √2 "
        "apart from 128 to 512, 1,000 steps and then 500, clipping, average of iterates: stylize",
        "The first convolution alone repeats the edge: VGGFeatures; the roots: sqrtm.py",
    ),
    deviations=(
        "Adam's moments are resized to the next size as theirs, and besides divided by how many more "
        "pixels there are, as the gradients are.",
        "Pictures are resized by an antialiased Lanczos filter, theirs bicubically, the picture "
        "itself without antialiasing; they are padded to sixteenths of their longest side.",
        "Five sizes, where theirs are as many as lead from 128 pixels to the largest; a picture of "
        "less than 512 pixels is not enlarged.",
    ),
)

RECIPE = Recipe(
    name="style_transfer_pytorch",
    meaning="style-transfer-pytorch's defaults: transport between Gaussians, iterates averaged",
    settings={"metric": "gaussian_wasserstein", "regularizer": "total_variation_nine"},
    constants=(
        "Layers relu1_1 to relu5_1 weighted 256, 64, 16, 4, 1 (normalized), content weight 0.015 at "
        "relu4_2, total variation 2, Adam 0.02, sizes √2 apart, iterates averaged."
    ),
    weights="VGG19 (torchvision)",
    deviations=f"Equal layer shares; the last picture in place of an average. {COMMON}",
    bibtex=bibtex("Crowson, style-transfer-pytorch"),
    methods={"code": CODE},
)
