"""Records: what follows from the convolutions of a network, and networks of other packages."""

import logging
import types

import flax.linen as linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxstyle._util import plugins
from jaxstyle.backbones import BACKBONES, Backbone, find
from jaxstyle.backbones.extractor import extractor, features
from jaxstyle.backbones.record import Convolution, Window
from jaxstyle.specs import LayerRef
from jaxstyle.weights.network_cache import NetworkCache
from jaxstyle.weights.registry import Weights

USUAL = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1")


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("vgg19", USUAL),
        ("resnet50", ("relu1", "relu2_3", "relu3_4", "relu4_6", "relu4_6", "relu5_3")),
        ("alexnet", ("relu1", "relu2", "relu3", "relu4", "relu4", "relu5")),
    ],
)
def test_usual_layers_have_counterparts(name, layers):
    assert tuple(map(find(name).counterpart, USUAL)) == layers


def test_vgg16_stands_in_for_what_it_lacks():
    assert find("vgg16").counterpart("conv4_4") == "conv4_3"


@pytest.mark.parametrize(
    ("name", "layer", "pooling", "field", "side"),
    [
        # 196 pixels for VGG16 and 483 for ResNet-50, as in Araujo, Norris & Sim's paper.
        ("vgg16", "relu1_2", "max", (1, -2, 2), 1),
        ("vgg16", "relu5_3", "max", (16, -90, 105), 16),
        ("vgg16", "relu2_1", "hanning", (2, -5, 5), 2),
        ("vgg16", "pool1", "max", (2, -2, 3), 2),
        ("alexnet", "relu5", "max", (16, -66, 96), 31),
        ("resnet18", "relu1", "max", (2, -3, 3), 1),
        ("resnet50", "conv5_3", "max", (32, -241, 241), 1),
        ("resnet50-v1.5", "relu5_3", "average", (32, -213, 213), 1),
    ],
)
def test_receptive_fields_and_least_sides(name, layer, pooling, field, side):
    backbone = find(name)
    print(backbone.receptive_field(layer, pooling), backbone.min_side([layer]))
    assert backbone.receptive_field(layer, pooling) == field
    assert backbone.min_side([layer]) == side


@pytest.mark.parametrize(("name", "layer"), [("alexnet", "relu2"), ("resnet18", "relu2_1")])
def test_a_position_depends_on_its_receptive_field_alone(name, layer):
    """The pixels with a gradient of a position that is not 0, in a network of positive weights."""
    backbone = find(name)
    tensors = {"preprocess": {"kernel": jnp.eye(3), "bias": jnp.zeros(3)}}
    for spec in backbone.needed([layer]):
        sides = () if spec.size == 1 else (spec.size, spec.size)
        kernel = np.full((*sides, spec.inputs, spec.outputs), 1 / spec.inputs / spec.size**2)
        tensors[spec.name] = {"kernel": kernel.astype("f"), "bias": np.zeros(spec.outputs, "f")}
    stride, first, last = backbone.receptive_field(layer, "average")
    position = -first // stride + 2
    side = position * stride + last + 2 * stride

    def value(image):
        taken = features(tensors, image, [layer], architecture=name, pooling="average")
        return taken[layer][position, position].sum()

    gradient = np.asarray(jax.jit(jax.grad(value))(np.ones((side, side, 3), "f")))
    for axis in (0, 1):
        (pixels,) = gradient.any((1 - axis, 2)).nonzero()
        ends = position * stride + first, position * stride + last
        assert (pixels[0], pixels[-1]) == ends


def test_a_position_of_an_octave_depends_on_its_receptive_field_alone():
    ref = LayerRef.parse("vgg16:relu1_1^2")
    extract = extractor([ref], {"vgg16": find("vgg16")}, pooling="average")
    ((stride, first, last),) = extract.receptive_fields().values()
    assert (stride, first, last) == (4, -10, 10)
    kernel = {"kernel": jnp.ones((3, 3, 3, 64)), "bias": jnp.zeros(64)}
    preprocess = {"kernel": jnp.eye(3), "bias": jnp.zeros(3)}
    params = {"vgg16": {"preprocess": preprocess, "conv1_1": kernel}}
    position, side = 4, 40

    def value(image):
        return extract(params, image)[str(ref)][position, position].sum()

    gradient = np.asarray(jax.jit(jax.grad(value))(np.ones((side, side, 3), "f")))
    for axis in (0, 1):
        (pixels,) = gradient.any((1 - axis, 2)).nonzero()
        assert (pixels[0], pixels[-1]) == (position * stride + first, position * stride + last)


def test_an_unknown_architecture_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'resnet50'"):
        find("resnet51")


# ---- A network that jaxstyle does not have.

TINY = (
    Convolution("first", 3, 3, 4, layers=("edges",)),
    Convolution("second", 5, 4, 6, pooled=2, layers=("pre-texture", "texture")),
)


def forward(net, x):
    """Another network than a chain: no ReLU at the first layer."""
    taken = {}
    for spec in net.needed:
        x = net.pool(x, spec) if spec.pooled else x
        x = net.convolve(x, spec)
        taken |= net.take(spec, x) if spec.name == "first" else net.take(spec, x, net.relu(x))
    return taken


def tiny(name="tiny"):
    return Backbone(name, forward, TINY, counterparts={"relu3_1": "texture"})


def tiny_weights(record, name="my-tiny"):
    random = np.random.default_rng(1)
    tensors = {
        "preprocess": {"kernel": np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
    }
    for spec in TINY:
        shape = spec.size, spec.size, spec.inputs, spec.outputs
        tensors[spec.name] = {
            "kernel": random.standard_normal(shape).astype(np.float32),
            "bias": random.standard_normal(spec.outputs).astype(np.float32),
        }
    return Weights(name, record, "0" * 64, tensors)


def test_a_record_says_everything_of_a_network_of_ones_own():
    record = tiny()
    assert record.layers == ("edges", "pre-texture", "texture")
    assert record.counterpart("relu3_1") == "texture"
    assert record.receptive_field("texture") == (2, -5, 6)
    assert record.min_side(["texture"]) == 2
    assert [spec.name for spec in record.needed(["edges"])] == ["first"]
    assert record.shapes["second.kernel"] == (5, 5, 4, 6)
    with pytest.raises(ValueError, match="tiny has no layer that stands for relu1_1"):
        record.counterpart("relu1_1")
    with pytest.raises(ValueError, match="has no layer 'textures'; did you mean 'texture'"):
        record.check_layers(["textures"])


def test_weights_of_ones_own_network_go_through_the_cache():
    record = tiny()
    weights = tiny_weights(record)
    networks = NetworkCache(offline=True)
    networks.add(weights)
    networks.add(weights)  # the same again is no harm
    assert networks.backbone("my-tiny") is record
    assert networks.checksums() == {"my-tiny": "0" * 64}
    with pytest.raises(ValueError, match="other weights are named 'my-tiny'"):
        networks.add(tiny_weights(tiny()))
    refs = [LayerRef.parse(name) for name in ("my-tiny:texture", "my-tiny/average/edge:edges")]
    extract = extractor(refs, {"my-tiny": networks.backbone("my-tiny")})
    params = {"my-tiny": networks.on_device("my-tiny", ["texture", "edges"])}
    image = np.random.default_rng(0).random((12, 10, 3)).astype(np.float32)
    values = extract(params, image)
    assert {name: value.shape for name, value in values.items()} == {
        "my-tiny:texture": (6, 5, 6),
        "my-tiny/average/edge:edges": (12, 10, 4),
    }
    # The first convolution by its formula, at a position away from the border.
    kernel, bias = (weights.tensors["first"][kind] for kind in ("kernel", "bias"))
    expected = np.einsum("hwc,hwcd->d", image[3:6, 4:7], kernel) + bias
    np.testing.assert_allclose(values["my-tiny/average/edge:edges"][4, 5], expected, atol=1e-4)
    by_record = features(weights.tensors, image, ["texture"], architecture=record)["texture"]
    np.testing.assert_array_equal(by_record, values["my-tiny:texture"])


class Patches(linen.Module):
    """Means of 4 × 4 pixels, times a weight."""

    @linen.compact
    def __call__(self, x):
        scale = self.param("scale", linen.initializers.ones, ())
        return x.reshape(2, 4, 2, 4, 3).mean((1, 3)) * scale


def test_any_linen_module_serves_and_windows_can_be_stated():
    """A network whose layers are no convolutions, as a transformer's are not."""
    record = Backbone(
        "patches",
        lambda net, x: {"patches": Patches(name="embedding")(x)},
        (),
        layers=("patches", "blind"),
        windows={"patches": (Window(4, 0, 4),)},
    )
    params = {
        "preprocess": {"kernel": jnp.eye(3), "bias": jnp.zeros(3)},
        "embedding": {"scale": jnp.float32(2)},
    }
    values = features(params, jnp.ones((8, 8, 3)), ["patches"], architecture=record)
    np.testing.assert_allclose(values["patches"], np.full((2, 2, 3), 2.0))
    assert record.receptive_field("patches") == (4, 0, 3)
    assert record.min_side(["patches", "blind"]) == 4
    with pytest.raises(ValueError, match="the record of patches has no windows of blind"):
        record.receptive_field("blind")


# ---- Other packages.


class Entry(types.SimpleNamespace):
    def __lt__(self, other):
        return self.value < other.value

    def load(self):
        return self.loads()


@pytest.fixture
def registered(monkeypatch):
    """Gathers the backbones again, with these entry points; returns the groups asked for."""

    def forget():
        plugins.registered.cache_clear()
        vars(BACKBONES).pop("_values", None)

    def gather(*entries):
        forget()
        monkeypatch.setattr(
            "importlib.metadata.entry_points", lambda group: asked.append(group) or entries
        )
        return asked

    asked = []
    yield gather
    forget()


def test_an_entry_point_registers_one_backbone_or_several(registered):
    one, two, three = tiny("one"), tiny("two"), tiny("three")
    registered(
        Entry(value="a:one", loads=lambda: one), Entry(value="b:both", loads=lambda: (two, three))
    )
    assert (find("one"), find("two"), find("three")) == (one, two, three)
    assert [*BACKBONES][-3:] == ["one", "two", "three"]
    assert features(tiny_weights(one).tensors, jnp.ones((8, 8, 3)), ["edges"], architecture="one")


def test_a_broken_entry_point_is_a_warning_and_no_more(registered, caplog):
    def broken():
        raise ImportError("no module named\nwhatever")

    vgg16 = find("vgg16")
    registered(
        Entry(value="bad:RECORDS", loads=broken),
        Entry(value="odd:RECORDS", loads=lambda: ("vgg16", tiny())),
        Entry(value="thief:RECORDS", loads=lambda: tiny("vgg16")),
    )
    with caplog.at_level(logging.WARNING, "jaxstyle"):
        assert "tiny" in BACKBONES
    assert find("vgg16") is vgg16
    lines = [record.message for record in caplog.records]
    assert len(lines) == 3
    assert all("\n" not in line for line in lines)
    for line, words in zip(lines, ("bad:RECORDS", "odd:RECORDS", "thief:RECORDS"), strict=True):
        assert words in line


def test_the_groups_name(registered):
    """`pyproject.toml` of another package says `[project.entry-points."jaxstyle.backbones"]`."""
    asked = registered()
    assert len(BACKBONES) >= 6
    assert asked == ["jaxstyle.backbones"]
