"""ONNX: the same numbers out of a file put together by hand, and nothing out of a broken one."""

import numpy as np
import pytest
from support.forging import assert_one_line, assert_same, canonical, oihw

from jaxstyle.weights.convert import layouts


def varint(number):
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx_tensor(name, array, kind=1):
    sides = b"".join(field(1, side) for side in array.shape)
    return sides + field(2, kind) + field(8, name) + field(9, array.tobytes())


def onnx_file(network="vgg16", **changed):
    nodes, held = b"", b""
    for layer, (kernel, bias) in canonical(network).items():
        name = "net/block{}_conv{}_7".format(*layer.split("_"))
        arrays = {f"{name}/read:0": oihw(kernel), f"{name}/squeeze:0": bias}
        inputs = b"".join(field(1, each) for each in ("before", *arrays))
        nodes += field(1, inputs + field(2, f"{name}/out") + field(4, "Conv"))
        nodes += field(1, field(1, f"{name}/out") + field(2, "after") + field(4, "Relu"))
        for key, array in arrays.items():
            held += field(5, onnx_tensor(key, changed.get(key.split("/")[1], array)))
    held += field(5, onnx_tensor("dense", np.zeros((4, 4), np.float32)))
    return field(1, 7) + field(2, "someone") + field(7, nodes + held)


@pytest.mark.usefixtures("narrow")
def test_an_onnx_file_gives_its_convolutions(tmp_path):
    path = tmp_path / "vgg.onnx"
    path.write_bytes(onnx_file())
    architecture, _, tensors = layouts.read(path)
    assert architecture == "vgg16"
    assert_same(tensors, canonical("vgg16"))
    assert tensors["preprocess"]["bias"][0] == np.float32(-103.939)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-7],
        lambda content: content[:40],
        lambda content: b"\x08" + b"\xff" * 40,
        lambda content: b"\x08\x07\x3b" + content,
        lambda _: b"\x08\x07",
        lambda _: field(1, 7) + field(7, field(5, field(8, 3))),
        lambda _: onnx_file(block1_conv1_7=np.zeros((9, 9), np.float32)),
        lambda _: (
            field(1, 7)
            + field(
                7,
                b"".join(
                    field(1, field(1, "x") + field(1, f"block1_conv{k}") + field(4, "Conv"))
                    for k in range(3)
                ),
            )
        ),
    ],
)
def test_a_broken_onnx_file_is_refused(damage, tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(damage(onnx_file()))
    with pytest.raises(ValueError, match=r"cannot use broken\.onnx") as error:
        layouts.read(path)
    assert_one_line(error)
