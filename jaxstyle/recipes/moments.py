"""Li et al. 2017 and Huang & Belongie 2017: mean and standard deviation."""

from jaxstyle.recipes.recipe import COMMON, Recipe

RECIPE = Recipe(
    name="moments",
    meaning="mean and standard deviation of each feature",
    settings={"metric": "moments"},
    constants=(
        "Mean and standard deviation at relu1_1 to relu4_1, style weight 10 for content 1 (as AdaIN "
        "trains its decoder); Li et al. use five layers and equal weights."
    ),
    weights="VGG19, normalized",
    deviations=f"Five layers. {COMMON}",
    bibtex="""\
@inproceedings{huang2017arbitrary,
  author = {Huang, Xun and Belongie, Serge},
  title = {Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization},
  booktitle = {ICCV},
  pages = {1501--1510},
  year = {2017},
}""",
)
