"""Write tests/data/adain_reference.npz: AdaIN's pass by torch, in float64, from the original files.

    PYTHONPATH=tests python -m support.reference_adain

Needs torch, which the tests do not; written after Huang & Belongie's equation 8 and the order of
layers in pytorch-AdaIN's decoder file.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from support.made_up import pairs_of_pictures
from support.reference_features import file_of

FILE = Path(__file__).parents[1] / "data" / "adain_reference.npz"


def reflected(x, kernel, bias):
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, bias)


def encoded(raw, image):
    x = torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None]
    x = F.conv2d(x, raw["0.weight"], raw["0.bias"])
    for number in (2, 5, 9, 12, 16, 19, 22, 25, 29):
        if number in (9, 16, 29):
            x = F.max_pool2d(x, 2)
        x = F.relu(reflected(x, raw[f"{number}.weight"], raw[f"{number}.bias"]))
    return x


def main() -> None:
    encoder, decoder = (
        {key: value.double() for key, value in torch.load(file_of(name)).items()}
        for name in ("vgg19-normalized", "adain-decoder")
    )
    content, style = pairs_of_pictures()["color"]
    content_features = encoded(encoder, content[:64])
    style_features = encoded(encoder, style[:50, :77])

    def statistics(x):
        flat = x.flatten(2)
        return flat.mean(2)[..., None, None], (flat.var(2) + 1e-5).sqrt()[..., None, None]

    mean, deviation = statistics(content_features)
    new_mean, new_deviation = statistics(style_features)
    x = (content_features - mean) / deviation * new_deviation + new_mean
    for number in (1, 5, 8, 11, 14, 18, 21, 25, 28):
        x = reflected(x, decoder[f"{number}.weight"], decoder[f"{number}.bias"])
        x = x if number == 28 else F.relu(x)
        x = F.interpolate(x, scale_factor=2, mode="nearest") if number in (1, 14, 21) else x
    picture = x[0].permute(1, 2, 0).clamp(0, 1).detach().numpy()
    np.savez_compressed(FILE, stylized=picture.astype(np.float32))
    print(picture.shape, picture.mean())


if __name__ == "__main__":
    main()
