"""What a result is joined to, and what it says of its answers."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import consilience as cs
from consilience.errors import InvalidFrame, InvalidInput
from consilience.store import Store

TEXTS = ["one", "two", "three"]


def echo(question):
    return question.text


def run(frame, *experts, answer=None, **settings):
    circle = cs.Circle(list(experts) or [echo])
    return circle.run(frame, "{text}", answer=answer or cs.Text(), progress=False, **settings).wait_sync()


def test_numbered_rows_are_joined_by_their_place():
    result = run({"text": TEXTS})
    for frame in (pl.DataFrame({"text": TEXTS}), pl.DataFrame({"row": [0, 1, 2], "text": TEXTS})):
        assert result.join(frame)["answer"].to_list() == TEXTS


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ({"row": [1, 2, 3], "text": TEXTS}, "one of that name with other values"),
        ({"row": ["0", "1", "2"], "text": TEXTS}, "one of that name with other values"),
        ({"text": TEXTS[:2]}, "the 3 rows that were run"),
    ],
)
def test_another_frame_is_not_joined_to_numbered_rows(frame, why):
    with pytest.raises(InvalidFrame, match=why):
        run({"text": TEXTS}).join(frame)


def test_a_key_of_another_type_is_said_to_be_one():
    result = run({"id": [1, 2, 3], "text": TEXTS}, key="id")
    with pytest.raises(InvalidFrame, match=r"holds Int64 in the run and String here"):
        result.join({"id": ["1", "2", "3"]})
    small = pl.DataFrame({"id": [3, 1]}, schema={"id": pl.Int8})
    assert result.join(small)["answer"].to_list() == ["three", "one"]


def test_why_cells_failed_is_there():
    def broken(question):
        raise RuntimeError("not now")

    result = run({"text": TEXTS}, echo, broken)
    assert result.failures.rows() == [("broken", "failed", "RuntimeError: not now", 3)]
    assert "3 failed by broken: RuntimeError: not now" in result.explain()
    assert run({"text": TEXTS}).failures.height == 0


@pytest.mark.parametrize(
    ("kind", "said"),
    [(cs.Ranking("a", "b"), "a > b"), (cs.Items(), "- do this")],
)
def test_a_report_of_equal_answers_is_refused_where_close_ones_differ(kind, said):
    result = run({"text": TEXTS}, cs.Scripted("ana", [said]), cs.Scripted("ben", [said]), answer=kind)
    with pytest.raises(InvalidInput, match=f"of the kind {kind.kind}"):
        result.report()


def test_a_report_of_scores_says_who_is_closest():
    frame = {"id": [1, 2, 3, 4], "text": ["a", "b", "c", "d"]}

    def near(question):
        return {"a": 1.1, "b": 2.1, "c": 3.1, "d": 4.1}[question.text[-1]]

    def far(question):
        return {"a": 3, "b": 1, "c": 5, "d": 2}[question.text[-1]]

    result = run(frame, near, far, answer=cs.Score(0, 10), key="id")
    gold = {1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0}
    told = result.report(gold)
    assert told.errors.filter(who="near")["error"].item() == pytest.approx(0.1)
    assert told.errors.filter(who="far")["error"].item() == pytest.approx(1.75)
    for column in ("label", "score"):
        assert str(result.report({"id": list(gold), column: list(gold.values())})) == str(told)
    assert "Without known scores" in result.report().finding
    assert result.report(gold, draws=10).errors["error"].equals(told.errors["error"])


def test_a_score_is_kept_to_its_last_digit():
    exact = 12_345_678.912345678
    result = run({"text": TEXTS[:1]}, cs.Scripted("ana", [repr(exact)]), answer=cs.Score(0, 1e9))
    assert float(result.frame["answer"][0]) == float(result.answers["label"][0]) == exact
    assert (
        run({"text": TEXTS[:1]}, cs.Scripted("ana", ["7"]), answer=cs.Score(0, 9)).frame["answer"][0] == "7"
    )


def test_gold_may_be_a_mapping_from_key_to_label():
    kind = cs.Label("yes", "no")
    frame = {"id": [1, 2, 3, 4], "text": ["a", "b", "c", "d"]}
    experts = [cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["yes"])]
    result = run(frame, *experts, answer=kind, key="id")
    gold = {1: "yes", 2: "yes", 3: "yes", 4: "no"}
    told = result.report(gold)
    framed = result.report({"task": list(gold), "label": list(gold.values())})
    arrays = result.report({"task": np.array(list(gold)), "label": np.array(list(gold.values()))})
    assert str(told) == str(framed) == str(arrays)


def test_agreement_is_null_where_there_is_none():
    result = run({"text": TEXTS}, cs.Scripted("ana", ["maybe"]), answer=cs.Label("yes", "no"))
    assert result.frame["agreement"].is_nan().fill_null(value=False).sum() == 0


@pytest.mark.parametrize("keys", [[99], ["1"]])
def test_questions_of_keys_that_are_none_say_so(keys):
    with pytest.raises(InvalidInput, match="is none"):
        run({"id": [1, 2, 3], "text": TEXTS}, key="id").questions(keys)


def test_another_store_object_of_this_process_sees_what_was_written(where):
    kind = cs.Label("yes", "no")
    with cs.Circle([cs.Scripted("ana", ["yes"])], store=where) as circle, Store(where) as other:
        for _ in range(3):
            verdict = circle.ask_sync("Is water wet?", answer=kind)
            assert other.verdict(verdict.question.id).answer == "yes"


def test_numbered_rows_are_joined_to_a_frame_in_their_order_only():
    result = run({"text": TEXTS})
    assert result.join({"text": TEXTS}).height == len(TEXTS)
    assert result.join({"other": [1, 2, 3]}).height == len(TEXTS)
    with pytest.raises(InvalidFrame, match="row 0 is another one than before"):
        result.join({"text": TEXTS[::-1]})


def test_equal_prompts_are_paid_once_in_the_frame_and_the_report_too():
    async def ana(question):
        return cs.Reply("yes", usage=cs.Usage(1, 1, 0.5))

    result = run({"text": ["a", "a", "b"]}, ana, answer=cs.Label("yes", "no"))
    assert (result.asked, result.spent) == (2, "$1.0000")
    assert result.frame["cost_usd"].sum() == 1.0
    assert "function $1 (3 answers)" in result.report().explain()


def test_why_an_answer_cannot_be_read_is_said():
    result = run({"text": TEXTS}, cs.Scripted("ana", ["maybe"]), answer=cs.Label("yes", "no"))
    assert result.failures.select("outcome", "cells").rows() == [("unparseable", 3)]
    assert "One of yes, no is required, 'maybe' came" in result.explain()


def test_a_report_counts_texts_as_the_run_does():
    said = zip("abc", ["Paris.", "paris", "London"], strict=True)
    result = run(
        {"id": [1], "text": ["a"]}, *(cs.Scripted(*each) for each in ((n, [t]) for n, t in said)), key="id"
    )
    assert result.frame["answer"][0] in ("Paris.", "paris")
    assert "agree on 1 of 1 tasks" in result.report().finding
    assert "The circle was right on 1 of 1 tasks" in result.report({1: "PARIS"}).finding


def test_gold_is_read_as_an_answer_is():
    frame = {"id": [1, 2], "text": ["a", "b"]}
    result = run(
        frame, cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["no"]), answer=cs.Label("yes", "no"), key="id"
    )
    right = str(result.report({1: "yes", 2: "no"}))
    assert str(result.report({1: " Yes. ", 2: "NO"})) == right
    assert str(result.report(pd.Series({1: "yes", 2: "no"}))) == right
    with pytest.raises(
        InvalidInput, match="Gold is an answer as the run takes it. One of yes, no is required, 'yess'"
    ):
        result.report({1: "yess", 2: "no"})
    with pytest.raises(InvalidInput, match=r"Gold maps keys of the frame, of the type Int64.*\['1'\]"):
        result.report({"1": "yes"})
