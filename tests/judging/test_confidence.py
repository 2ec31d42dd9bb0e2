"""A stated confidence is calibrated by what came true before, and not where that is too little."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import consilience as cs
from consilience.errors import InvalidFrame, InvalidInput
from consilience.evaluation import calibrate, calibrate_from, confidence_history
from consilience.models import ConfidenceSource, Reply

LABEL = cs.Label("yes", "no")


def drawn(n, truth, seed=0, expert="ana", source="self-reported"):
    """Answers whose chance of being right is a function of their confidence."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.5, 1.0, n).round(2)
    right = rng.uniform(size=n) < np.array([truth(c) for c in confidence])
    return pl.DataFrame(
        {"expert": expert, "confidence": confidence, "confidence_source": source, "right": right}
    )


@pytest.mark.parametrize(("n", "method"), [(190, "Platt"), (2000, "isotonic")])
def test_an_overconfident_expert_is_brought_down_to_what_came_true(n, method):
    found = calibrate(drawn(n, lambda c: 0.5 + (c - 0.5) / 2))
    (curve,) = found.curves
    assert curve.method == method
    assert curve(0.95) == pytest.approx(0.72, abs=0.13)
    assert curve(0.55) < curve(0.95)
    assert curve.gain > 0


def test_of_many_answers_the_gain_is_shown_and_of_a_calibrated_expert_none_is():
    assert calibrate(drawn(5000, lambda c: c - 0.3)).curves[0].gain_low > 0
    honest = calibrate(drawn(5000, lambda c: c)).curves[0]
    assert honest.gain_low < 0
    assert "no gain is shown" in honest.explain()


@pytest.mark.parametrize(
    ("n", "n_right"), [(29, 15), (100, 96), (100, 3)], ids=["few answers", "few wrong", "few right"]
)
def test_of_too_few_answers_nothing_is_calibrated(n, n_right):
    frame = {
        "expert": ["ana"] * n,
        "confidence": np.linspace(0.5, 0.9, n),
        "right": [True] * n_right + [False] * (n - n_right),
    }
    (curve,) = calibrate(frame).curves
    assert curve.method == "none"
    assert curve(0.9) is None
    assert math.isnan(curve.gain)
    assert "too few to calibrate" in curve.explain()


def test_a_confidence_that_says_the_contrary_is_flat():
    (curve,) = calibrate(drawn(150, lambda c: 1.4 - c)).curves
    assert curve(0.5) == pytest.approx(curve(1.0))


def test_sources_are_calibrated_apart():
    frame = pl.concat(
        [drawn(100, lambda c: c, 1, source="token probabilities"), drawn(100, lambda c: c / 2, 2)]
    )
    found = calibrate(frame)
    assert [curve.source for curve in found.curves] == ["self-reported", "token probabilities"]

    def of(source):
        response = cs.Response(
            question_id="q",
            expert="ana",
            source=cs.models.Source.MODEL,
            outcome=cs.Outcome.ANSWERED,
            answer="yes",
            confidence=0.9,
            confidence_source=source,
        )
        return found.of(response)

    assert of(ConfidenceSource.SELF_REPORTED) < of(ConfidenceSource.TOKENS) - 0.2
    assert of(None) is None


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=30, max_size=300),
    st.floats(0, 1),
    st.floats(0, 1),
)
@settings(max_examples=100, deadline=None)
def test_a_calibrated_confidence_rises_with_the_stated_one_and_is_never_certain(answers, one, other):
    frame = {
        "expert": ["a"] * len(answers),
        "confidence": [c for c, _ in answers],
        "right": [r for _, r in answers],
    }
    (curve,) = calibrate(frame).curves
    if curve.method != "none":
        low, high = sorted((one, other))
        assert 0 < curve(low) <= curve(high) + 1e-9 < 1 + 1e-9


def test_isotonic_is_what_scikit_learn_fits_within_the_bounds():
    from sklearn.isotonic import IsotonicRegression

    frame = drawn(3000, lambda c: c**2, 4)
    x, y = frame["confidence"].to_numpy(), frame["right"].to_numpy().astype(float)
    oracle = IsotonicRegression().fit(x, y)
    (curve,) = calibrate(frame).curves
    for middle, value in curve.knots[1:-1]:
        assert value == pytest.approx(float(oracle.predict([middle])[0]), abs=0.02)


def test_a_frame_that_cannot_be_used_says_why():
    with pytest.raises(InvalidFrame, match="right"):
        calibrate({"expert": ["a"], "confidence": [0.5]})
    with pytest.raises(InvalidFrame, match="between 0 and 1, 85"):
        calibrate({"expert": ["a"], "confidence": [85.0], "right": [True]})


@pytest.fixture
def store(tmp_path):
    """Four questions: ana is sure and wrong about the last, ben and cy agree on all."""
    with cs.Store(tmp_path / "history.duckdb") as store:
        said = {"q1": "yes", "q2": "no", "q3": "yes", "q4": "no"}
        ana = {
            q: Reply(a if q != "q4" else "yes", 0.9, ConfidenceSource.SELF_REPORTED) for q, a in said.items()
        }
        circle = cs.Circle(
            [cs.Scripted("ana", ana), cs.Scripted("ben", said), cs.Scripted("cy", said)], store=store
        )
        for question in said:
            circle.ask_sync(question, answer=LABEL)
        store.flush()
        yield store


def test_without_gold_an_answer_is_judged_by_the_others_and_never_by_itself(store):
    found = confidence_history(store)
    assert found["expert"].unique().to_list() == ["ana"]
    assert dict(zip(found["answer"], found["right"], strict=True))["yes"] in (True, False)
    assert sorted(found["right"].to_list()) == [False, True, True, True]
    assert found["confidence_source"].unique().to_list() == ["self-reported"]
    assert calibrate_from(store).against == "the others"


def test_gold_says_what_was_right_by_text_or_id(store):
    gold = {"question": ["q1", "q4"], "label": ["NO", "yes"]}
    found = confidence_history(store, gold)
    assert found["right"].to_list().count(None) == 2
    assert sorted(found["right"].drop_nulls().to_list()) == [False, True]
    ids = found["question_id"].to_list()
    by_id = confidence_history(store, {"question_id": ids, "label": ["yes"] * 4})
    assert by_id["right"].null_count() == 0
    assert calibrate_from(store, gold).unknown == 2


def test_gold_without_its_columns_or_with_two_labels_is_refused(store):
    with pytest.raises(InvalidFrame, match="'question_id'"):
        confidence_history(store, {"text": ["q1"], "label": ["yes"]})
    with pytest.raises(InvalidFrame, match="several"):
        confidence_history(store, {"question": ["q1", "q1"], "label": ["yes", "no"]})
    with pytest.raises(InvalidInput, match="from 1 up"):
        confidence_history(store, n=0)


def test_two_experts_do_not_judge_each_other(tmp_path):
    sure = Reply("yes", 0.9, ConfidenceSource.SELF_REPORTED)
    with cs.Store(tmp_path / "h.duckdb") as store:
        cs.Circle([cs.Scripted("a", [sure]), cs.Scripted("b", [sure])], store=store).ask_sync(
            "Is it?", answer=LABEL
        )
        assert confidence_history(store)["right"].to_list() == [None, None]
