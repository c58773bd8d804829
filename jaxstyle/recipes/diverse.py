"""Our mixture: what one metric does not see, another does."""

from jaxstyle.recipes.recipe import Recipe

RECIPE = Recipe(
    name="diverse",
    meaning="a mixture of unlike metrics, ours",
    settings={
        "metric": (
            ("gram", 0.5),
            ("histogram", 0.3),
            ("relaxed_emd", 0.3),
            ("palette", 0.1),
        ),
        "content_metric": (("mse", 0.7), ("self_similarity", 0.3)),
    },
    constants="None: proportions in calibrated units, chosen by eye, not yet by a study.",
    weights="any",
    deviations="Nothing to deviate from.",
    bibtex="""\
@misc{jaxstyle,
  author = {{The jaxstyle authors}},
  title = {jaxstyle: style transfer with a diversity of similarity metrics},
  year = {2026},
}""",
)
