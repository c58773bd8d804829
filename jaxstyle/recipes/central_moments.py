"""Kalischek, Wegner & Schindler 2021: central moment discrepancy."""

from jaxstyle.recipes.recipe import Recipe

RECIPE = Recipe(
    name="central_moments",
    meaning="five moments of each feature",
    settings={"metric": (("central_moments", 1.0),)},
    constants="conv1_1 to conv5_1 through a logistic function, K = 5 moments weighted equally; Adam.",
    weights="VGG19 (torchvision)",
    deviations="Terms calibrated; coarse to fine; smoothness as in the defaults.",
    bibtex="""\
@inproceedings{kalischek2021light,
  author = {Kalischek, Nikolai and Wegner, Jan Dirk and Schindler, Konrad},
  title = {In the Light of Feature Distributions: Moment Matching for Neural Style Transfer},
  booktitle = {CVPR},
  pages = {9382--9391},
  year = {2021},
}""",
)
