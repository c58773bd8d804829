"""Searches: the space, the journal of trials, and one small search whole, judged by made-up judges.

One program for the cheap trials and one for the full ones serve the whole module.
"""

import json
import re
import shlex
import sys
from dataclasses import replace

import numpy as np
import pytest
from support.small import run

from jaxstyle.cli.stylize import stylize
from jaxstyle.image.io import read_image, write_image
from jaxstyle.settings import Settings
from jaxstyle.specs import MetricSpec
from jaxstyle.study import making
from jaxstyle.study.search import judges_for, search
from jaxstyle.study.space import Draw, MetricChoice, NumberChoice, Space, read_space
from jaxstyle.study.statistics import front, hypervolume
from jaxstyle.study.trials import best

_Y, _X = np.mgrid[0:40, 0:48] / 48
CONTENT = np.stack([_X, _Y, (_X - 0.5) ** 2 + (_Y - 0.4) ** 2 < 0.06], -1).astype(np.float32)
STYLE = np.stack([0.5 + 0.5 * np.sin(40 * (_X + k * _Y)) for k in range(3)], -1).astype(np.float32)
SPACE = {
    "metric": ["moments@image"],
    "settings": {"content_weight": {"low": 0.01, "high": 100}},
}
SMALL = {
    **{"size": 40, "steps": 2, "scales": 1, "space": SPACE, "trials": 5, "optimizer": "adam"},
    **{"content_metric": "mse@image", "smoothness": 0.0},
}


class Panel:
    """Judges that compare mean colors with the style's, and pixels with the content's."""

    def __init__(self, judges, contents, styles, *, offline):
        self.axes = [judge.axis for judge in judges]
        self.contents, self.styles = contents, styles
        assert len(contents) > 1
        assert {picture.shape for picture in (*contents, *styles)} == {(64, 64, 3)}

    def scores(self, picture, content, style):
        distances = {
            "effectiveness": np.abs(picture.mean((0, 1)) - self.styles[style].mean((0, 1))).mean(),
            "coherence": np.abs(picture - self.contents[content]).mean(),
        }
        return np.array([distances[axis] for axis in self.axes])


@pytest.fixture(autouse=True)
def made_up_judges(monkeypatch):
    """Judge by formulas."""
    monkeypatch.setattr(making, "JudgePanel", Panel)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A content and a style."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, picture in (("a photo", CONTENT), ("style", STYLE)):
        write_image(folder / f"{name}.png", picture)
    return folder / "a photo.png", folder / "style.png"


@pytest.fixture(scope="module")
def finished(files, tmp_path_factory):
    """The folder of a finished search, and what it returned."""
    pytest.importorskip("optuna")
    folder = tmp_path_factory.mktemp("search")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "JudgePanel", Panel)
        return folder, search(*files, folder, **SMALL)


class TestSpace:
    def test_shares(self):
        """A mixture's weights sum to 1, and it has few metrics of many."""
        counts = []
        for seed in range(200):
            changes = Space().suggest(Draw(np.random.default_rng(seed)))
            for name in ("metric", "content_metric"):
                total = sum(spec.weight for spec in changes[name])
                assert total == pytest.approx(1, abs=0.05)  # of rounded weights
            counts.append(len(changes["metric"]))
            Settings(**changes)
        assert min(counts) >= 1
        assert np.mean(counts) == pytest.approx(0.25 * len(Space().metric), abs=0.5)

    def test_ranges(self):
        space = Space(
            metric={}, content_metric={}, settings={"style_weight": NumberChoice(0.01, 100, True)}
        )
        draws = [Draw(np.random.default_rng(seed)) for seed in range(400)]
        values = np.array([space.suggest(draw)["style_weight"] for draw in draws])
        assert np.mean(values == 0) == pytest.approx(0.25, abs=0.07)
        logs = np.log10(values[values > 0])
        assert logs.mean() == pytest.approx(0, abs=0.2)
        assert logs.std() == pytest.approx(4 / 12**0.5, abs=0.1)

    def test_layers_and_smoothing(self):
        given = {"gram": {"layers": ["relu1_1,relu2_1"], "smoothing": ["softmax/3"]}}
        space = read_space({"metric": given, "content_metric": [], "settings": {}})
        (spec,) = space.suggest(Draw(np.random.default_rng(0)))["metric"]
        assert str(spec) == "gram~softmax/3@relu1_1,relu2_1"

    def test_single(self):
        """One style metric and one content metric, any of them."""
        space, drawn = read_space({"single": True}), set()
        for seed in range(100):
            changes = space.suggest(Draw(np.random.default_rng(seed)))
            ((style,), (content,)) = changes["metric"], changes["content_metric"]
            assert style.weight == content.weight == 1
            drawn.add(style.name)
        assert len(drawn) > 10

    @pytest.mark.parametrize(
        ("space", "settings"),
        [
            (Space(), Settings()),
            (Space(), Settings(metric="gram@relu1_1,relu2_1+moments=0.5", smoothness=0.0)),
            (Space(), Settings(metric="gram~relative/5", style_weight=2.0)),
            (Space(single=True), Settings(metric="gram", content_metric="edges")),
            (Space(content_metric={}), Settings(content_metric="lpips")),
        ],
    )
    def test_settings_that_are_known(self, space, settings):
        """What is suggested for them is the same objective, but for a factor."""
        drawer = FixedDraw(space.parameters(settings))
        changes = space.suggest(drawer)
        assert not drawer.left
        total = settings.style_weight * sum(spec.weight for spec in settings.metric)
        for group in ("metric", "content_metric"):
            given = getattr(settings, group)
            suggested = {str(replace(spec, weight=1.0)): spec for spec in changes.get(group, given)}
            assert {str(replace(spec, weight=1.0)) for spec in given} == {*suggested}
            for spec in given:
                share = spec.weight / sum(one.weight for one in given)
                weight = suggested[str(replace(spec, weight=1.0))].weight
                assert group not in changes or weight == pytest.approx(share, rel=0.05)
        for name in ("content_weight", "smoothness"):
            expected = getattr(settings, name) / total
            assert changes[name] == pytest.approx(expected, rel=0.05)

    @pytest.mark.parametrize(
        ("space", "settings"),
        [
            (Space(), Settings(metric="histogram")),
            (Space(), Settings(metric="gram@relu1_2")),
            (Space(), Settings(content_decay=1.5)),
            (Space(), Settings(metric="gram", content_weight=1000.0)),
            (Space(single=True), Settings(metric="gram+moments")),
        ],
    )
    def test_settings_outside(self, space, settings):
        assert space.parameters(settings) is None

    def test_file(self, tmp_path):
        path = tmp_path / "space.json"
        path.write_text(json.dumps(Space().plain()))
        assert read_space(path) == Space()
        path.write_text("{")
        with pytest.raises(ValueError, match="to hold JSON"):
            read_space(path)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"style": ["gram"]}, "some of metric, content_metric, settings"),
            ({"metric": ["gramm"]}, "gram"),
            ({"metric": ["mse"]}, "mse"),
            ({"metric": {"gram": {"weight": [1, 0.5]}}}, "lower end first"),
            ({"metric": {"gram": {"weight": [0, 1]}}}, "above 0"),
            ({"metric": {"gram": {"layer": ["relu1_1"]}}}, "of gram"),
            ({"metric": {"gram": {"layers": "relu1_1"}}}, "list of texts"),
            ({"settings": {"smoothness": 0.1}}, "expected smoothness as a list"),
            ({"settings": {"metric": ["gram"]}}, "outside the settings"),
        ],
    )
    def test_errors(self, given, message):
        with pytest.raises(ValueError, match=message):
            read_space(given)


class TestJudges:
    def test_kin(self):
        """Neither the space's metrics, nor its network, nor their kin judge."""
        space = read_space({"metric": ["histogram"], "content_metric": ["lpips_vgg", "edges"]})
        judges = judges_for(space, Settings(), ["vgg16", "alexnet"])
        assert [(judge.metric, judge.network) for judge in judges] == [
            *((name, "alexnet") for name in ("gaussian_wasserstein", "energy")),
            ("ms_ssim", ""),
            ("self_similarity", "alexnet"),
        ]

    def test_given_metrics_count(self):
        """Those outside the space are optimized, too."""
        base = Settings(metric="energy")
        space = Space(metric={})
        judges = judges_for(space, base, ["alexnet"])
        names = {judge.metric for judge in judges if judge.axis == "effectiveness"}
        assert names == {"moments", "gaussian_wasserstein"}

    @pytest.mark.parametrize(
        ("given", "networks", "axis"),
        [
            ({"metric": ["brushwork"]}, ["alexnet"], "effectiveness"),
            ({}, ["vgg16"], "effectiveness"),
            ({"content_metric": ["lpips", "ms_ssim"]}, ["alexnet"], "coherence"),
            ({"metric": {"gram": {"layers": ["alexnet:relu1"]}}}, ["alexnet"], "effectiveness"),
            (
                {
                    "content_metric": ["mse", "ssim"],
                    "settings": {"content_backbone": ["vgg19", "alexnet"]},
                },
                ["alexnet"],
                "coherence",
            ),
            ({}, ["sliced_wasserstein@vgg16", "lpips"], "effectiveness"),
        ],
    )
    def test_none_left(self, given, networks, axis):
        with pytest.raises(ValueError, match=f"leaves a judge of {axis}"):
            judges_for(read_space(given), Settings(), networks)


class TestBest:
    def test_none_adds_more(self):
        """Against all subsets: of two, the first of which is the best one."""
        values = np.random.default_rng(0).random((12, 2))
        volumes = {k: hypervolume(values[[k]]) for k in range(12)}
        first, second = best(values, 2)
        assert volumes[first] == max(volumes.values())
        assert hypervolume(values[[first, second]]) == max(
            hypervolume(values[[first, k]]) for k in range(12)
        )

    def test_a_compromise_before_the_ends(self):
        """The ends are the photograph itself and no photograph at all."""
        values = np.stack([np.arange(9), np.arange(9)[::-1]], -1) / 8
        assert best(values, 3) == [4, 2, 6]

    def test_points_that_add_nothing(self):
        values = np.array([[0.5, 0.5], [0.9, 0.8], [1.2, 0.1], [0.6, 0.5], [np.nan, 0.0]])
        assert best(values, 9) == [0, 3, 2, 1]


class TestSearch:
    def test_rungs(self, finished):
        """A quarter of the trials, rounded up, is made at full cost."""
        folder, kept = finished
        assert kept["trials"] == {"cheap": 5, "failed": 0}
        assert len(kept["points"]) == 2
        sizes = {
            path.name: read_image(path).shape[:2] for path in (folder / "pictures").glob("*.png")
        }
        full = [f"full-{point['number']}-0.png" for point in kept["points"]]
        assert sorted(sizes) == [*(f"cheap-{k}-0.png" for k in range(5)), *sorted(full)]
        assert {sizes[name] for name in sizes if "cheap" in name} == {(32, 32)}
        assert {sizes[name] for name in sizes if "full" in name} == {(40, 40)}
        assert json.loads((folder / "front.json").read_text()) == kept

    def test_values(self, finished, files):
        """Effectiveness is that of the picture that is written."""
        folder, kept = finished
        style = making.square(making.pictures([files[1]])[0], 40).picture
        for point in kept["points"]:
            picture = read_image(folder / point["pictures"][0]["file"])
            distance = np.abs(picture.mean((0, 1)) - style.mean((0, 1))).mean()
            assert point["effectiveness"] == pytest.approx(distance, abs=0.01)
        values = np.array([[p["effectiveness"], p["coherence"]] for p in kept["points"]])
        assert [p["front"] for p in kept["points"]] == front(*values.T).tolist()

    def test_command(self, finished, files):
        """The command line makes what the trial chose."""
        for point in finished[1]["points"]:
            words = shlex.split(point["pictures"][0]["command"])
            assert words[:2] == ["jaxstyle", "stylize"]
            values = stylize.make_context("stylize", words[2:]).params
            assert values["content_weight"] == point["settings"]["content_weight"]
            assert values["metric"] == (MetricSpec.parse("moments@image"),)
            assert str(values["content"]) == str(files[0])

    def test_page(self, finished):
        """The page needs nothing else, and has the pictures."""
        text = (finished[0] / "index.html").read_text("utf-8")
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
        assert not re.search(r"(src|href)\s*=\s*[\"']?http", text)
        assert len(data["points"]) == 2
        for point in data["points"]:
            assert point["pictures"][0]["picture"].startswith("data:image/jpeg;base64,")
            (bar,) = point["bars"]["metric"]
            assert bar == {"name": "moments", "layers": "image", "weight": 1.0}
        assert 'data-index="1"' in data["planes"][0]

    def test_again(self, finished, files, monkeypatch):
        """The same command makes nothing, and more trials keep those before."""
        folder, kept = finished
        monkeypatch.setattr(making, "run_jobs", None)
        assert search(*files, folder, **SMALL) == kept

    def test_other_search(self, finished, files):
        with pytest.raises(ValueError, match=r"another search, with other settings, rungs"):
            search(*files, finished[0], **SMALL | {"steps": 3})

    def test_interrupted(self, finished, files, tmp_path):
        """What is resumed gives the same trials; a seed gives others."""
        calls = []

        def stop(progress):
            calls.append(progress)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            search(*files, tmp_path, **SMALL, on_progress=stop)
        assert len(calls) == 1
        resumed = search(*files, tmp_path, **SMALL)
        assert values_of(resumed) == values_of(finished[1])
        assert (tmp_path / "pictures" / "cheap-4-0.png").exists()
        more = search(*files, tmp_path, **SMALL | {"trials": 9})
        assert more["trials"]["cheap"] == 9
        assert set(values_of(resumed)) <= set(values_of(more))
        other = search(*files, tmp_path / "other", **SMALL | {"seed": 1})
        assert not set(values_of(other)) & set(values_of(resumed))

    def test_failures(self, files, tmp_path, monkeypatch):
        """A trial that fails does not end the search; only if all do, it has no result."""
        pytest.importorskip("optuna")
        run_jobs, broken = making.run_jobs, {0}

        def failing(jobs, **how):
            for number, result in run_jobs(jobs, **how):
                yield number, replace(result, failure="not finite") if number in broken else result

        monkeypatch.setattr(making, "run_jobs", failing)
        # Of each rung the first trial of a batch, and the batches of the cheap one have four.
        kept = search(*files, tmp_path / "some", **SMALL | {"promote": 1})
        assert kept["trials"] == {"cheap": 3, "failed": 2}
        broken |= {*range(4)}
        with pytest.raises(ValueError, match="no trial succeeded: not finite"):
            search(*files, tmp_path / "all", **SMALL)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"size": 31}, "expected size from 32 to 65536"),
            ({"size": 41}, "smaller than 41 pixels"),
            ({"trials": 0}, "expected trials to be at least 1"),
            ({"promote": 1.5}, "expected promote to be a whole number"),
            ({"training": 0}, "expected training as a list of numbers"),
            ({"training": [1]}, "expected every one of training"),
            ({"on_progress": 5}, "expected on_progress to be a function"),
            ({"offline": "no"}, "expected offline to be True or False"),
            ({"space": ["gram"]}, "expected a space as a mapping"),
            ({"space": "missing.json"}, "missing.json"),
        ],
    )
    def test_arguments(self, files, tmp_path, options, message):
        pytest.importorskip("optuna")
        with pytest.raises((ValueError, TypeError, OSError), match=message):
            search(*files, tmp_path / "out", **SMALL | options)
        assert not (tmp_path / "out").exists()

    def test_nothing_to_search(self, files, tmp_path):
        given = SMALL | {"metric": "gram", "content_weight": 1.0}
        with pytest.raises(ValueError, match="something to search"):
            search(*files, tmp_path, **given)

    def test_without_optuna(self, files, tmp_path, monkeypatch, capsys):
        monkeypatch.setitem(sys.modules, "optuna", None)
        folder = tmp_path / "out"
        status = run("search", "--contents", files[0], "--styles", files[1], "-o", folder)
        assert status == 2
        assert "pip install 'jaxstyle[search]'" in capsys.readouterr().err
        assert not folder.exists()


class TestShared:
    def test_the_first_trial(self, tmp_path):
        """It is known, is promoted whatever its values, and stays known when it is made again."""
        pytest.importorskip("optuna")
        from jaxstyle.study.trials import CHEAP, FULL, Trials

        space = Space()
        trials = Trials(tmp_path, space, 0, 4)
        trials.start_with(space.parameters(Settings()))
        trials.start_with(space.parameters(Settings(metric="gram")))
        (first,) = trials.ask(CHEAP, 9)  # its process ends
        while asked := trials.ask(CHEAP, 9):
            for trial in asked:
                names = {spec.name for spec in trial.changes["metric"]}
                is_first = names == {spec.name for spec in Settings().metric}
                trials.tell(CHEAP, trial, [2.0, 2.0] if is_first else [0.5, 0.5])
        known = [trial for trial in trials.finished(CHEAP) if trial.is_known]
        assert [(trial.number, trial.values) for trial in known] == [(first.number, (2.0, 2.0))]
        assert len(trials.finished(CHEAP)) == 9
        trials.promote(100)
        numbers = {trial.number for trial in trials.ask(FULL, 9)}
        assert (len(numbers), first.number in numbers) == (2, True)

    def test_two_processes(self, tmp_path):
        """Trials of a process that is at work are its own; of one that ended, asked again."""
        pytest.importorskip("optuna")
        from jaxstyle.study.trials import CHEAP, Trials

        space = Space(metric={"gram": MetricChoice(), "moments": MetricChoice()})
        one, two = (Trials(tmp_path, space, 0, 4) for _ in range(2))
        with two.at_work():
            with one.at_work():
                first, second = one.ask(CHEAP, 6), two.ask(CHEAP, 6)
                assert (len(first), len(second)) == (4, 2)
                assert two.are_left(CHEAP)
                assert two.ask(CHEAP, 6) == []
            for trial in second:
                two.tell(CHEAP, trial, [0.5, 0.5])
            again = two.ask(CHEAP, 6)
            for trial in again:
                two.tell(CHEAP, trial, [0.5, 0.5])
            assert not two.are_left(CHEAP)
        assert [trial[:2] for trial in again] == [trial[:2] for trial in first]

    def test_structure(self, tmp_path):
        """Trials that are asked together differ by numbers alone."""
        pytest.importorskip("optuna")
        from jaxstyle.study.trials import CHEAP, Trials

        trials = Trials(tmp_path, Space(), 3, 4)
        for _ in range(5):  # of which the last is the sampler's
            asked = trials.ask(CHEAP, 100)
            mixtures = {
                tuple((spec.label, spec.layers) for spec in trial.changes["metric"])
                for trial in asked
            }
            weights = {trial.changes["content_weight"] for trial in asked}
            assert (len(asked), len(mixtures), len(weights)) == (4, 1, 4)
            for trial in asked:
                trials.tell(CHEAP, trial, [len(mixtures), trial.changes["content_weight"]])

    def test_sampler(self, tmp_path):
        """After the first trials, the sampler looks where they were good."""
        pytest.importorskip("optuna")
        from jaxstyle.study.trials import CHEAP, Trials

        space = read_space(SPACE | {"content_metric": []})
        trials = Trials(tmp_path, space, 0, 4)
        while asked := trials.ask(CHEAP, 48):
            for trial in asked:
                distance = abs(np.log10(trial.changes["content_weight"]) - 1)
                trials.tell(CHEAP, trial, [distance, distance])
        distances = [trial.values[0] for trial in trials.finished(CHEAP)]
        assert len(distances) == 48
        assert np.median(distances[32:]) < np.median(distances[:16])
        trials.promote(4)
        promoted = [trial.number for trial in trials.ask("full", 48)]
        assert set(promoted) <= {*np.argsort(distances, kind="stable")[:12].tolist()}


class FixedDraw:
    """Answers with parameters, and says which were not asked for."""

    def __init__(self, parameters):
        self.parameters, self.left = parameters, {*parameters}

    def suggest_categorical(self, name, choices):
        self.left.discard(name)
        assert self.parameters[name] in choices
        return self.parameters[name]

    def suggest_float(self, name, low, high, *, log=False):
        self.left.discard(name)
        assert low <= self.parameters[name] <= high
        return self.parameters[name]


def values_of(kept):
    """Return the choices and values of all points."""
    return sorted(
        (
            point["number"],
            point["settings"]["content_weight"],
            point["effectiveness"],
            point["coherence"],
        )
        for point in kept["points"]
    )
