"""Our mixture: what one metric does not see, another does."""

from jaxstyle.recipes.recipe import Recipe

RECIPE = Recipe(
    name="diverse",
    meaning="a mixture of unlike metrics, ours",
    settings={"metric": (("cross_layer_gram", 0.707), ("histogram", 0.707))},
    constants=(
        "None: equal weights in calibrated units. The best of what benchmarks/study.py tried on its "
        "training pairs."
    ),
    weights="any",
    deviations="Nothing to deviate from.",
    bibtex="""\
@misc{jaxstyle,
  author = {{The jaxstyle authors}},
  title = {jaxstyle: style transfer with a diversity of similarity metrics},
  year = {2026},
}""",
)
