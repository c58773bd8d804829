"""Diverse: the mixture that our search found, whose metrics compensate for each other's blind spots."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import Recipe

RECIPE = Recipe(
    name="diverse",
    meaning="thirteen unlike metrics, the mixture that our search found",
    settings={
        "metric": (
            "covariance@relu1_1,relu2_1=0.068+moments~relative/5@relu2_1,relu3_1=0.019"
            "+central_moments@relu2_1,relu3_1=0.11+gaussian_wasserstein@relu3_1,relu4_1=0.044"
            "+cross_layer_gram=0.046+relaxed_emd@relu4_1,relu5_1=0.16"
            "+neural_neighbor@relu1_1,relu2_1=0.06+patch_stride_2=0.11"
            "+contextual@relu2_1,relu3_1=0.019+power_spectrum@relu1_1,relu2_1=0.018"
            "+gaussian_wasserstein@image=0.06+color_histogram=0.22+palette=0.06"
        ),
        "content_metric": "self_similarity=0.05+edges=0.17+laplacian=0.78",
        "content_weight": 1.7,
        "smoothness": 0.0,
        "content_decay": 1.0,
    },
    constants=(
        "Metrics, layers and weights of a search of 48 trials, at twice its style weight: ahead "
        "of all other objectives of its test, in paint beyond chance (benchmarks/mixtures.md)."
    ),
    weights="any",
    deviations="None: it has no paper.",
    bibtex=bibtex("jaxstyle"),
    usual={},
)
