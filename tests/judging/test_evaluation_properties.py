"""What must hold for any answers and any gold: order, names, repetition and bounds."""

import math

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

import consilience as cs
from consilience.evaluation import evaluate
from consilience.models import Label, Outcome, Question, Response, Source
from consilience.verdict import decide

few = settings(max_examples=15)
cells = st.lists(
    st.lists(st.one_of(st.none(), st.sampled_from("abc")), min_size=3, max_size=3), min_size=1, max_size=10
)


@st.composite
def judged(draw):
    tasks = draw(cells)
    gold = draw(st.lists(st.sampled_from("abc"), min_size=len(tasks), max_size=len(tasks)))
    rows = [(t, f"e{k}", label) for t, labels in enumerate(tasks) for k, label in enumerate(labels)]
    schema = {"task": pl.Int64, "expert": pl.String, "label": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row"), pl.DataFrame(
        {"task": range(len(tasks)), "label": gold}
    )


def figures(report):
    return (
        report.accuracy.filter(pl.col("kind") != "baseline").rows(),
        report.lifts,
        str(report.votes),
        report.shared_errors.rows(),
        report.ties,
        report.undecided,
    )


def same(left, right):
    return (math.isnan(left) and math.isnan(right)) or math.isclose(left, right)


@few
@given(judged(), st.integers(0, 1000))
def test_a_report_does_not_depend_on_the_order_of_rows(case, seed):
    frame, gold = case
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    turned = gold.sample(fraction=1, shuffle=True, seed=seed)
    assert figures(evaluate(frame, gold, draws=20)) == figures(evaluate(shuffled, turned, draws=20))


@few
@given(judged())
def test_names_of_labels_do_not_matter(case):
    names = {"a": "z", "b": "y", "c": "x"}
    frame, gold = case
    renamed = [each.with_columns(pl.col("label").replace(names)) for each in case]
    methods = ["majority", "plurality", "weighted majority"]
    assert figures(evaluate(frame, gold, draws=20, methods=methods)) == figures(
        evaluate(*renamed, draws=20, methods=methods)
    )


@few
@given(judged())
def test_names_of_members_do_not_matter(case):
    frame, gold = case
    renamed = frame.with_columns(pl.col("expert").replace({"e0": "z", "e2": "a"}))
    one, other = (evaluate(each, gold, draws=20, methods=["majority"]) for each in (frame, renamed))
    assert one.accuracy["right"].to_list() == other.accuracy["right"].to_list()
    assert one.lift.plain == other.lift.plain
    assert same(one.votes.value, other.votes.value)
    assert same(one.votes.by_eigenvalues, other.votes.by_eigenvalues)
    assert same(*(each.shared_errors["double_fault"].sum() for each in (one, other)))


@few
@given(judged())
def test_a_member_who_says_the_same_errs_with_it_always_and_adds_no_vote(case):
    frame, gold = case
    twin = frame.filter(expert="e0").with_columns(pl.lit("twin").alias("expert"))
    report = evaluate(pl.concat([frame, twin]), gold, draws=20, methods=["majority"])
    pair = report.shared_errors.row(
        by_predicate=(pl.col("first") == "e0") & (pl.col("second") == "twin"), named=True
    )
    assert pair["correlation"] is None or math.isclose(pair["correlation"], 1)
    assert pair["q"] in (None, 1)
    two = evaluate(pl.concat([frame.filter(expert="e0"), twin]), gold, draws=20, methods=["majority"])
    assert math.isnan(two.votes.value) or math.isclose(two.votes.value, 1)


@few
@given(judged())
def test_figures_lie_within_their_bounds_and_displays_hold_together(case):
    report = evaluate(*case, draws=20)
    for row in report.accuracy.iter_rows(named=True):
        assert 0 <= row["low"] <= row["accuracy"] <= row["high"] <= 1
    for lift in report.lifts.values():
        assert -1 <= lift.low <= lift.high <= 1
        assert lift.optimism >= -1e-12
    for column in ("q", "correlation"):
        assert all(-1 - 1e-9 <= v <= 1 + 1e-9 for v in report.shared_errors[column].drop_nulls())
    assert 0 <= report.votes.by_eigenvalues <= 3 + 1e-9
    assert 0 <= report.votes.independent_accuracy <= 1
    assert report.explain()
    assert report._repr_html_().count("<div") == report._repr_html_().count("</div")


@few
@given(judged())
def test_a_sub_circle_is_never_worse_than_the_circle_or_a_member_on_the_tasks_that_chose_it(case):
    report = evaluate(*case, draws=1, methods=["majority"])
    best = report.best_sub_circle()
    compared = report.accuracy.filter(pl.col("kind") != "baseline")
    assert best.in_sample >= compared["accuracy"].max() - 1e-12
    assert best.accuracy <= best.in_sample + 1e-12


@few
@given(judged())
def test_members_who_are_all_right_leave_nothing_to_lift(case):
    _, gold = case
    rows = [(t, e, label) for t, label in gold.iter_rows() for e in ("a", "b", "c")]
    frame = pl.DataFrame(rows, schema=["task", "expert", "label"], orient="row")
    report = evaluate(frame, gold, draws=20)
    assert all((lift.value, lift.low, lift.high) == (0, 0, 0) for lift in report.lifts.values())


@few
@given(judged())
def test_without_gold_the_same_tasks_are_decided(case):
    frame, gold = case
    with_gold, without = evaluate(frame, gold, draws=5, methods=["majority"]), evaluate(frame, draws=5)
    assert (with_gold.ties, with_gold.undecided) == (without.ties, without.undecided)


@few
@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.floats(0, 1), st.integers(0, 5))
def test_a_simulation_keeps_its_shape_and_its_bounds(accuracies, correlation, seed):
    made = cs.simulate.answers(accuracies, tasks=7, labels=list("xyz"), correlation=correlation, seed=seed)
    assert made.answers.shape == (7 * len(accuracies), 5)
    assert set(made.answers["label"]) <= set("xyz")
    assert made.answers["confidence"].is_between(0, 1).all()
    known = made.correlations["correlation"].drop_nulls()
    assert all(-1e-9 <= value <= 1 + 1e-9 for value in known)


votes = st.lists(st.one_of(st.sampled_from(["yes", "no"]), st.just(None)), min_size=1, max_size=6)


@given(votes, st.lists(st.integers(0, 5), min_size=6, max_size=6))
def test_a_weighted_verdict_is_that_of_experts_repeated_as_often_as_they_weigh(said, weights):
    question = Question("Is it?", Label("yes", "no"))

    def verdict(names, **options):
        responses = [
            Response(
                question_id=question.id,
                expert=name,
                source=Source.SCRIPTED,
                outcome=Outcome.ABSTAINED if answer is None else Outcome.ANSWERED,
                answer=answer,
            )
            for name, answer in names
        ]
        return decide(question, responses, **options)

    if not any(weights[: len(said)]):
        return
    named = [(f"e{k}", answer) for k, answer in enumerate(said)]
    weighted = verdict(named).replay(weights={name: w for (name, _), w in zip(named, weights, strict=False)})
    repeated = verdict(
        [(f"{name}-{k}", a) for (name, a), w in zip(named, weights, strict=False) for k in range(w)]
    )
    assert weighted.answer == repeated.answer
    if repeated.decision != "no answer":
        assert weighted.decision == repeated.decision
