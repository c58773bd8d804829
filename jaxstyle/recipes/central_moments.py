"""Kalischek, Wegner & Schindler 2021: central moment discrepancy."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import COMMON, GRAM_CHANNELS, RESIZED, TORCH_ADAM, Method, Recipe

CODE = Method(
    settings={
        **TORCH_ADAM,
        "metric": "central_moments",
        "content_weight": 0.0,
        "backbone": "vgg19",
        "learning_rate": 0.1,
        "parametrization": "imagenet",
        "size": 720,
        "steps": 1000,
    },
    weights={"central_moments": tuple(1e3 / channels**2 for channels in GRAM_CHANNELS)},
    sources=(
        "Code: github.com/D1noFuzi/cmd_styletransfer, main.py and losses.py: the logistic function of "
        "conv1_1 to conv5_1 before their ReLU, five moments, layers by 1000 / channels², no content "
        "term (alpha 1), start from the content, Adam at 0.1 in units of ImageNet's deviations, 1,000 "
        "steps",
    ),
    deviations=(
        "The longest side is 720; theirs is the shorter.",
        "No early stop: theirs ends where the loss hardly changes any more.",
        f"{RESIZED}.",
    ),
)

RECIPE = Recipe(
    name="central_moments",
    meaning="five moments of each feature",
    settings={"metric": "central_moments"},
    constants=(
        "conv1_1 to conv5_1 through a logistic function, K = 5 moments weighted equally; the "
        "code: layers by 1000 / channels², Adam at 0.1, no content term by default, conv4_1 if any."
    ),
    weights="VGG19 (torchvision)",
    deviations=f"L-BFGS for Adam; equal shares of the layers. {COMMON}",
    bibtex=bibtex("Kalischek, Wegner & Schindler, CVPR 2021"),
    methods={"code": CODE},
)
