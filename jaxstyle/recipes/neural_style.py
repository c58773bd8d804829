"""Johnson's neural-style, and neural-style-pt: the defaults that most people know."""

from jaxstyle.recipes.recipe import CAFFE, COMMON, Recipe

RECIPE = Recipe(
    name="neural_style",
    meaning="neural-style's defaults: Gram, content and total variation",
    settings={"metric": "gram", "content_weight": 0.3, "smoothness": 0.02, "padding": "zeros"},
    constants=(
        "Content weight 5 at relu4_2, style weight 100 at relu1_1 to relu5_1, total variation "
        "1e-3 (in Lua the gradient of squared differences, in PyTorch absolute ones), L-BFGS, 1,000 steps (neural-style-pt: "
        "500 by many of its users), 512 pixels, start from noise (README of each)."
    ),
    weights=CAFFE,
    deviations=f"Squared total variation, as in Lua; padding by zeros, as there. {COMMON}",
    bibtex="""\
@misc{johnson2015neural,
  author = {Johnson, Justin},
  title = {neural-style},
  howpublished = {GitHub repository},
  year = {2015},
}""",
)
