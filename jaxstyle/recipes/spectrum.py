"""Liu, Gousseau & Xia 2016: textures by Gram matrices and the spectrum of the sample."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes import gatys_texture
from jaxstyle.recipes.recipe import COMMON, RESIZED, Method, Recipe

CODE = Method(
    settings={
        **gatys_texture.CODE.settings,
        "metric": (("gram", 1.0, gatys_texture.LAYERS), ("spectrum_projection", 1.0)),
        "init": "style_mean",
        "steps": 1000,
    },
    weights={
        # Mean squares over 4, divided by the number of layers; half of a mean in 0–255.
        "gram": (1e9 / 20,) * len(gatys_texture.LAYERS),
        "spectrum_projection": (1e5 / 2 * 255**2,),
    },
    sources=(
        "Code: github.com/ngonthier/multiresolution_texture, of a later paper (arXiv 2008.01808) "
        "that shares an author, run without its scales, which its README calls the method of Liu "
        "et al.",
        "Layers relu1_1 and pool1 to pool4, spectrum 1e5, average pooling, 1,000 steps of SciPy's "
        "L-BFGS with a memory of 20: Arg_Parser.py",
        "Losses, noise of one level around the sample's mean color: Run_synthesis.py",
    ),
    deviations=(
        "The text of the paper was not at hand.",
        "L-BFGS with optax's line search and no bounds; theirs, SciPy's L-BFGS-B, keeps each color "
        "between the smallest and the largest of the style, and may stop earlier.",
        "The picture has the content's size, its longest side 256; theirs the style's, which is "
        "not resized. A picture larger than the style is compared in windows of the style's size, "
        "of a larger style the middle is taken.",
        "The mean color is pulled to the style's; theirs may be pulled to its opposite about "
        "ImageNet's where a picture begins there.",
        f"{RESIZED}; odd sides are rounded down where they are pooled, theirs up.",
    ),
)
RECIPE = Recipe(
    name="spectrum",
    meaning="a texture that repeats as the style does: Gram matrices and the Fourier spectrum",
    settings={
        "metric": (("gram", 1.0), ("spectrum_projection", 1.0)),
        "content_weight": 0.0,
        "pooling": "average",
        "smoothness": 0.0,
        "init": "noise",
    },
    constants=(
        "relu1_1 and pool1 to pool4 of a VGG19 with average pooling, each weighted 1e9 / 5, and "
        "the spectrum 1e5; L-BFGS, 1,000 steps from noise (a later code by one of the authors)."
    ),
    weights="VGG19, normalized",
    deviations=(
        "relu1_1 to relu5_1 in place of the pooled layers; both terms pull equally hard. "
        f"{COMMON} But there is no content, no smoothness, and the start is noise."
    ),
    bibtex=bibtex("Liu, Gousseau & Xia, ICPR 2016"),
    methods={"code": CODE},
)
