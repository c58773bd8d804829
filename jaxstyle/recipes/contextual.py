"""Mechrez, Talmi & Zelnik-Manor 2018: the contextual loss."""

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

CODE = Method(
    settings={
        **TORCH_ADAM,
        "metric": "contextual@relu3_2,relu4_2",
        "content_metric": "contextual",
        "positions": 65**2,
        "backbone": "vgg16-caffe",
        "pooling": "average",
        "learning_rate": 0.01,
        "size": 256,
        "steps": 500,
    },
    weights={"contextual": (1.0, 1.0), "contextual#2": (1.0,)},
    sources=(
        "Code: github.com/roimehrez/contextualLoss, the authors', single_image_animation.py: style and "
        "content by the same loss, 256 pixels",
        "Layers, weights 1, h = 0.5, at most 65² positions: config.py; average pooling: vgg_model.py",
        "Loss: CX/CSFlow.py",
    ),
    deviations=(
        "The pixels are optimized, by Adam at 0.01 in 500 steps from the content; theirs trains a "
        "network on pictures like it, by Adam at 1e-4 in 10 epochs.",
        CAFFE_WEIGHTS,
        "The longest side is 256; theirs are squares of 256.",
        "Above 65² positions, which 256 pixels do not have, those of the style are not where those of "
        "the picture are, and each layer draws its own.",
        f"{RESIZED}.",
    ),
)

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
    methods={"code": CODE},
)
