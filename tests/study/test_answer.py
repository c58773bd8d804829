"""The verdict of a study: which pairs choose, which judge, and what may be claimed."""

import json
import re

import numpy as np
import pytest
from support.made_up_studies import PAIRS, STYLES, TEST, TRAINING, made_up

from jaxstyle.study.plane import plane
from jaxstyle.study.report import report
from jaxstyle.study.summary import summarize


def answered(**changes):
    return summarize(made_up(**changes))["answer"]


def test_where_mixtures_win_the_answer_says_so():
    verdict, chosen = answered(ahead=0.3)
    assert re.fullmatch(
        r"The best mixture, “mixture \d”, wins: it is closer to the style and more coherent than "
        r"3 of 3 single metrics, and the 95% interval of both differences is above zero for 3 of "
        r"them\.",
        verdict,
    )
    assert chosen == (
        "It was chosen among 2 mixtures by the lowest mean of effectiveness and coherence on 2 "
        "training pairs, and is judged on 25 pairs of contents and styles that are in no training "
        "pair, by judges that neither it nor its rival uses, nor a metric or network like those "
        "that they use."
    )


def test_where_mixtures_do_not_win_the_answer_says_so():
    verdict, _ = answered(ahead=-0.3)
    claim = "does not win: it is closer to the style and more coherent than 0 of 3 single metrics"
    assert claim in verdict
    assert "(closer than 0, and more coherent than 0)" in verdict
    assert verdict.endswith("is above zero for 0 of them.")


def test_where_mixtures_win_on_one_axis_only():
    study = made_up(ahead=0)
    for scores in study["scores"][3:]:
        for pair in scores:
            pair[:] = [score - 0.3 for score in pair[:3]] + [score + 0.3 for score in pair[3:]]
    verdict = summarize(study)["answer"][0]
    assert "does not win: it is closer to the style and more coherent than 0 of 3" in verdict
    assert "(closer than 3, and more coherent than 0)" in verdict


def test_where_the_interval_reaches_zero():
    study = made_up(ahead=0.05, noise=0, seed=3)
    scores = np.array(study["scores"])
    scores[:3] = 0.5
    scores[3:] = (
        0.45 + np.where(np.arange(PAIRS) % STYLES == 3, 0.1, 0)[:, None]
    )  # lost on one style
    verdict = summarize(study | {"scores": scores})["answer"][0]
    assert "wins on average, but not beyond doubt: it is closer to the style and more" in verdict
    assert "coherent than 3 of 3" in verdict
    assert verdict.endswith("is above zero for 0 of them.")


def test_an_unknown_interval_is_not_beyond_doubt():
    training = [5, *range(0, 40, STYLES + 1)]  # all but the last content and the last style
    verdict, chosen, limits = answered(ahead=0.3, mixtures=1, training=training)
    assert "wins on average, but not beyond doubt" in verdict
    assert chosen.startswith("It is the only mixture, and is judged on 1 pair of contents and")
    assert limits.startswith("Intervals over 1 content and 1 style are too narrow")


def at_strengths(gain):
    """A single metric and a mixture at two strengths: equal curves but for the mixture's gain."""
    study = made_up(singles=2, mixtures=2, noise=0)
    for k, row in enumerate(study["objectives"]):
        row["curve"], row["strength"] = f"{row['kind']} 0", (1.0, 3.0)[k % 2]
    scores = np.empty((4, PAIRS, 5))
    for k, (effectiveness, coherence) in enumerate(((0.6, 0.3), (0.4, 0.6)) * 2):
        scores[k, :, :3] = effectiveness - gain * (k > 1)
        scores[k, :, 3:] = coherence
    return study | {"scores": scores, "held_out": np.ones((4, 5), bool)}


def test_at_several_strengths_objectives_are_compared_at_equal_coherence():
    summary = summarize(at_strengths(0.1))
    assert re.fullmatch(
        r"The best mixture, “mixture \d”, wins: it is closer to the style, where both keep equally "
        r"much of the content, than 1 of 1 single metric, and the 95% interval of the difference "
        r"is above zero for 1 of them\.",
        summary["answer"][0],
    )
    (against,) = summary["against"]  # one for element curve
    assert against["equal_gain"]["mean"] == pytest.approx(0.1)
    assert against["equal"]["mean"] == 1
    assert len(summary["best"]["of_curves"]) == 2
    assert 'class="curve" d="M' in plane(summary)
    assert "does not win" in summarize(at_strengths(-0.1))["answer"][0]
    json.loads(report(at_strengths(0.1))["summary.json"])


def test_the_best_is_chosen_on_training_pairs():
    study = made_up()
    scores = np.array(study["scores"])
    scores[3:] = 0.3
    scores[3, TRAINING], scores[4, TRAINING] = 0.1, 0.2
    scores[4, TEST] = 0.1  # better where it counts, but who could have known
    summary = summarize(study | {"scores": scores})
    assert summary["best"]["mixture"] == {"index": 3, "of": 2, "chosen_on": "training"}


def test_without_training_pairs_no_mixture_is_the_best():
    """Chosen on the pairs that it is judged on, the best of 20 won in 10% of studies of noise."""
    study = made_up(training=())
    summary = summarize(study)
    assert summary["best"]["mixture"] == {"index": None, "of": 2, "chosen_on": None}
    assert summary["against"] == []
    assert summary["answer"][0] == (
        "Mixtures and single metrics cannot be compared: the best of 2 mixtures, chosen on the "
        "pairs that it is judged on, would look better than it is; name training pairs to choose "
        "it by."
    )
    json.loads(report(study)["summary.json"])
    (verdict, chosen) = answered(ahead=0.3, mixtures=1, training=())
    assert " wins: " in verdict
    assert chosen.startswith("It is the only mixture, and is judged on 42 pairs")


def test_one_mixture_at_several_strengths_needs_no_choice():
    summary = summarize(at_strengths(0.1) | {"training_pairs": []})
    assert summary["best"]["mixture"] == {"index": 2, "of": 1, "chosen_on": None}  # strength 1
    assert summary["best"]["of_curves"] == [0, 2]
    assert " wins: " in summary["answer"][0]


def test_pairs_that_share_a_content_or_a_style_with_training_pairs_do_not_judge():
    study = made_up(mixtures=1, noise=0)
    scores = np.full((4, PAIRS, 5), 0.5)
    scores[3] = 0.2  # far ahead where the content or the style helped to choose it
    scores[3, TEST] = 0.6
    summary = summarize(study | {"scores": scores})
    for row in summary["against"]:
        for axis in ("effectiveness", "coherence"):
            assert row[f"{axis}_gain"]["mean"] == pytest.approx(-0.1)
            assert row[axis]["mean"] == 0
    assert "does not win" in summary["answer"][0]


def test_few_contents_or_styles_win_nothing_beyond_doubt():
    study = made_up(ahead=0.3, noise=0, training=(0, 8, 16))  # tested: 3 contents, 4 styles
    summary = summarize(study)
    verdict, _, limits = summary["answer"]
    assert "wins on average, but not beyond doubt" in verdict
    assert limits == (
        "Intervals over 3 contents and 4 styles are too narrow: they need at least 5 of each."
    )
    for row in summary["against"]:  # ahead on each of 12 pairs: Wilson's interval of three
        assert row["both"]["mean"] == row["both"]["high"] == 1
        assert row["both"]["low"] == pytest.approx(0.4385, abs=1e-4)


@pytest.mark.parametrize("changes", [{"mixtures": 0}, {"singles": 0}])
def test_one_kind_alone(changes):
    texts = report(made_up(**changes))
    verdict, ranking = json.loads(texts["summary.json"])["answer"]
    assert re.search(r"cannot be compared: there are only (single metrics|mixtures)\.", verdict)
    assert re.search(r"over 25 pairs, “\w+ \d” has the lowest mean rank: 1\.\d of [23]\.", ranking)


@pytest.mark.parametrize(("lead", "better"), [(0.1, 3), (-0.1, 0)])
def test_whose_paint_is_better(painted, lead, better):
    """Paint neither chooses nor decides: it is a sentence of its own."""
    study = made_up(ahead=0.3)
    plain, summary = summarize(study), summarize(painted(study, lead))
    verdict, chosen, paint = summary["answer"]
    assert [verdict, chosen] == plain["answer"]
    assert paint == (
        f"Its paint is more like the style's than that of {better} of 3 single metrics, and the "
        f"95% interval of the difference is above zero for {better} of them."
    )
    for row in summary["against"]:
        assert row["paint"]["mean"] == (lead > 0)
        assert row["paint_gain"]["mean"] == pytest.approx(lead, abs=0.01)
    for row in plain["against"]:
        assert row["paint"]["mean"] is row["paint_gain"]["mean"] is None
        assert row["both"]["mean"] == 1


def test_paint_is_compared_at_equal_coherence(painted):
    """Its curve starts at the content too: coherence 0, paint 1."""
    study = painted(at_strengths(0.1))
    scores = np.array(study["scores"])
    scores[..., 5:] = np.array([0.8, 0.6, 0.7, 0.5])[:, None, None]
    summary = summarize(study | {"scores": scores})
    (against,) = summary["against"]
    assert against["equal_paint_gain"]["mean"] == pytest.approx(0.1)
    assert against["equal_gain"]["mean"] == pytest.approx(0.1)
    assert summary["answer"][2].startswith(
        "Its paint is more like the style's where both keep equally much of the content than that "
        "of 1 of 1 single metric, "
    )
    (plain,) = summarize(at_strengths(0.1))["against"]
    assert plain["equal_paint"]["mean"] is None


def test_whose_paint_is_best_where_nothing_is_compared(painted):
    study = painted(made_up(mixtures=0))
    scores = np.array(study["scores"])
    scores[1, :, 5:] = 0.7
    sentences = summarize(study | {"scores": scores})["answer"]
    assert sentences[2] == (
        "The paint of “single 1” is most like the style's: 0.70 [0.70, 0.70], where the content "
        "has 1."
    )


def test_who_uses_every_judge_of_paint_has_none(painted):
    study = painted(made_up(mixtures=1, ahead=0.3))
    for row in study["held_out"][3:]:
        row[5:] = [False, False]
    summary = summarize(study)
    assert summary["objectives"][3]["paint"]["mean"] is None
    assert summary["objectives"][0]["paint"]["mean"] == pytest.approx(0.9, abs=0.01)
    assert not any("paint" in sentence for sentence in summary["answer"])
