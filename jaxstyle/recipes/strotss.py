"""Kolkin, Salavon & Shakhnarovich 2019: relaxed optimal transport and self-similarity."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import COMMON, RESIZED_BETWEEN, Method, Recipe, Stage, Weights

LAYERS = (
    *("image", "relu1_1", "relu1_2", "relu2_1", "relu2_2"),
    *("relu3_1", "relu3_2", "relu3_3", "relu4_3", "relu5_3"),
)
"""Of the hypercolumns (`vgg_pt.py`)."""
STEPS = 250


def _weights(stage: Stage) -> Weights:
    """α = 16 is halved at each scale (`run_st`); all is divided by α + 2 (`stylize_objectives`)."""
    alpha = 16 / 2**stage.number
    share = 1 / (alpha + 2)
    return {
        "relaxed_emd": (share,),
        "absolute_moments": (share,),
        "palette": (share / max(alpha, 1.0),),
        "hypercolumn_similarity": (share * alpha,),
    }


CODE = Method(
    settings={
        "metric": (
            ("relaxed_emd", 1.0, LAYERS),
            ("absolute_moments", 1.0, LAYERS),
            ("palette", 1.0),
        ),
        "content_metric": (("hypercolumn_similarity", 1.0, LAYERS),),
        "parameter": {"palette.floor": 1e-5},
        "positions": 1024,
        "style_positions": 5000,
        "backbone": "vgg16",
        "optimizer": "rmsprop",
        "optimizer_parameter": {"decay": 0.99},
        "learning_rate": 2e-3,
        "final_rate": 1e-3,
        "parametrization": "laplacian",
        "init": "style_mean",
        "details": True,
        "enlarge": True,
        "size": 512,
        "scales": 4,
        # Theirs takes 250 and keeps the picture before the last.
        "steps": STEPS - 1,
        "coarse_steps": 1,
    },
    weights=_weights,
    sources=(
        "Code: github.com/nkolkin13/STROTSS, as of 2020 (pixels in [0, 1], normalized in the network)",
        "Layers, 1,024 and 5 × 1,000 positions: vgg_pt.py, stylize_objectives.py, utils.py",
        "Losses: contextual_loss.py; their weights: stylize_objectives.py, gen_remd_dp_objective",
        "α, sizes 64 to 512, rates, start: styleTransfer.py, run_st; 250 steps: st_helper.py",
        "Pyramid: pyr_lap.py",
    ),
    deviations=(
        "Positions: each term draws its own 1,024, one from each of as many equal parts of the "
        "picture; theirs shuffles the rows and the columns of a grid. Of the style 5,000 parts, "
        "where theirs draws 1,000 five times.",
        "Hypercolumns are sampled bilinearly, aligned at the centers of cells; theirs are shifted by "
        "up to half a cell of each layer, and the style's are rounded down.",
        RESIZED_BETWEEN,
        "The mean color of the style is that at full size.",
    ),
)
"""The released code. The paper has 200 steps a scale, α / n² for α / n before the content's sum,
2 + α + 1/α below, 1/α before the palette, and Euclidean distances of colors."""

RECIPE = Recipe(
    name="strotss",
    meaning="relaxed transport, moments and palette; self-similarity of the content",
    settings={
        "metric": "relaxed_emd+covariance=0.5+moments=0.5+palette=0.3",
        "content_metric": "self_similarity",
        "content_weight": 0.5,
    },
    constants=(
        "ℓ = (α ℓ_C + ℓ_m + ℓ_r + ℓ_p / α) / (2 + α + 1/α), α from 16 halved at each of four "
        "scales (equation 1 and the code); RMSprop, rate 2e-3, 200 steps per scale, on a "
        "Laplacian pyramid; 1,024 positions sampled at each step."
    ),
    weights="VGG16 (torchvision), the authors' code",
    deviations=(
        "Squared differences of means and covariances, at each layer, instead of absolute "
        "differences of hypercolumns; five layers for nine, and no pixels in the hypercolumns; "
        "self-similarity at relu4_2 instead of the hypercolumns'; one α; pixels for the pyramid. "
        f"{COMMON}"
    ),
    bibtex=bibtex("Kolkin, Salavon & Shakhnarovich, CVPR 2019"),
    methods={"code": CODE},
)
