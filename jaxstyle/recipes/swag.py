"""Wang, Li & Vasconcelos 2021: a softmax makes a ResNet as useful as a VGG."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import GRAM_METHOD, RESIZED, Method, Recipe

_CHANNELS = (64, 256, 512, 1024, 2048)
"""Of the stem and the four stages."""

CODE = Method(
    settings={
        **GRAM_METHOD,
        "metric": "gram~scaled",
        "content_metric": "mse~scaled",
        "parametrization": "imagenet",
        "backbone": "resnet50",
        # 51 calls of 20 evaluations each.
        "steps": 1020,
    },
    weights={"gram": tuple(1e17 / channels**2 for channels in _CHANNELS), "mse": (1.0,)},
    sources=(
        "Code: github.com/peiwang062/swag, resnet_swag.py: style at the stem and at the end of each "
        "stage of ResNet-50, content at the end of stage 4; features of stages 4 and 5 times 0.001, "
        "where the paper has a softmax, which is a comment there; Gram matrices divided by channels "
        "and positions, style 1e17, content 1; 512 pixels; from the content by L-BFGS in PyTorch's "
        "defaults, in units of ImageNet's deviations, for more than 1,000 evaluations",
    ),
    deviations=(
        "He's ResNet-50 in place of torchvision's, which no package carries: with that imported "
        "(`jaxstyle weights import NAME FILE`), `--backbone NAME` is exact here.",
        "Pictures keep their proportions; theirs are made square.",
        f"{RESIZED}.",
    ),
)

RECIPE = Recipe(
    name="swag",
    meaning="Gram matrices of ResNet-50's activations, smoothed by a softmax",
    settings={"backbone": "resnet50", "metric": "gram~relative/6"},
    constants=(
        "Style at the end of each stage of ResNet-50 (the code adds the stem), each weighted 1, "
        "content at the end of stage 4; content 1, style 1e17 with Gram matrices divided by "
        "channels and positions; L-BFGS, 1000 steps from the content at 512 pixels (the code). "
        "The code multiplies the features of stages 4 and 5 by 0.001 where the paper has a "
        "softmax: gram~scaled."
    ),
    weights="ResNet-50 (torchvision)",
    deviations=(
        "He's ResNet-50 as Keras has it, whose features are larger: all mass of the paper's softmax "
        "falls on a few peaks and the picture becomes noise (tried), so features are first divided "
        "by 6 standard deviations of the reference's (gram~relative/6; the paper's form is "
        "gram~softmax). The softmax is multiplied by the number of features. Content is not "
        "smoothed: a stylized picture's features rise far above its content's, and their softmax "
        "broke the picture at 192 pixels and more (tried with VGG19). Style at the stem as well, as "
        "in the code. Terms calibrated; coarse to fine."
    ),
    bibtex=bibtex("Wang, Li & Vasconcelos, CVPR 2021"),
    methods={"code": CODE},
)
