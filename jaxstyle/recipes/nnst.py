"""Kolkin et al. 2022: Neural Neighbor Style Transfer, by optimization."""

from jaxstyle.citations import bibtex
from jaxstyle.recipes.recipe import COMMON, RESIZED_BETWEEN, TORCH_ADAM, Method, Recipe

LAYERS = (
    *("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"),
    *("relu3_2", "relu3_3", "relu4_1", "relu4_2", "relu4_3"),
)
STEPS = 199
"""Theirs takes 200 and keeps the picture before the last."""

CODE = Method(
    settings={
        **TORCH_ADAM,
        "metric": (
            ("neural_neighbor", 1.0, LAYERS, f"0-{STEPS}"),
            ("centered_nearest_neighbor", 1.0, LAYERS, f"{STEPS}-"),
        ),
        "content_weight": 0.0,
        "positions": 4096,
        "style_positions": 4096,
        "style_rotation": (0.0, 90.0, 180.0, 270.0),
        "blend": "mix",
        "backbone": "vgg16",
        "learning_rate": 2e-3,
        "parametrization": "laplacian_8",
        "color": "oklab",
        "picture_guidance": 0.25,
        "enlarge": True,
        "size": 512,
        "scales": 4,
        "steps": STEPS,
        "coarse_steps": 1,
        "final_steps": 2 * STEPS,
    },
    weights={"neural_neighbor": (1.0,), "centered_nearest_neighbor": (1.0,) * len(LAYERS)},
    sources=(
        "Code: github.com/nkolkin13/NeuralNeighborStyleTransfer, styleTransfer.py with its defaults: 512 "
        "pixels, four scales, four rotations of the style, colors corrected",
        "Assigned to a quarter of the picture so far, with the content's finest details, and three of "
        "the content, at all but the coarsest scale: stylize.py, styleTransfer.py (alpha 0.75)",
        "Both losses, 200 steps of Adam at 2e-3 at each scale and 200 more at the last: stylize.py",
        "Layers, divided by channels: featureExtract.py; pyramid: imagePyramid.py; colors: "
        "colorization.py, zca.py",
    ),
    deviations=(
        "The mean that is taken from the content's hypercolumns is that of all places; theirs, of a "
        "picture of 512 pixels, that of each quarter of its rows.",
        "In the last 200 steps 4,096 positions are drawn at each step, one from each of as many equal "
        "parts, and 4,096 of each rotation of the style once; theirs takes a grid of every eighth "
        "position and fewer, shifted at each step.",
        "There, at 512 pixels, their code compares wrong features at relu4_1 to relu4_3 (a missing "
        "else); here they are the right ones.",
        RESIZED_BETWEEN,
    ),
)

RECIPE = Recipe(
    name="nnst",
    meaning="each place becomes the style's place that is nearest to the content there",
    settings={
        "metric": "neural_neighbor",
        "style_rotation": (0.0, 90.0, 180.0, 270.0),
        "blend": "mix",
    },
    constants="No content term; the code: Adam at 2e-3 on a Laplacian pyramid, 200 steps a scale.",
    weights="VGG16 (torchvision), the authors' code",
    deviations=(f"The first phase alone, with a content term; no correction of colors. {COMMON}"),
    bibtex=bibtex("Kolkin et al., arXiv 2203.13215"),
    methods={"code": CODE},
)
