"""Weight files made for tests: pickles that call anything, PyTorch's formats, small VGGs, a server.

Nothing here is computed as in jaxstyle: the tables are written out and the formats put together by
hand, so that the readers are not compared with themselves.
"""

import contextlib
import functools
import http.server
import io
import pickle
import socket
import struct
import threading
import zipfile
from dataclasses import replace

import numpy as np

from jaxstyle.backbones import BACKBONES

CHANNELS = (4, 6, 8, 10, 12)
"""Of narrow blocks, so that a whole VGG weighs nothing: see `narrow_backbones`."""

# Written out from torchvision's, Keras's and AdaIN's own definitions, not computed as in jaxstyle.
LAYERS = {
    "vgg16": (
        *("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3"),
        *("4_1", "4_2", "4_3", "5_1", "5_2", "5_3"),
    ),
    "vgg19": (
        *("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "3_4"),
        *("4_1", "4_2", "4_3", "4_4", "5_1", "5_2", "5_3", "5_4"),
    ),
}
TORCHVISION = {
    "vgg16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
    "vgg19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
}
ADAIN = (2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42, 45, 48, 51)


def narrow_backbones():
    """The backbones by name, the VGGs among them with as many channels as in `CHANNELS`."""
    narrow = dict(BACKBONES)
    for network, layers in LAYERS.items():
        widths = [CHANNELS[int(layer[0]) - 1] for layer in layers]
        specs = zip(BACKBONES[network].convolutions, [3, *widths], widths, strict=False)
        convolutions = tuple(replace(spec, inputs=i, outputs=o) for spec, i, o in specs)
        narrow[network] = replace(BACKBONES[network], convolutions=convolutions)
    return narrow


@functools.cache
def numbers():
    """A run of numbers that float16 and bfloat16 hold exactly; every tensor is a piece of it."""
    pattern = np.random.default_rng(0).integers(-127, 128, 1500) / 128
    return pattern.astype(np.float32)


@functools.cache
def canonical(network):
    """The convolutions of a network with made-up numbers: {layer: (HWIO kernel, bias)}."""
    found, inputs = {}, 3
    for start, layer in enumerate(LAYERS[network]):
        outputs = CHANNELS[int(layer[0]) - 1]
        count = 9 * inputs * outputs
        kernel = numbers()[start : start + count].reshape(3, 3, inputs, outputs)
        found[layer] = kernel, numbers()[start + 20 : start + 20 + outputs]
        inputs = outputs
    return found


def oihw(kernel):
    """By hand, in another way than the code's: output channels first."""
    return np.ascontiguousarray(np.moveaxis(kernel, [3, 2], [0, 1]))


def torchvision_tensors(network, prefix="features."):
    found = {}
    pieces = zip(TORCHVISION[network], canonical(network).values(), strict=True)
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


def views(network, names):
    """Kernels as views (not copies) in PyTorch's order, by the names of their modules."""
    found = {}
    for name, (kernel, bias) in zip(names, canonical(network).values(), strict=True):
        found |= {f"{name}.weight": kernel.transpose(3, 2, 0, 1), f"{name}.bias": bias}
    return found


def write_pth(pack, network, wrap=lambda state: state, prefix="features."):
    def write(path):
        names = [f"{prefix}{index}" for index in TORCHVISION[network]]
        state, storages = as_state(views(network, names), numbers())
        path.write_bytes(pack(wrap(state), storages))
        return network

    return write


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def served(pages):
    """An HTTP server on this machine that answers with the bytes in `pages`; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = pages.get(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()
