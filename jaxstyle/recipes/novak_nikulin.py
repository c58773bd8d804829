"""Novak & Nikulin 2016: activations shifted, and a chain of correlations of all layers."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import COMMON, GRAM_METHOD, RESIZED, Method, Recipe

PAPER = Method(
    settings={
        **GRAM_METHOD,
        "metric": "correlation_chain",
        "backbone": "vgg19-normalized",
        # The picture of the 500th evaluation.
        "steps": 499,
    },
    weights={"correlation_chain": (1e9,), "mse": (1e6,)},
    sources=(
        "Paper: arXiv 1605.04603: geometric weights of layers (section 3.1), all layers (3.2), shifted "
        "activations (3.3), a correlation chain (3.5), as the README of "
        "github.com/titu1994/Neural-Style-Transfer lists them",
        "Formulas, a shift of −1 and shares halved from pair to pair: "
        "github.com/MrinalJain17/neural-style-transfer, losses.py",
        "Network, content and its weight, the weights' sum, 500 evaluations of L-BFGS from the content: "
        "as in gatys/normalized",
    ),
    deviations=(
        "The paper was at hand in its introduction alone, and no code of the authors is known: its "
        "terms are as others describe and implement them; its network, its weight of the content and "
        "its steps are not known here.",
        "The longest side is 512.",
        f"{RESIZED}.",
    ),
)

RECIPE = Recipe(
    name="novak_nikulin",
    meaning="shifted features of all layers, each with those of the next",
    settings={"metric": "correlation_chain"},
    constants=(
        "All 16 convolutions of VGG19 after their ReLU, activations shifted by −1, products with the "
        "next layer's; weights that halve from pair to pair."
    ),
    weights="VGG19",
    deviations=f"All 13 layers of VGG16. {COMMON}",
    bibtex=bibtex("Novak & Nikulin, arXiv 1605.04603"),
    methods={"paper": PAPER},
)
