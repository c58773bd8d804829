"""Kolkin, Salavon & Shakhnarovich 2019: relaxed optimal transport and self-similarity."""

from jaxstyle.recipes.recipe import COMMON, Recipe

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
    bibtex="""\
@inproceedings{kolkin2019style,
  author = {Kolkin, Nicholas and Salavon, Jason and Shakhnarovich, Gregory},
  title = {Style Transfer by Relaxed Optimal Transport and Self-Similarity},
  booktitle = {CVPR},
  pages = {10051--10060},
  year = {2019},
}""",
)
