"""Marron 2018 and Crowson 2021: transport between fitted Gaussians."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import COMMON, Recipe

RECIPE = Recipe(
    name="gaussian_wasserstein",
    meaning="optimal transport between fitted Gaussians",
    settings={"metric": "gaussian_wasserstein"},
    constants=(
        "Crowson's code: layers relu1_1 to relu5_1 weighted 256, 64, 16, 4, 1 (normalized), "
        "content weight 0.015 at relu4_2, total variation 2, Adam 0.02."
    ),
    weights="VGG19 (torchvision), features scaled per layer",
    deviations=f"Equal layer shares. {COMMON}",
    bibtex=bibtex("Crowson, style-transfer-pytorch"),
)
