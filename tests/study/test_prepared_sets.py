"""Sets of TensorFlow Datasets: prepared once, read by index, whoever made them."""

import hashlib
import io
import json
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxstyle.study import datasets
from jaxstyle.study.datasets import pictures, prepare

pytestmark = pytest.mark.usefixtures("cache")
ORDER = ["Palette", "deep", "held upright", "press", "transparent"]


def messages(caplog):
    return [record.message for record in caplog.records if record.name == "jaxstyle"]


def rounded(picture):
    return np.round(picture * 255).astype(np.float32) / np.float32(255)


def save(path, value=0):
    Image.fromarray(np.full((3, 4, 3), value, np.uint8)).save(path)


@pytest.mark.parametrize("module", ["tensorflow_datasets", "array_record", "importlib_resources"])
def test_a_missing_extra_says_how_to_get_it(module, folder, monkeypatch):
    for name in [*sys.modules]:
        if name.startswith(f"{module}."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    for use in (lambda: prepare(folder), lambda: pictures(["tfds:picture_folder/train"])):
        with pytest.raises(ValueError, match=r"pip install 'jaxstyle\[datasets\]'") as error:
            use()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["tfds:", "tfds:mnist", "tfds:a/b/c/d", "tfds:../x/train", "tfds:x/../train", "tfds:x:1/train"],
)
def test_a_text_that_means_no_set(text):
    with pytest.raises(ValueError, match=r"expected tfds:NAME/SPLIT or tfds:NAME/CONFIG/SPLIT"):
        pictures([text])


def test_the_parts_of_a_text():
    spec = datasets._SPEC.fullmatch("tfds:picture_folder/paintings/train[:8]")
    assert spec.groupdict() == {
        "builder": "picture_folder/paintings",
        "name": "picture_folder",
        "config": "paintings",
        "version": None,
        "split": "train[:8]",
    }


@pytest.fixture(scope="module")
def tfds():
    # Neither is installed with the tests, nor is the second to be had on every platform.
    pytest.importorskip("array_record")
    return pytest.importorskip("tensorflow_datasets")


@pytest.fixture(scope="module")
def data_dir(tfds, folder, tmp_path_factory):
    """Where the five are prepared as the set `odd`, two pictures in a file."""
    data_dir = tmp_path_factory.mktemp("sets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "_SHARD", 2)
        spec = prepare(folder, name="odd", data_dir=data_dir)
    assert spec == "tfds:picture_folder/odd/train"
    assert len([*(data_dir / "picture_folder/odd/1.0.0").glob("*.array_record-*")]) == 3
    return data_dir


class TestPrepared:
    def test_it_is_what_the_files_are(self, data_dir, folder):
        named = pictures(["tfds:picture_folder/odd/train"], data_dir=data_dir)
        for one, other in zip(named, pictures([folder]), strict=True):
            assert (one.name, one.sha256) == (other.name, other.sha256)
            np.testing.assert_array_equal(one.picture, rounded(other.picture))
            assert one.picture.dtype == np.float32

    @pytest.mark.parametrize(
        ("split", "wanted"),
        [
            ("train[:3]", [0, 1, 2]),
            ("train[2:4]", [2, 3]),
            ("train[1:]", [1, 2, 3, 4]),
            ("train[-1:]+train[:1]", [4, 0]),
            ("train[:40%]", [0, 1]),
            ("all", [0, 1, 2, 3, 4]),
        ],
    )
    def test_slices_are_by_index(self, split, wanted, data_dir):
        named = pictures([f"tfds:picture_folder/odd/{split}"], data_dir=data_dir)
        assert [picture.name for picture in named] == [ORDER[index] for index in wanted]

    def test_the_size(self, data_dir):
        named = pictures(["tfds:picture_folder/odd:1.0.0/train[:2]"], size=6, data_dir=data_dir)
        assert [picture.picture.shape for picture in named] == [(6, 4, 3), (5, 6, 3)]

    def test_another_process_reads_the_same_bytes(self, data_dir):
        code = (
            "import hashlib, json, sys\n"
            "from jaxstyle.study.datasets import pictures\n"
            "early = {'jax', 'tensorflow_datasets'} & {*sys.modules}\n"
            "pictures = pictures(['tfds:picture_folder/odd/train'], data_dir=sys.argv[1])\n"
            "late = {'jax', 'tensorflow'} & {*sys.modules}\n"
            "digests = [hashlib.sha256(p.picture.tobytes()).hexdigest() for p in pictures]\n"
            "print(json.dumps([sorted(early), sorted(late), digests]))"
        )
        command = [sys.executable, "-W", "error", "-c", code, str(data_dir)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        named = pictures(["tfds:picture_folder/odd/train"], data_dir=data_dir)
        digests = [hashlib.sha256(picture.picture.tobytes()).hexdigest() for picture in named]
        assert json.loads(done.stdout) == [[], [], digests]

    def test_unknown_splits_and_slices_are_one_line(self, data_dir):
        for split, reason in [
            ("test", r"Unknown split 'test'. Should be one of \['train'\]"),
            ("train[:6]", r"Requested slice \[:6\] incompatible with 5 examples"),
            ("train[3]", "Error parsing split"),
            ("all[:2]", "does not support slice"),
        ]:
            text = f"tfds:picture_folder/odd/{split}"
            with pytest.raises(ValueError, match=reason) as error:
                pictures([text], data_dir=data_dir)
            folder = data_dir / "picture_folder/odd/1.0.0"
            assert str(error.value).startswith(f"{text} cannot be read from {folder}: ")
            assert "\n" not in str(error.value)
        with pytest.raises(ValueError, match="selects no pictures"):
            pictures(["tfds:picture_folder/odd/train[2:2]"], data_dir=data_dir)

    def test_it_is_prepared_once(self, data_dir, folder, tmp_path, caplog):
        location = data_dir / "picture_folder/odd/1.0.0"
        before = {path: path.stat().st_mtime_ns for path in location.iterdir()}
        caplog.set_level("INFO", "jaxstyle")
        assert prepare(folder, name="odd", data_dir=data_dir)
        assert messages(caplog) == [
            f"tfds:picture_folder/odd/train is already prepared in {location}"
        ]
        save(tmp_path / "other.png")
        with pytest.raises(ValueError, match="already prepared, from other pictures") as error:
            prepare(tmp_path, name="odd", data_dir=data_dir)
        assert str(location) in str(error.value)
        assert {path: path.stat().st_mtime_ns for path in location.iterdir()} == before


def test_names_keep_folders_apart(tfds, tmp_path, cache, capfd, caplog):
    for index, name in enumerate(["one", "two"]):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "same.png", 100 + index)
    caplog.set_level("INFO", "jaxstyle")
    specs = [prepare(tmp_path / "one")]
    assert messages(caplog) == [
        f"preparing 1 pictures of {tmp_path / 'one'} as {specs[0]} in {cache / 'tfds'} ..."
    ]
    specs += [prepare(tmp_path / "one", name="one"), prepare(tmp_path / "two", name="two")]
    assert specs == ["tfds:picture_folder" + end for end in ("/train", "/one/train", "/two/train")]
    with pytest.raises(ValueError, match="give another name"):
        prepare(tmp_path / "two")
    named = pictures(specs)
    assert [picture.name for picture in named] == ["same", "same#2", "same#3"]
    assert [round(255 * picture.picture[0, 0, 0]) for picture in named] == [100, 100, 101]
    assert {path.name for path in (cache / "tfds").rglob(".*")} == set()
    # The library's remarks would spoil the output of whoever calls this.
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelname != "INFO"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "-x", "1.0.0"])
def test_what_is_not_a_name(name, folder):
    with pytest.raises(ValueError, match="expected a name of letters, digits"):
        prepare(folder, name=name)


def test_many_pictures_keep_the_order_of_their_names(tfds, tmp_path):
    # The library would sort them by a hash; 33 are more than one file.
    for value in range(33):
        save(tmp_path / f"{value}.png", value)
    named = pictures([prepare(tmp_path)])
    assert [picture.name for picture in named] == sorted(map(str, range(33)))
    assert [str(round(255 * picture.picture[0, 0, 0])) for picture in named] == sorted(
        map(str, range(33))
    )


def test_a_broken_picture_leaves_no_set(tfds, tmp_path, cache):
    save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "a.png").read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"broken\.png") as error:
        prepare(tmp_path, name="mine")
    assert "\n" not in str(error.value)
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    (tmp_path / "broken.png").unlink()
    assert len(pictures([prepare(tmp_path, name="mine")])) == 1


def test_what_is_in_the_way_is_left_alone(tfds, tmp_path, cache):
    save(tmp_path / "a.png")
    notes = cache / "tfds/picture_folder/mine/1.0.0/notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("somebody's")
    with pytest.raises(OSError, match="not empty"):
        prepare(tmp_path, name="mine")
    assert [path for path in cache.rglob("*") if path.is_file()] == [notes]


def test_what_is_not_prepared_says_how_to_prepare_it(tfds, folder, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    data_dir = tmp_path / "it's here"
    text = "tfds:picture_folder/mine/train[:2]"
    with pytest.raises(FileNotFoundError, match="is not prepared in") as error:
        pictures([text], data_dir=data_dir)
    assert "\n" not in str(error.value)
    program, option, code = shlex.split(str(error.value).partition(" with: ")[2])
    assert (program, option) == ("python", "-c")
    exec(code.replace("FOLDER", str(folder)))
    assert len(pictures([text], data_dir=data_dir)) == 2
    with pytest.raises(FileNotFoundError) as error:
        pictures(["tfds:mnist:3.0.1/test[:4]"])
    assert str(error.value).endswith(
        "; prepare it with: python -c 'import tensorflow_datasets as tfds; "
        'tfds.builder("mnist:3.0.1").download_and_prepare(file_format="array_record")\''
    )


@pytest.mark.parametrize("damage", ["byte", "end", "gone", "features.json", "dataset_info.json"])
def test_a_damaged_set_is_one_line(damage, tfds, tmp_path, cache):
    save(tmp_path / "a.png")
    spec = prepare(tmp_path)
    location = cache / "tfds/picture_folder/1.0.0"
    [path] = location.glob("*array_record*")
    content = path.read_bytes()
    if damage == "byte":
        path.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    elif damage == "end":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "gone":
        path.unlink()
    else:
        (location / damage).write_text("{nonsense")
    with pytest.raises(ValueError, match=f"{spec} cannot be read from {location}: ") as error:
        pictures([spec])
    assert "\n" not in str(error.value)


def stored(picture):
    """The bytes that the library makes of a Pillow picture."""
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def png(array):
    return stored(Image.fromarray(np.round(array * 255).astype(np.uint8)))


class TestOthersSets:
    """Sets that this package did not make."""

    @pytest.fixture
    def write(self, tfds, tmp_path):
        """A function that writes a set as its makers would, into $TFDS_DATA_DIR."""
        root = tmp_path / "tensorflow_datasets"

        def write(called, features, examples, *, version="1.0.0", configs=()):
            known = [tfds.core.BuilderConfig(name=config) for config in configs]

            class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
                name = called
                VERSION = tfds.core.Version(version)
                BUILDER_CONFIGS = known

                def _info(self):
                    kinds = tfds.features.FeaturesDict(features)
                    return tfds.core.DatasetInfo(builder=self, features=kinds)

                def _split_generators(self, dl_manager):
                    return {split: self._generate_examples(split) for split in examples}

                def _generate_examples(self, split):
                    yield from enumerate(examples[split])

            for config in configs or [None]:
                builder = Builder(data_dir=root, config=config)
                builder.download_and_prepare(file_format="array_record")

        return write

    def test_pictures_without_names(self, tfds, write):
        grey = [Image.fromarray(np.full((5, 6), value, np.uint8)) for value in (10, 20, 30)]
        features = {"image": tfds.features.Image(shape=(5, 6, 1)), "label": np.int64}
        examples = [{"image": picture, "label": 1} for picture in grey]
        write("digits", features, {"train": examples[:1], "test": examples})
        # This set its makers let shuffle.
        named = pictures(["tfds:digits/test[1:]", "tfds:digits/test", "tfds:digits/train"])
        names = ["digits-test-1", "digits-test-2", "digits-test-0", "digits-test-1#2"]
        assert [picture.name for picture in named] == [*names, "digits-test-2#2", "digits-train-0"]
        np.testing.assert_array_equal(named[0].picture, named[3].picture)
        values = sorted(round(255 * picture.picture[0, 0, 0]) for picture in named[2:5])
        assert values == [10, 20, 30]
        assert {picture.picture.shape for picture in named} == {(5, 6, 3)}
        assert {picture.sha256 for picture in named} == {
            hashlib.sha256(stored(image)).hexdigest() for image in grey
        }
        with pytest.raises(ValueError, match=r"one of \['train', 'test'\]"):
            pictures(["tfds:digits/validation"])

    def test_folders_that_earlier_versions_prepared(self, tfds, write):
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "file": tfds.features.Text(),
            "sha256": tfds.features.Text(),
        }
        example = {"image": png(np.ones((2, 2, 3))), "file": b"a b.jpg", "sha256": b"ab" * 32}
        write("picture_folder", features, {"train": [example]}, configs=["old"])
        [picture] = pictures(["tfds:picture_folder/old/train"])
        assert (picture.name, picture.sha256) == ("a b", "ab" * 32)

    def test_file_names_name_pictures(self, tfds, write):
        features = {
            "photo": tfds.features.Image(),
            "mask": tfds.features.LabeledImage(labels=2, shape=(None, None, 1)),
            "file_name": tfds.features.Text(),
        }
        mask = Image.fromarray(np.zeros((2, 2), np.uint8))
        example = {"photo": png(np.ones((2, 2, 3))), "mask": mask, "file_name": "cats/tom.v2.jpg"}
        write("pets", features, {"train": [example]})
        assert [picture.name for picture in pictures(["tfds:pets/train"])] == ["tom.v2"]

    def test_configs_and_versions(self, tfds, write):
        def examples(value):
            return {"train": [{"image": png(np.full((2, 2, 3), value / 255))}]}

        features = {"image": tfds.features.Image()}
        write("flowers", features, examples(1), configs=["large", "small"])
        write("flowers", features, examples(2), configs=["large"], version="1.10.0")
        write("flowers", features, examples(3), configs=["large"], version="1.9.0")
        for text, name, value in [
            ("flowers/train", "flowers-train-0", 2),
            ("flowers/large/train", "flowers-large-train-0", 2),
            ("flowers/large:1.9.0/train", "flowers-large-train-0", 3),
            ("flowers/small/train", "flowers-small-train-0", 1),
        ]:
            [picture] = pictures([f"tfds:{text}"])
            assert (picture.name, round(255 * picture.picture[0, 0, 0])) == (name, value)
        for text in ("flowers/huge/train", "flowers/small:1.9.0/train"):
            with pytest.raises(FileNotFoundError, match=f"{text} is not prepared"):
                pictures([f"tfds:{text}"])

    def test_what_is_not_one_picture(self, tfds, write):
        black = png(np.zeros((2, 2, 3)))
        features = {"left": tfds.features.Image(), "right": tfds.features.Image()}
        write("pairs", features, {"train": [{"left": black, "right": black}]})
        with pytest.raises(ValueError, match="got left, right"):
            pictures(["tfds:pairs/train"])
        write("labels", {"label": np.int64}, {"train": [{"label": 1}]})
        with pytest.raises(ValueError, match="got no picture"):
            pictures(["tfds:labels/train"])
        write("broken", {"image": tfds.features.Image()}, {"train": [{"image": b"nonsense"}]})
        with pytest.raises(
            ValueError, match="example train-0 of tfds:broken/train is not a picture"
        ):
            pictures(["tfds:broken/train"])

    def test_another_format_says_which_is_needed(self, tfds, write, tmp_path):
        features, example = {"image": tfds.features.Image()}, {"image": png(np.zeros((2, 2, 3)))}
        write("old", features, {"train": [example]})
        # The library's default, which only TensorFlow can write and read.
        info = tmp_path / "tensorflow_datasets/old/1.0.0/dataset_info.json"
        info.write_text(info.read_text().replace("array_record", "tfrecord"))
        with pytest.raises(ValueError, match=r"tfds:old/train cannot be read .*array_record"):
            pictures(["tfds:old/train"])
