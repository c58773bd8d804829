"""The public functions do what their annotations say: beartype checks them in use.

`jaxstyle.Settings` is left out: it accepts what its fields do not say, and gives it one form.
"""

import io
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image
from support.small import CONTENT, OTHER, PIXELS, SMALL, STYLE, write_pictures
from support.tiny import tiny
from support.typed import shaped, typed

import jaxstyle
from jaxstyle import backbones, citations, metrics, recipes, samples
from jaxstyle.backbones.extractor import features
from jaxstyle.image import io as images
from jaxstyle.image.load import load_image
from jaxstyle.image.masks import load_mask
from jaxstyle.metrics import METRICS
from jaxstyle.weights import registry

ONE = SMALL | {"steps": 1}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


FORMS = {
    "Path": lambda path: path,
    "text": str,
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
    "file": lambda path: path.open("rb"),
    "PIL": Image.open,
    "uint8": lambda path: np.asarray(Image.open(path)),
    "float": lambda path: np.asarray(Image.open(path)) / np.float32(255),
    "JAX": lambda path: jnp.asarray(np.asarray(Image.open(path))),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_pictures(files, form):
    for load in (load_image, load_mask):
        picture = form(files / "content.png")
        assert typed(load)(picture).shape[:2] == (40, 48)
        getattr(picture, "close", lambda: None)()


def test_picture_files(tmp_path):
    for path in (tmp_path / "a.png", str(tmp_path / "a.jpg")):
        typed(images.write_image)(path, CONTENT, settings="{}", quality=90)
        assert typed(images.read_image)(path, size=24).shape == (20, 24, 3)
        assert typed(images.read_settings)(path) == "{}"


class TestRuns:
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"metric": {"gram": 0.5}},
            {"metric": [(metrics.find("gram"), 0.5)], "style_scale": 1},
            {"metric": jaxstyle.term("gram", 1.0, "relu1_1")},
            {"optimizer": optax.sgd(0.1), "style_layers": "relu1_1"},
            {"init": OTHER, "content_mask": np.full((40, 48), 255, np.uint8)},
        ],
        ids=["names", "mapping", "metric", "term", "optimizer", "pictures"],
    )
    def test_stylize(self, changes):
        result = typed(jaxstyle.stylize)(CONTENT, STYLE, on_progress=print, **ONE | changes)
        assert isinstance(result.image, np.ndarray)

    def test_iterate_and_plan(self, files):
        content, style = files / "content.png", str(files / "style.png")
        *_, last = typed(jaxstyle.iterate)(content, [style], jaxstyle.Settings(**ONE))
        assert last.result.finite
        assert typed(jaxstyle.plan)(content, [style, STYLE], **ONE).peak > 0

    def test_save_and_replay(self, files, tmp_path):
        result = jaxstyle.stylize(files / "content.png", files / "style.png", **ONE)
        path = typed(type(result).save)(result, str(tmp_path / "out.png"))
        assert typed(type(result).manifest)(result)["inputs"]
        again = typed(jaxstyle.replay)(
            path.with_suffix(".json"), inputs={"content": str(files / "content.png")}
        )
        assert again.image.tobytes() == result.image.tobytes()
        assert typed(jaxstyle.settings_of)(str(path)).size == result.facts["settings"]["size"]
        more = typed(jaxstyle.continue_from)(path, style=[STYLE], inputs={}, steps=0)
        assert more.image.shape == result.image.shape

    def test_grid(self, tmp_path):
        sweep = {"metric": ["gram", {"moments": 0.5}], "seed": np.arange(1)}
        cells = typed(jaxstyle.stylize_grid)(
            CONTENT, STYLE, sweep=sweep, folder=tmp_path / "grid", on_progress=print, **ONE
        )
        assert len(cells) == 2

    def test_batch(self, files, tmp_path):
        contents, folder = [files / "content.png", OTHER], str(tmp_path / "out")
        pictures = typed(jaxstyle.stylize_batch)(
            contents, STYLE, folder=folder, on_progress=print, bits=16, **ONE
        )
        assert [one.manifest.name for one in pictures] == ["content.json", "picture.json"]

    @pytest.mark.slow
    def test_losses(self):
        loss = typed(jaxstyle.StyleLoss.of)("gram@relu1_1", content_metric={"mse@relu1_1": 0.5})
        batch = jnp.stack([CONTENT, OTHER])
        for content in (None, CONTENT):
            targets = typed(jaxstyle.StyleLoss.init)(loss, loss.params, STYLE, content=content)
        call = shaped(jaxstyle.StyleLoss.__call__)

        @jax.jit
        def with_gradient(images):
            def of_images(images):
                return call(loss, loss.params, targets, images, batch)

            return jax.value_and_grad(of_images, has_aux=True)(images)

        (total, parts), gradient = with_gradient(batch)
        assert total > 0
        assert set(parts) == {"gram", "mse"}
        assert jnp.isfinite(gradient).all()

    def test_judges(self, files):
        for layers in ("relu1_1", ["relu1_1"]):
            judge = typed(jaxstyle.judge)("gram", layers=layers)
            assert typed(judge)(CONTENT, files / "style.png") > 0
        assert typed(typed(jaxstyle.judge)("ssim"))(CONTENT, PIXELS[1]) > 0

    def test_features(self):
        network = tiny()
        pictures = jnp.stack([CONTENT, OTHER])
        values = shaped(features)(
            network.tensors, pictures, "relu1", architecture=network.architecture
        )
        assert set(values) == {"relu1"}


def test_lookups():
    for name in recipes.RECIPES:
        settings = typed(recipes.settings)(recipe=name)
        assert typed(recipes.find)(name).citation or settings.metric
        typed(recipes.method)(name)
    entries = typed(citations.entries)()
    assert all(typed(citations.summary)(entry) for entry in entries.values())
    assert typed(citations.bibtex)(*entries)
    assert typed(citations.labels)("jaxstyle") == ("jaxstyle",)
    assert typed(metrics.find)("mse", "content").kind == "content"
    assert typed(backbones.find)("vgg16").name == "vgg16"
    assert typed(samples.listing)()
    assert typed(samples.resolve)("sample:lighthouse").is_file()
    assert typed(registry.listing)()
    assert typed(registry.fetch)("vgg16") == typed(registry.path)("vgg16")
    assert typed(registry.load)("vgg16", offline=True).name == "vgg16"


BARE = [metric for group in METRICS.values() for metric in group.values() if not metric.weights]


@pytest.mark.parametrize("metric", BARE, ids=lambda metric: f"{metric.kind} {metric.name}")
def test_metrics(metric):
    random = np.random.default_rng(0)
    channels = 3 if metric.layers == metrics.metric.IMAGE else 4
    sides = (12, 6) if metric.expects == "layers" else (12,)

    def made(_):
        grids = [jnp.asarray(random.random((side, side, channels), np.float32)) for side in sides]
        if metric.expects == "positions":
            return grids[0].reshape(-1, channels)
        return tuple(grids) if metric.expects == "layers" else grids[0]

    picture, reference = map(made, range(2))
    key = (jax.random.key(0),) if metric.random else ()

    def distance(picture, reference):
        target = shaped(metric.summarize)(reference, *key)
        if metric.finish:
            target = metric.finish(target, target) if metric.guided else metric.finish(target)
        return shaped(metric.distance)(picture, target)

    # Annotations are checked while a function is traced: nothing has to be compiled.
    assert jax.eval_shape(distance, picture, reference).shape == ()
