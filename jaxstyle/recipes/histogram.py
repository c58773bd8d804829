"""Risser, Wilmot & Barnes 2017: Gram matrices stabilized by histograms."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import CAFFE, COMMON, Recipe

RECIPE = Recipe(
    name="histogram",
    meaning="Gram matrices and histograms together",
    settings={"metric": "gram+histogram@relu1_1,relu4_1=0.5"},
    constants="Histogram losses at relu1_1 and relu4_1, Gram at relu1_1 to relu4_1; 256 bins.",
    weights=CAFFE,
    deviations=(
        "Gram up to relu5_1 as well; the ratio 1 : 0.5 is ours, in calibrated units; exact ranks "
        f"instead of bins. {COMMON}"
    ),
    bibtex=bibtex("Risser, Wilmot & Barnes, arXiv 1701.08893"),
)
