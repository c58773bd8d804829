"""Li et al. 2017 and Huang & Belongie 2017: mean and standard deviation."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.mmd import DEVIATIONS, SETTINGS, SOURCES, weights
from jaxstyle.recipes.recipe import COMMON, Method, Recipe

CODE = Method(
    settings={**SETTINGS, "metric": "moments"},
    # Each position gets 1e3 / C times the difference of the means, and of the deviations likewise.
    weights=weights("moments", lambda counts: [1e3 / 2 * n for n in counts]),
    sources=(
        *SOURCES,
        "Gradient: bn_loss.py; its weights 1 (run.sh) and 1e3",
        "Paper: Li et al., Demystifying Neural Style Transfer, matching of batch normalization's "
        "statistics. Huang & Belongie use the same to train a decoder",
    ),
    deviations=(
        *DEVIATIONS,
        "1e-5 is added to variances: theirs divides by the deviation, 0 of a constant feature.",
    ),
)

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
    bibtex=bibtex("Huang & Belongie, ICCV 2017"),
    methods={"code": CODE},
)
