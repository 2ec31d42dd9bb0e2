import numpy as np
import pytest

from consilience.aggregate import majority
from consilience.errors import InvalidFrame, InvalidInput
from consilience.evaluation import CIRCLE, evaluate


def panel(right, n):
    """Tasks 0 to n-1 with gold 'x'; each expert is right on the given tasks and says 'y' elsewhere."""
    rows = [(t, e, "x" if t in tasks else "y") for e, tasks in right.items() for t in range(n)]
    frame = {"task": [r[0] for r in rows], "expert": [r[1] for r in rows], "label": [r[2] for r in rows]}
    return frame, {"task": list(range(n)), "label": ["x"] * n}


def test_members_who_err_apart_make_a_circle_that_helps():
    n = 300
    right = {e: {t for t in range(n) if t % 3 != k} for k, e in enumerate("abc")}
    report = evaluate(*panel(right, n))
    assert report.lift.value == pytest.approx(1 / 3)
    assert report.lift.low > 0
    assert "beats every member" in report.finding


def test_members_who_err_together_do_not():
    n = 60
    right = {"a": set(range(50)), "b": set(range(40)), "c": set(range(40))}
    report = evaluate(*panel(right, n))
    assert report.lift.best == "a"
    assert report.lift.high < 0
    assert "worse than its best member" in report.finding


def test_a_small_difference_is_not_told_apart():
    right = {"a": set(range(58)), "b": set(range(3, 60)), "c": set(range(57))}
    report = evaluate(*panel(right, 60))
    assert "no difference is shown" in report.finding


def test_the_circle_is_the_strict_majority_and_a_missing_answer_is_not_right():
    frame = {"task": [1, 1, 2, 2], "expert": list("abab"), "label": ["x", None, "x", "x"]}
    report = evaluate(frame, {"task": [1, 2], "label": ["x", "x"]})
    right = dict(report.accuracy.select("expert", "right").iter_rows())
    assert right == {"a": 2, "b": 1, CIRCLE: 1}
    assert majority(frame).decided == report.accuracy.filter(expert=CIRCLE)["right"][0]
    assert report.undecided == 1


def test_one_expert_is_no_circle():
    report = evaluate({"task": [1], "expert": ["a"], "label": ["x"]}, {"task": [1], "label": ["x"]})
    assert report.lift is None
    assert "no circle" in report.finding


def test_the_bootstrap_repeats_itself_and_moves_with_its_seed():
    generator = np.random.default_rng(5)
    right = {e: set(np.flatnonzero(generator.random(100) < 0.7).tolist()) for e in "abc"}
    frame, gold = panel(right, 100)
    assert evaluate(frame, gold).lift == evaluate(frame, gold).lift
    assert evaluate(frame, gold, seed=1, draws=50).lift.low != evaluate(frame, gold).lift.low


@pytest.mark.parametrize(
    ("gold", "why"),
    [
        ({"task": [1, 1], "label": ["x", "x"]}, "more than once"),
        ({"task": [9], "label": ["x"]}, "nobody was asked"),
        ({"task": [None], "label": ["x"]}, "at least one task"),
        ({"task": ["1"], "label": ["x"]}, "of one type"),
        ({"task": [1]}, "label is missing"),
    ],
)
def test_gold_that_does_not_fit_is_refused(gold, why):
    with pytest.raises(InvalidFrame, match=why):
        evaluate({"task": [1], "expert": ["a"], "label": ["x"]}, gold)


def test_no_draws_are_refused():
    with pytest.raises(InvalidInput, match="draws"):
        evaluate({"task": [1], "expert": ["a"], "label": ["x"]}, {"task": [1], "label": ["x"]}, draws=0)


def test_a_report_shows_itself_as_html_with_names_escaped():
    report = evaluate(*panel({"<b>": {0}, "c": {1}}, 2))
    assert "<b>" not in report._repr_html_()
    assert "&lt;b&gt;" in report._repr_html_()
