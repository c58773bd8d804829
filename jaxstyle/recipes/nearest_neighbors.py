"""Kolkin et al. 2022 (NNST): every feature replaced by its nearest neighbor in the style."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import COMMON, Recipe

RECIPE = Recipe(
    name="nearest_neighbors",
    meaning="every feature taken from the style",
    settings={"metric": "nearest_neighbor+palette=0.2", "content_weight": 0.2},
    constants=(
        "Hypercolumns of VGG16 from conv1_1 to conv4_3, centered, replaced by their nearest "
        "neighbors by cosine; 200 Adam steps per scale, rate 2e-3; then color by moments."
    ),
    weights="VGG16 (torchvision), the authors' code",
    deviations=(
        "The loss is that of artistic radiance fields (NNFM): layer by layer at relu3_1 and relu4_1, "
        "uncentered, matched at every step to the style as it stands; NNST fixes its targets from "
        "the content's features, rotates the style, and has no content term by default. A palette "
        f"term (0.2) instead of the color step; content weight 0.2. {COMMON}"
    ),
    bibtex=bibtex("Kolkin et al., arXiv 2203.13215"),
)
