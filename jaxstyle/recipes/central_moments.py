"""Kalischek, Wegner & Schindler 2021: central moment discrepancy."""

from jaxstyle.recipes.recipe import COMMON, Recipe

RECIPE = Recipe(
    name="central_moments",
    meaning="five moments of each feature",
    settings={"metric": "central_moments"},
    constants=(
        "conv1_1 to conv5_1 through a logistic function, K = 5 moments weighted equally; the "
        "code: layers by 1000 / channels², Adam at 0.1, no content term by default, conv4_1 if any."
    ),
    weights="VGG19 (torchvision)",
    deviations=f"L-BFGS for Adam; equal shares of the layers. {COMMON}",
    bibtex="""\
@inproceedings{kalischek2021light,
  author = {Kalischek, Nikolai and Wegner, Jan Dirk and Schindler, Konrad},
  title = {In the Light of Feature Distributions: Moment Matching for Neural Style Transfer},
  booktitle = {CVPR},
  pages = {9382--9391},
  year = {2021},
}""",
)
