"""TensorFlow.js: a packed folder, whose numbers come out, or which is refused."""

import io
import json
import tarfile

import pytest
from support.forging import assert_one_line, assert_same, canonical

from jaxstyle.weights.convert import layouts


def packed(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def tfjs_members(**change):
    """A VGG16 in Keras's names, its numbers in two shards that end in the middle of a tensor."""
    listed, content = [], b""
    for layer, (kernel, bias) in canonical("vgg16").items():
        name = "block{}_conv{}".format(*layer.split("_"))
        for kind, array in (("kernel", kernel), ("bias", bias)):
            shape = list(array.shape)
            listed.append({"name": f"{name}/{kind}", "shape": shape, "dtype": "float32"})
            content += array.tobytes()
    listed[0] |= change
    manifest = {"weightsManifest": [{"paths": ["one.bin", "two.bin"], "weights": listed}]}
    return {
        "package/net/two.bin": content[1001:],
        "package/net/one.bin": content[:1001],
        "package/net/model.json": json.dumps(manifest).encode(),
        "package/index.js": b"throw 'never run'",
    }


@pytest.mark.usefixtures("narrow")
def test_a_packed_folder_of_tensorflow_js_is_read(tmp_path):
    path = tmp_path / "net.tgz"
    path.write_bytes(packed(tfjs_members()))
    assert_same(layouts.read(path).tensors, canonical("vgg16"))


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "expected one model.json"),
        ({"a/model.json": b"{", "a/one.bin": b""}, ""),
        ({**tfjs_members(), "b/model.json": b"{}"}, "found 2"),
        ({k: v for k, v in tfjs_members().items() if "two" not in k}, "two.bin is missing"),
        ({**tfjs_members(), "package/net/two.bin": b""}, "longer than its shards"),
        (tfjs_members(shape=[1 << 40]), "longer than its shards"),
        (tfjs_members(shape=[-1, 3]), "longer than its shards"),
        (tfjs_members(dtype="uint8"), "expected plain floating-point numbers"),
        (tfjs_members(quantization={"scale": 1}), "expected plain floating-point numbers"),
    ],
)
def test_a_broken_packed_folder_is_refused(members, words, tmp_path):
    path = tmp_path / "net.tgz"
    path.write_bytes(packed(members))
    with pytest.raises(ValueError, match=r"cannot use net\.tgz") as error:
        layouts.read(path)
    assert_one_line(error, words)
