"""Painterly: the best single metric of our search, with a color term, as strong as looked best."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import Recipe

RECIPE = Recipe(
    name="painterly",
    meaning="the painting's strokes and colors, and none of its forms; quicker",
    settings={
        "metric": "gaussian_wasserstein@relu2_1,relu3_1+gaussian_wasserstein@image=0.3",
        "content_metric": "mse@relu3_2",
        "content_weight": 0.31,
        "smoothness": 0.035,
        "content_decay": 2.0,
    },
    constants=(
        "Metrics, layers and their ratios by a search of 48 trials; it is ahead of the former default in a "
        "test on 64 other pairs (benchmarks/mixtures.md). By looking at pictures of 256 pixels: a "
        "quarter of the style weight that was found there, and the color term."
    ),
    weights="any",
    deviations="None: it has no paper; the metric is Crowson's.",
    bibtex=bibtex("jaxstyle", "Crowson, style-transfer-pytorch"),
    usual={},
)
