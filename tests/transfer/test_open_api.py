"""Objects in place of names: pictures in every form, metrics, terms, optimizers, networks."""

import io
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image
from support.small import CONTENT, OTHER, PIXELS, SMALL, STYLE, write_pictures
from support.tiny import tiny

import jaxstyle
from jaxstyle.backbones.extractor import features
from jaxstyle.backbones.record import Backbone
from jaxstyle.metrics import find
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.weights.registry import load

ONE = SMALL | {"steps": 1}
TINY_LAYERS = {"style_layers": ("relu1",), "content_layers": ("relu2",)}
MASK = np.zeros((40, 48), np.uint8)
MASK[:, 20:] = 255


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = write_pictures(tmp_path_factory.mktemp("pictures"))
    for name, mask in (("mask", MASK), ("style_mask", MASK[::-1])):
        Image.fromarray(mask).save(folder / f"{name}.png")
    return folder


class TestPictures:
    @staticmethod
    def stylize(form, files):
        """Stylize with every picture in a form."""
        names = ("content", "style", "other", "mask", "style_mask")
        pictures = [form(files / f"{name}.png") for name in names]
        content, style, init, mask, style_mask = pictures
        result = jaxstyle.stylize(
            content, style, init=init, content_mask=mask, style_mask=style_mask, **ONE
        )
        for picture in pictures:
            getattr(picture, "close", lambda: None)()
        return result

    @pytest.fixture(scope="class")
    @classmethod
    def expected(cls, files):
        return cls.stylize(str, files)

    @pytest.mark.bytes
    @pytest.mark.parametrize(
        "form",
        [
            Path,
            Image.open,
            lambda path: np.asarray(Image.open(path)),
            lambda path: np.asarray(Image.open(path)) / np.float32(255),
            lambda path: jnp.asarray(np.asarray(Image.open(path))),
            lambda path: jnp.asarray(np.asarray(Image.open(path)) / np.float32(255)),
            Path.read_bytes,
            lambda path: io.BytesIO(path.read_bytes()),
            lambda path: path.open("rb"),
        ],
        ids=[
            *("path", "PIL", "uint8", "float", "JAX uint8", "JAX float", "bytes", "BytesIO", "file")
        ],
    )
    def test_in_every_form_give_the_same_bytes(self, form, files, expected):
        result = self.stylize(form, files)
        assert result.image.tobytes() == expected.image.tobytes()
        assert result.history == expected.history
        assert set(result.inputs) == {"content", "style", "content_mask", "style_mask", "init"}
        if form is Path:
            assert result.inputs == expected.inputs
        else:
            assert not any("path" in record for record in result.inputs.values())

    def test_are_known_by_their_pixels(self):
        settings = ONE | {"steps": 0}
        results = [jaxstyle.stylize(CONTENT, s, **settings) for s in (STYLE, PIXELS[2], OTHER)]
        first, same, other = (result.inputs["style"]["sha256"] for result in results)
        assert first == same != other

    def test_of_no_known_form_are_refused(self, files):
        with pytest.raises(TypeError, match=r"expected the style as a path, .*, got dict"):
            jaxstyle.stylize(CONTENT, {}, **ONE)
        with pytest.raises(ValueError, match=r"the content's values in .* pass 0 to 255 as uint8"):
            jaxstyle.stylize(CONTENT * 255, STYLE, **ONE)
        with (
            (files / "content.png").open(encoding="latin-1") as file,
            pytest.raises(ValueError, match=r"opened in binary mode \('rb'\)"),
        ):
            jaxstyle.stylize(file, STYLE, **ONE)
        with pytest.raises(ValueError, match=r"expected the initial picture of shape"):
            jaxstyle.stylize(CONTENT, STYLE, init=np.zeros((3, 40, 48)), **ONE)


def brightness(factor=1.0, name="brightness", kind="style"):
    """A metric of one's own."""
    return jaxstyle.Metric(
        name=name,
        kind=kind,
        summarize=lambda features: factor * jnp.mean(features),
        distance=lambda features, target, *, power=2.0: (
            jnp.abs(factor * jnp.mean(features) - target) ** power
        ),
        expects="positions",
        layers=("relu1_1",),
    )


class TestMetrics:
    @pytest.fixture(scope="class")
    @classmethod
    def by_name(cls):
        return jaxstyle.stylize(CONTENT, STYLE, **ONE)

    @pytest.mark.bytes
    @pytest.mark.parametrize(
        "objects",
        [
            {"metric": find("gram", "style")},
            {"metric": jaxstyle.MetricSpec("gram")},
            {"metric": jaxstyle.term("gram", 1.0, ONE["style_layers"])},
            {"metric": [(find("gram", "style"), 1.0)]},
            {
                "metric": ((find("gram", "style"), 1.0, ONE["style_layers"]),),
                "content_metric": jaxstyle.term("mse", 1.0, ONE["content_layers"], kind="content"),
                "regularizer": find("total_variation", "image"),
            },
        ],
        ids=["Metric", "MetricSpec", "Term", "weighted", "all"],
    )
    def test_that_are_objects_are_those_of_the_name(self, by_name, objects):
        result = jaxstyle.stylize(CONTENT, STYLE, **ONE | objects)
        assert result.image.tobytes() == by_name.image.tobytes()
        assert result.history == by_name.history
        given = {name for name, value in objects.items() if name != "metric"}
        given |= {"metric"} - ({"metric"} if "MetricSpec" in repr(objects["metric"]) else set())
        assert {line.split()[0] for line in result.obstacles} >= given

    def test_of_ones_own(self):
        result = jaxstyle.stylize(
            CONTENT,
            STYLE,
            metric=[(brightness(), 0.5, ["relu1_1"]), "gram"],
            parameter={"brightness.power": 1.5},
            **{name: value for name, value in SMALL.items() if name != "metric"},
        )
        guide = make_job(CONTENT, STYLE, jaxstyle.Settings(**SMALL), Sources()).guide
        means = [
            np.mean(
                features(load("vgg16").tensors, picture, ["relu1_1"], padding="edge")["relu1_1"]
            )
            for picture in (guide.content, guide.styles[0])
        ]
        loss = float(abs(means[0] - means[1])) ** 1.5
        assert result.history["brightness"][0] / result.facts["calibration"]["brightness"][0][
            0
        ] == (pytest.approx(loss, rel=1e-3))
        assert result.facts["settings"]["metric"] == (
            *(("brightness", 0.5, ("relu1_1",)), ("gram", 1.0)),
        )
        assert result.obstacles[0] == "metric brightness"
        with pytest.raises(ValueError, match="brightness has no parameter 'powr'; did you mean"):
            jaxstyle.stylize(
                CONTENT, STYLE, parameter={"brightness.powr": 1}, **ONE | {"metric": brightness()}
            )
        with pytest.raises(
            ValueError, match="expected a metric of kind content, brightness is of kind style"
        ):
            jaxstyle.stylize(CONTENT, STYLE, **ONE | {"content_metric": brightness()})

    def test_can_be_swept(self):
        one, other = brightness(), brightness(3.0, "threefold")
        sweep = {"metric": ["gram", one, [(other, 0.5), "gram"]]}
        # A network whose programs are compiled fast.
        settings = {**ONE, **TINY_LAYERS, "backbone": tiny()}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **settings)
        assert [cell.values["metric"] for cell in cells] == sweep["metric"]
        names = [set(cell.result.history) - {"total", "mse", "total_variation"} for cell in cells]
        assert names == [{"gram"}, {"brightness"}, {"gram", "threefold"}]
        assert [bool(cell.result.obstacles) for cell in cells] == [True] * 3
        alone = jaxstyle.stylize(CONTENT, STYLE, **settings | {"metric": one})
        np.testing.assert_allclose(cells[1].result.image, alone.image, atol=2e-5)


class TestOptimizers:
    def test_of_optax(self):
        # Adam by name is this one.
        transformation = optax.adam(0.02, b2=0.99)
        named = jaxstyle.stylize(CONTENT, STYLE, optimizer="adam", learning_rate=0.02, **SMALL)
        result = jaxstyle.stylize(CONTENT, STYLE, optimizer=transformation, **SMALL)
        np.testing.assert_allclose(result.image, named.image, atol=2e-5)
        assert result.facts["settings"]["learning_rate"] is None
        assert json.dumps(result.facts["settings"]["optimizer"])

    def test_have_their_own_learning_rate(self):
        with pytest.raises(ValueError, match="expected no learning_rate beside an optax trans"):
            jaxstyle.stylize(CONTENT, STYLE, optimizer=optax.sgd(0.1), learning_rate=1.0, **ONE)
        with pytest.raises(ValueError, match="expected optimizer to be one of lbfgs"):
            jaxstyle.stylize(CONTENT, STYLE, optimizer="adem", **ONE)

    def test_can_be_swept(self):
        sweep = {"optimizer": ["adam", optax.sgd(0.1)]}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **ONE)
        assert all(cell.result.finite for cell in cells)
        assert np.abs(cells[0].result.image - cells[1].result.image).max() > 1e-4


class TestNetworks:
    def test_of_ones_own(self):
        settings = SMALL | TINY_LAYERS
        result = jaxstyle.stylize(CONTENT, STYLE, backbone=tiny(), **settings)
        assert result.history["total"][-1] < result.history["total"][0]
        assert result.facts["weights"] == {"tiny": tiny().sha256}
        assert result.facts["settings"]["backbone"] == "tiny"
        assert "backbone tiny" in result.obstacles
        with pytest.raises(ValueError, match="tiny-network has no layer 'relu3'; did you mean"):
            jaxstyle.stylize(
                CONTENT, STYLE, backbone=tiny(), **settings | {"style_layers": ("relu3",)}
            )

    def test_beside_others(self):
        settings = ONE | {"style_layers": ("relu1",)}
        result = jaxstyle.stylize(CONTENT, STYLE, style_backbone=tiny(), **settings)
        assert set(result.facts["weights"]) == {"tiny", "vgg16"}
        assert result.obstacles[0] == "style_backbone tiny"

    def test_of_one_name_must_be_the_same(self):
        with pytest.raises(ValueError, match="other weights are named 'tiny'"):
            jaxstyle.stylize(
                CONTENT, STYLE, style_backbone=tiny(), content_backbone=tiny(seed=1), **ONE
            )

    def test_can_be_swept(self):
        one, other = tiny(), tiny(seed=1, name="other")
        cells = jaxstyle.stylize_grid(
            CONTENT, STYLE, sweep={"backbone": [one, other]}, **ONE | TINY_LAYERS
        )
        assert [set(cell.result.facts["weights"]) for cell in cells][1] == {"tiny", "other"}
        assert isinstance(one.architecture, Backbone)
        assert np.abs(cells[0].result.image - cells[1].result.image).max() > 1e-4
