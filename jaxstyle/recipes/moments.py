"""Li et al. 2017 and Huang & Belongie 2017: mean and deviation."""

from jaxstyle.recipes.recipe import Recipe

RECIPE = Recipe(
    name="moments",
    meaning="means and deviations of each feature",
    settings={"metric": (("moments", 1.0),)},
    constants=(
        "Mean and deviation at relu1_1 to relu4_1, style weight 10 for content 1 (AdaIN trains "
        "its decoder so); Li et al. use five layers and equal weights."
    ),
    weights="VGG19, normalized",
    deviations="Five layers. Terms calibrated; coarse to fine; smoothness as in the defaults.",
    bibtex="""\
@inproceedings{huang2017arbitrary,
  author = {Huang, Xun and Belongie, Serge},
  title = {Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization},
  booktitle = {ICCV},
  pages = {1501--1510},
  year = {2017},
}""",
)
