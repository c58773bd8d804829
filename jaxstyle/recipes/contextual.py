"""Mechrez, Talmi & Zelnik-Manor 2018: the contextual loss."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import CAFFE, COMMON, Recipe

RECIPE = Recipe(
    name="contextual",
    meaning="contextual similarity to the style and to the content",
    settings={
        "metric": "contextual@relu2_2,relu3_2,relu4_2",
        "content_metric": "contextual",
        "content_weight": 0.5,
    },
    constants=(
        "Style at conv2_2, conv3_2 and conv4_2, content at conv4_2, h = 0.1 for content and 0.2 "
        "for style; the released code has h = 0.5 and random pooling to 65² positions."
    ),
    weights=CAFFE,
    deviations=(
        "h = 0.5 throughout; 1,024 positions drawn at each step; content weight 0.5, by the same "
        f"metric; the released code trains a network. {COMMON}"
    ),
    bibtex=bibtex("Mechrez, Talmi & Zelnik-Manor, ECCV 2018"),
)
