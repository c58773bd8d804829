"""Li, Wang, Liu & Hou 2017: style transfer as maximum mean discrepancy."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import CAFFE, COMMON, Recipe

RECIPE = Recipe(
    name="mmd",
    meaning="all moments at once, through a Gaussian kernel",
    settings={"metric": "mmd"},
    constants=(
        "Gaussian, linear and quadratic kernels at relu1_1 to relu5_1; the Gaussian's bandwidth is "
        "the mean squared distance of sampled pairs."
    ),
    weights=CAFFE,
    deviations=f"The Gaussian kernel at relu3_1 and relu4_1, its bandwidth pooled at each step. {COMMON}",
    bibtex=bibtex("Li et al., IJCAI 2017"),
)
