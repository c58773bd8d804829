"""Johnson's neural-style, and neural-style-pt: the defaults that most people know."""

from jaxstyle.recipes.recipe import Recipe

RECIPE = Recipe(
    name="neural_style",
    meaning="neural-style's defaults: Gram, content and total variation",
    settings={
        "metric": (("gram", 1.0),),
        "content_weight": 0.3,
        "smoothness": 0.02,
        "padding": "zeros",
    },
    constants=(
        "Content weight 5 at relu4_2, style weight 100 at relu1_1 to relu5_1, total variation "
        "1e-3 (a sum of absolute differences' gradient), L-BFGS, 1,000 steps (neural-style-pt: "
        "500 by many of its users), 512 pixels, start from noise (README of each)."
    ),
    weights="VGG19 in Caffe's scale (0–255 minus the mean, BGR)",
    deviations=(
        "Start from the content; squared total variation. Terms calibrated; coarse to fine; "
        "smoothness as in the defaults."
    ),
    bibtex="""\
@misc{johnson2015neural,
  author = {Johnson, Justin},
  title = {neural-style},
  howpublished = {GitHub repository},
  year = {2015},
}""",
)
