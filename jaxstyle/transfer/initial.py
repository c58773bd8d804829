"""The picture from which a run starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jaxstyle._util.names import nearest
from jaxstyle.image import color
from jaxstyle.image.geometry import Picture, pad_to_bucket, resize
from jaxstyle.objective.guidance import Guide
from jaxstyle.settings import Settings
from jaxstyle.transfer.sources import Sources

NAMES = ("content", "noise", "style", "adain")


def initial_picture(
    settings: Settings, original: Picture, guide: Guide, sources: Sources
) -> Picture:
    """Return the picture to start from, padded to the content's bucket.

    Raises:
        ValueError: `settings.init` is neither a known name nor a picture.
        OSError: A file or weights that are not installed.
    """
    content, style = guide.content, guide.styles[0]
    random = np.random.default_rng(settings.seed)
    init = settings.init
    if isinstance(init, str):
        if init == "content":
            return content
        if init == "noise":
            noise = 0.5 + 0.1 * random.standard_normal(content.shape)
            return np.clip(noise, 0, 1).astype(np.float32)
        if init == "style":
            return _style_noise(style, content.shape[:2], random)
        if init == "adain":
            return _adain(content, style, sources)
        path = Path(init)
        if not (":" in init or path.suffix or path.exists()):
            raise ValueError(
                f"expected init to be {', '.join(NAMES)} or a picture file, got {init!r}"
                f"{nearest(init, NAMES)}"
            )
    given = sources.picture(init, "initial picture", max(original.shape[:2]))
    return pad_to_bucket(resize(given, original.shape[:2]), content.shape[:2])


def _style_noise(style: Picture, shape: tuple[int, ...], random: np.random.Generator) -> Picture:
    """Draw pixels with the mean and covariance of the style's colors."""
    colors = style.reshape(-1, 3).astype(np.float64)
    spread = color.covariance(colors)
    noise = random.multivariate_normal(colors.mean(0), spread, shape, method="svd")
    return np.clip(noise, 0, 1).astype(np.float32)


def _adain(content: Picture, style: Picture, sources: Sources) -> Picture:
    """Stylize in one pass of AdaIN."""
    from jaxstyle.backbones import adain

    encoder, decoder = (
        sources.networks[name].tensors for name in ("vgg19-normalized", "adain-decoder")
    )
    return np.asarray(adain.stylized(encoder, decoder, content, style))
