"""Gatys, Ecker & Bethge 2016: the original method."""

from jaxstyle.recipes.recipe import CAFFE, COMMON, Recipe

RECIPE = Recipe(
    name="gatys",
    meaning="Gram matrices at five layers, features at one",
    settings={"metric": "gram", "pooling": "average", "smoothness": 0.0},
    constants=(
        "Content at conv4_2, style at conv1_1 to conv5_1 each weighted 1/5 (section 2.3); "
        "content to style weight 5e-4 to 5e-3 (figure 3). The authors' notebook: L-BFGS, 500 "
        "steps, content 1, style 1000 / channels² per layer, Gram divided by positions."
    ),
    weights=CAFFE,
    deviations=(
        "The rectified layers, as in the authors' notebook. Average pooling (which the paper "
        "recommends in a footnote), no total variation. Start from the content, as in the notebook; "
        f"section 3.3 of the paper starts from white noise. {COMMON}"
    ),
    bibtex="""\
@inproceedings{gatys2016image,
  author = {Gatys, Leon A. and Ecker, Alexander S. and Bethge, Matthias},
  title = {Image Style Transfer Using Convolutional Neural Networks},
  booktitle = {CVPR},
  pages = {2414--2423},
  year = {2016},
}""",
)
