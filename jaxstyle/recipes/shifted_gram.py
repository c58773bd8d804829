"""Berger & Memisevic 2016: Gram matrices of features and their translates, for regular textures.

Not the metric `shifted_gram`, which adds a number to features (Novak & Nikulin).
"""

import math

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import (
    CAFFE,
    CAFFE_WEIGHTS,
    COMMON,
    RESIZED,
    TORCH_ADAM,
    Method,
    Recipe,
)

PAPER = Method(
    settings={
        **TORCH_ADAM,
        "metric": (
            ("gram", 1.0),
            ("translated_gram", 1.0, ("relu1_1", "relu2_1", "relu3_1", "relu4_1")),
        ),
        "content_weight": 0.0,
        "backbone": "vgg16-caffe",
        "pooling": "average",
        "learning_rate": 1.0,
        "parametrization": "levels",
        "init": "imagenet_mean",
        # Uniform from −20 to 20.
        "init_noise": 20 / math.sqrt(3) / 255,
        "size": 512,
        # The picture that is written last.
        "steps": 9901,
    },
    # A quarter of 500; and of 20,000, a mean over four layers, with 0.33 for a third at the third.
    weights={"gram": (125.0,) * 5, "translated_gram": (1250.0, 1250.0, 1237.5, 1250.0)},
    sources=(
        "Paper: arXiv 1606.01286: products of features with their translates, besides Gram matrices",
        "A public implementation, github.com/ty625911724/texture_generation_master, main.py, utils.py "
        "and vgg_model.py: translations by 4, 8, … to an eighth of a layer's side, down and across, at "
        "relu1_1 to relu4_1; Gram matrices at relu1_1 to relu5_1; strengths 20,000 and 500, each over 4 "
        "channels² positions²; average pooling; 512 pixels; Adam at 1, 10,000 steps, of which the "
        "picture after 9,901 is written; no content",
    ),
    deviations=(
        "The paper was at hand in its abstract and introduction alone, and of the authors' code no "
        "file: its layers, translations, optimizer and steps are not known here.",
        CAFFE_WEIGHTS,
        "The start is normal noise on the mean color; theirs is a file of noise.",
        "Smaller layers have a translation by 4 as well, while they have positions so far apart.",
        f"{RESIZED}; theirs are made square.",
    ),
)

RECIPE = Recipe(
    name="shifted_gram",
    meaning="Gram matrices of features and their translates (not the metric shifted_gram)",
    settings={"metric": "gram=0.5+translated_gram=0.5"},
    constants=(
        "Translations by powers of two from 4 to an eighth of a layer's side, each counting the same, "
        "at 40 times the weight of Gram matrices (a public implementation)."
    ),
    weights=CAFFE,
    deviations=(
        "With a content term: the paper synthesizes textures. Translations at relu5_1 too, and as "
        f"much of them as of Gram matrices. {COMMON}"
    ),
    bibtex=bibtex("Berger & Memisevic, arXiv 1606.01286"),
    methods={"paper": PAPER},
)
