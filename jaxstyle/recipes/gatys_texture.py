"""Gatys, Ecker & Bethge 2015: textures by Gram matrices, without a content."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import COMMON, RESIZED, SEARCHED, Method, Recipe

LAYERS = ("pool4", "pool3", "pool2", "pool1", "relu1_1")

CODE = Method(
    settings={
        **SEARCHED,
        "metric": (("gram", 1.0, LAYERS),),
        "content_weight": 0.0,
        "backbone": "vgg19-normalized",
        "pooling": "average",
        "optimizer_parameter": {"memory_size": 20},
        "size": 256,
        "steps": 2000,
    },
    weights={"gram": (1e9 / 4,) * len(LAYERS)},
    sources=(
        "Code: github.com/leongatys/DeepTextures, the authors'",
        "Layers, weights 1e9, 256² pixels, noise of one level, 2,000 steps with a memory of 20: "
        "Example.ipynb",
        "Loss: LossFunctions.py, gram_mse_loss; average pooling: Models/VGG_ave_pool_deploy.prototxt; "
        "L-BFGS by SciPy: ImageSyn.py",
    ),
    deviations=(
        "L-BFGS with optax's line search and no bounds; theirs, SciPy's L-BFGS-B, keeps all values "
        "between the smallest and the largest of the style.",
        "The picture has the content's size, its longest side 256; theirs the style's, its area 256².",
        "Colors are as optimized; theirs are matched to the style's histograms afterwards.",
        f"{RESIZED}; odd sides are rounded down where they are pooled, theirs up.",
    ),
)

RECIPE = Recipe(
    name="gatys_texture",
    meaning="the style's texture alone: Gram matrices at pooled layers, from noise",
    settings={
        "metric": "gram",
        "content_weight": 0.0,
        "pooling": "average",
        "smoothness": 0.0,
        "init": "noise",
    },
    constants=(
        "conv1_1 and pool1 to pool4 of a VGG19 with average pooling, each weighted 1e9; L-BFGS, 2,000 "
        "steps from noise (the authors' notebook)."
    ),
    weights="VGG19, normalized",
    deviations=(
        "relu1_1 to relu5_1 in place of the pooled layers. "
        f"{COMMON} But there is no content, no smoothness, and the start is noise."
    ),
    bibtex=bibtex("Gatys, Ecker & Bethge, NIPS 2015"),
    methods={"code": CODE},
)
