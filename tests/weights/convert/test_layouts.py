"""Layouts: whoever wrote the file, the same tensors come out; what is no VGG is refused."""

import io
import os
import sys
import zipfile

import h5py
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from support.forging import (
    ADAIN,
    CHANNELS,
    TORCHVISION,
    Storage,
    as_state,
    assert_one_line,
    assert_same,
    canonical,
    numbers,
    torch_legacy,
    torch_tensor,
    torch_zip,
    torchvision_tensors,
    views,
    write_pth,
)
from support.made_up import made_up_resnet50

from jaxstyle.backbones import find
from jaxstyle.weights.convert import layouts

ALEXNET = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3)}


@pytest.mark.parametrize(
    ("network", "count"),
    [
        ("vgg16", 14_714_688),
        ("vgg19", 20_024_384),
        ("alexnet", 2_469_696),
        # torchvision's counts less the classifier and half of the normalizations' four vectors
        # (scale and shift are counted there, and are folded here into kernel and bias).
        ("resnet18", 11_689_512 - 513_000 - 4_800),
        ("resnet50", 25_557_032 - 2_049_000 - 26_560),
        ("resnet50-v1.5", 25_557_032 - 2_049_000 - 26_560),
    ],
)
def test_the_number_of_parameters_is_the_papers(network, count):
    """As every framework reports for the convolutions alone (Keras: `include_top=False`)."""
    shapes = find(network).shapes
    sizes = [np.prod(shape) for name, shape in shapes.items() if name.startswith("conv")]
    assert sum(sizes) == count


# ---- Layouts and file formats: the same numbers come out of all of them.


def with_classifier(state):
    classifier = torch_tensor(Storage("7", 0), (0,))
    classifier.arguments = (state["features.0.bias"].arguments[0], 0, (10, 4), (4, 1), False, {})
    return state | {"classifier.0.weight": classifier}


def write_adain(path):
    state, storages = as_state(views("vgg19", ADAIN), numbers())
    swap = np.array([[0, 0, 255], [0, 255, 0], [255, 0, 0]], np.float32).reshape(3, 3, 1, 1)
    state["0.weight"] = torch_tensor(Storage("8", 9), (3, 3, 1, 1))
    state["0.bias"] = torch_tensor(Storage("9", 3), (3,))
    mean = np.array([-103.939, -116.779, -123.68], np.float32)
    storages |= {"8": swap.tobytes(), "9": mean.tobytes()}
    path.write_bytes(torch_legacy(state, storages))
    return "vgg19"


def write_h5(naming, network, **extra):
    def write(path):
        with h5py.File(path, "w") as file:
            for layer, (kernel, bias) in canonical(network).items():
                name = "block{}_conv{}".format(*layer.split("_"))
                file.create_dataset(naming(name, "W", "kernel"), data=kernel, compression="lzf")
                file.create_dataset(naming(name, "b", "bias"), data=bias)
            for name, shape in extra.items():
                file.create_dataset(name, data=np.zeros(shape, np.float32))
        return network

    return write


def write_npz(save):
    def write(path):
        found = {}
        for layer, (kernel, bias) in canonical("vgg16").items():
            name = "block{}_conv{}".format(*layer.split("_"))
            found |= {f"{name}/kernel": kernel.astype(np.float16), f"{name}/bias": bias}
        with path.open("wb") as out:
            save(out, **found)
        return "vgg16"

    return write


def write_safetensors(dtype):
    def write(path):
        tensors = torchvision_tensors("vgg16")
        tensors["pre_logits.fc1.weight"] = np.zeros((2, 2), np.float32)
        kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
        safetensors.numpy.save_file({k: v.astype(kind) for k, v in tensors.items()}, path)
        return "vgg16"

    return write


FILES = {
    "torch zip": (write_pth(torch_zip, "vgg16"), "torchvision"),
    "torch zip, classifier": (write_pth(torch_zip, "vgg19", with_classifier), "torchvision"),
    "torch legacy": (write_pth(torch_legacy, "vgg19"), "torchvision"),
    "torch legacy, module.": (
        write_pth(torch_legacy, "vgg16", prefix="module.features."),
        "torchvision",
    ),
    "torch zip, checkpoint": (
        write_pth(torch_zip, "vgg16", lambda state: {"epoch": 3, "state_dict": state}),
        "torchvision",
    ),
    "safetensors float32": (write_safetensors("float32"), "torchvision"),
    "safetensors bfloat16": (write_safetensors("bfloat16"), "torchvision"),
    "AdaIN's": (write_adain, "keras"),
    "Keras 1": (
        write_h5(lambda layer, old, new: f"{layer}/{layer}_{old}_1:0", "vgg19"),
        "keras",
    ),
    "Keras 2, with top": (
        write_h5(
            lambda layer, old, new: f"{layer}/{layer}/{new}:0",
            "vgg16",
            **{"fc1/fc1/kernel:0": (4, 4), "predictions/predictions/bias:0": (4,)},
        ),
        "keras",
    ),
    "npz": (write_npz(np.savez), "keras"),
    "npz compressed": (write_npz(np.savez_compressed), "keras"),
}


@pytest.mark.parametrize(("write", "preprocess"), FILES.values(), ids=FILES.keys())
@pytest.mark.usefixtures("narrow")
def test_each_layout_gives_the_same_tensors(write, preprocess, tmp_path):
    path = tmp_path / "some.file"  # the content counts, not the ending
    network = write(path)
    architecture, _, tensors = layouts.read(path)
    assert architecture == network
    assert_same(tensors, canonical(network))
    red_green_blue = np.array([0.9, 0.5, 0.1])
    found = red_green_blue @ tensors["preprocess"]["kernel"] + tensors["preprocess"]["bias"]
    expected = {
        "torchvision": [(0.9 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.1 - 0.406) / 0.225],
        "keras": [25.5 - 103.939, 127.5 - 116.779, 229.5 - 123.68],  # blue first
    }
    np.testing.assert_allclose(found, expected[preprocess], atol=1e-4)


@pytest.mark.usefixtures("narrow")
def test_float64_and_half_storages_are_converted(tmp_path):
    for kind, dtype in (("Half", "<f2"), ("Double", "<f8"), ("BFloat16", "<u2")):
        names = [f"features.{index}" for index in TORCHVISION["vgg16"]]
        state, _ = as_state(views("vgg16", names), numbers())
        storage = Storage("7", len(numbers()), f"torch.{kind}Storage")
        for tensor in state.values():
            tensor.arguments = (storage, *tensor.arguments[1:])
        # The upper half of a float32 is the bfloat16.
        upper = (numbers().view("<u4") >> 16) if kind == "BFloat16" else numbers()
        path = tmp_path / "half.pth"
        path.write_bytes(torch_zip(state, {"7": upper.astype(dtype).tobytes()}))
        assert_same(layouts.read(path).tensors, canonical("vgg16"))


# ---- What does not fit is refused in one line that says what was found.


def resnet():
    names = ["conv1.weight", *(f"layer1.{i}.conv1.weight" for i in range(52))]
    return {name: np.zeros((1, 1, 3, 3), np.float32) for name in names}


def alexnet():
    return {f"features.{i}.weight": np.zeros(shape, np.float32) for i, shape in ALEXNET.items()}


def changed(name, value):
    """The names and shapes of a VGG16 but for one; zeros, which cost nothing to write."""

    def change(tensors):
        zeros = {key: np.zeros(array.shape, np.float16) for key, array in tensors.items()}
        if value is None:
            del zeros[name]
        else:
            zeros[name] = value
        return zeros

    return change


REFUSED = {
    "ResNet": (
        lambda _: resnet(),
        ["found 53 tensors", "layer1.0.conv1.weight", "another ResNet?"],
    ),
    "AlexNet": (
        lambda _: alexnet(),
        ["found 4 tensors", "as torchvision's alexnet it lacks features.0.bias"],
    ),
    "one missing": (changed("features.28.bias", None), ["lacks features.28.bias"]),
    "batch norm": (
        changed("features.1.running_mean", np.zeros(4, np.float32)),
        ["batch normalization?"],
    ),
    "shape": (
        changed("features.2.weight", np.zeros((4, 4, 1, 1), np.float32)),
        ["features.2.weight", "(4, 4, 3, 3)", "(4, 4, 1, 1)"],
    ),
    "NaN": (changed("features.0.bias", np.full(4, np.nan, np.float32)), ["features.0.bias holds"]),
    "infinity": (
        changed("features.0.bias", np.full(4, -np.inf, np.float32)),
        ["features.0.bias holds"],
    ),
    "too large for float32": (
        changed("features.0.bias", np.full(4, 1e300)),
        ["features.0.bias holds"],
    ),
    "integers": (changed("features.0.bias", np.zeros(4, np.int64)), ["floating point", "int64"]),
    "twice": (
        changed("module.features.0.bias", np.zeros(4, np.float32)),
        ["two tensors for 'features.0.bias'"],
    ),
}


@pytest.mark.parametrize(("change", "parts"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.usefixtures("narrow")
def test_what_is_no_vgg_is_refused(change, parts, tmp_path):
    path = tmp_path / "wrong.npz"
    np.savez(path, **change(torchvision_tensors("vgg16")))
    with pytest.raises(ValueError, match=r"cannot use wrong\.npz") as error:
        layouts.read(path)
    assert_one_line(error, *parts)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello, world", b"PK\x03\x04 not a zip", b"\x80", b"\x89HDF\r\n\x1a\n", bytes(99)],
)
@pytest.mark.usefixtures("narrow")
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "other.pth"
    path.write_bytes(content)
    with pytest.raises((ValueError, OSError)) as error:
        layouts.read(path)
    assert_one_line(error)


@pytest.mark.usefixtures("narrow")
def test_an_npz_is_read_without_its_pickles(tmp_path):
    class Attack:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'sentinel'}",)

    path = tmp_path / "objects.npz"
    objects = np.array([Attack()] * CHANNELS[0], dtype=object)
    np.savez(path, **changed("features.0.bias", objects)(torchvision_tensors("vgg16")))
    with pytest.raises(ValueError, match="cannot use"):
        layouts.read(path)
    assert not (tmp_path / "sentinel").exists()


def test_an_npz_that_claims_a_huge_array_is_refused(tmp_path):
    header = io.BytesIO()
    description = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)}
    np.lib.format.write_array_header_1_0(header, description)
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("features.0.weight.npy", header.getvalue() + b"\0" * 64)
    with pytest.raises(ValueError, match="not as long as its shape claims"):
        layouts.read(tmp_path / "huge.npz")


def test_an_h5_does_not_read_other_files(tmp_path):
    (tmp_path / "secret").write_bytes(b"\0" * 4 * 4)
    outside = [(str(tmp_path / "secret"), 0, 4 * 4)]
    with h5py.File(tmp_path / "spy.h5", "w") as file:
        file.create_dataset("block1_conv1/bias:0", (4,), np.float32, external=outside)
    with pytest.raises(ValueError, match="found 0 tensors"):
        layouts.read(tmp_path / "spy.h5")


def test_a_negative_variance_is_refused(tmp_path):
    state = made_up_resnet50()
    state["layer2.0.bn2.running_var"][5] = -1
    np.savez(tmp_path / "resnet.npz", **state)
    with pytest.raises(ValueError, match="the variance after conv3_1b is negative"):
        layouts.read(tmp_path / "resnet.npz")


def test_an_h5_without_h5py_says_what_to_install(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "vgg.h5", "w") as file:
        file.create_dataset("block1_conv1/bias:0", (4,), np.float32)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ValueError, match=r"pip install 'jaxstyle\[h5\]'") as error:
        layouts.read(tmp_path / "vgg.h5")
    assert_one_line(error)
