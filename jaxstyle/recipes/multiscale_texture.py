"""Snelgrove 2017: Gram matrices of few layers at many octaves."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import CAFFE, COMMON, RESIZED, SEARCHED, Method, Recipe

LAYERS = tuple(f"{layer}^{octave}" for octave in range(4) for layer in ("pool1", "relu3_2"))

CODE = Method(
    settings={
        **SEARCHED,
        "metric": (("gram", 1.0, LAYERS),),
        "content_weight": 0.0,
        "backbone": "vgg19-normalized",
        "pooling": "average",
        "size": 512,
        "steps": 500,
    },
    weights={"gram": 1.0},
    sources=(
        "Code: github.com/wxs/subjective-functions, synthesize.py: the normalized VGG19 with average "
        "pooling, 512 pixels, L-BFGS-B of SciPy, 500 iterations",
        "Layers pool1 and relu3_2, four octaves, Gram matrices divided by positions and channels, sums "
        "of squared differences: gram.py",
    ),
    deviations=(
        "Borders are padded with zeros by the network and with the edge between octaves; theirs are "
        "cut off.",
        "The start is the mean color with noise of 1/255; theirs is nearly black, with the same noise.",
        "optax's line search for SciPy's; memory of 10, as there.",
        f"{RESIZED}.",
    ),
)

RECIPE = Recipe(
    name="multiscale_texture",
    meaning="textures: Gram matrices of two layers at four octaves",
    settings={
        "metric": (("gram", 1.0, LAYERS),),
        "content_weight": 0.1,
    },
    constants="pool1 and relu3_2 at four octaves of a Gaussian pyramid, all weights 1.",
    weights=CAFFE,
    deviations=f"A content term, so that there is a picture to see; equal shares. {COMMON}",
    bibtex=bibtex("Snelgrove, SIGGRAPH Asia 2017"),
    methods={"code": CODE},
)
