import json

import polars as pl
import pytest

import consilience as cs
from consilience.errors import InvalidFrame, InvalidInput
from consilience.notebook import Agreement, Widget
from consilience.simulate import Planted, answers

HOSTILE = "<script>alert(1)</script>\x1b[31m"


def planted(names="abc", tasks=60, skill=0.8):
    circle = [*(Planted(name, skill) for name in names), Planted("z", 0.4)]
    return answers(circle, tasks=tasks, labels=["x", "y", "w"], seed=1)


def told(widget, **message):
    widget._receive(None, message, [])
    widget.flush()
    return widget


@pytest.fixture
def sent(monkeypatch):
    """What a widget sends as messages."""
    kept = []
    monkeypatch.setattr(Widget, "send", lambda self, content, buffers=None: kept.append(content))
    return kept


def drawn(*args, **settings):
    widget = Agreement(*args, draws=50, **settings)
    widget.pairs  # noqa: B018 - waits
    widget.flush()
    return widget


def test_the_page_has_a_cell_for_every_pair_in_the_order_of_the_matrix():
    widget = drawn(planted().answers)
    names = [each["name"] for each in widget.experts]
    assert widget.state == "ready"
    assert names == widget.matrix["expert"].to_list()
    assert len(widget.cells) == 6
    assert widget.cells[0][0] == pytest.approx(widget.pairs.between(*names[:2]).value, abs=1e-4)
    assert widget.findings[0].startswith("z stands apart")


def test_without_answers_it_says_what_to_do_and_raises_on_figures():
    widget = Agreement()
    assert widget.state == "empty"
    with pytest.raises(InvalidInput, match="Answers are required, none came"):
        widget.matrix  # noqa: B018


def test_a_cell_opens_what_two_differ_on(sent):
    widget = drawn(planted().answers)
    told(widget, action="pick", first=0, second=3)
    told(widget, action="rows", first=0, to=50)
    names = [each["name"] for each in widget.experts]
    assert widget.selected == (names[0], names[3])
    assert widget.pair["differ"] == len(widget.differing) == len(sent[0]["rows"])
    assert sent[0]["kind"] == "rows"


def test_a_row_shows_the_task_and_what_everybody_said():
    frame = planted().answers.with_columns(text=pl.lit("Which is it?"))
    widget = drawn(frame)
    told(widget, action="pick", first=0, second=3)
    told(widget, action="show", n=0)
    assert widget.task["text"] == "Which is it?"
    assert sorted(expert["name"] for expert, _ in widget.task["said"]) == ["a", "b", "c", "z"]


def test_hostile_text_crosses_without_steering_characters_and_bounded(sent):
    frame = {
        "task": [HOSTILE, HOSTILE, 1, 1],
        "expert": ["a", HOSTILE, "a", HOSTILE],
        "label": [HOSTILE * 4000, "x", "y", "y"],
    }
    frame["task"] = [str(task) for task in frame["task"]]
    widget = drawn(frame)
    told(widget, action="pick", first=0, second=1)
    told(widget, action="rows", first=0, to=10)
    told(widget, action="show", n=0)
    crossed = json.dumps([sent, widget.task, widget.pair, widget.experts])
    assert "\\u001b" not in crossed
    assert len(crossed) < 10_000
    assert "<script>" not in widget.snapshot()


@pytest.mark.parametrize(
    "message",
    [
        {"action": "pick", "first": 0, "second": 0},
        {"action": "pick", "first": 0, "second": 99},
        {"action": "show", "n": 0},
        {"action": "choose", "method": "mean"},
    ],
)
def test_what_cannot_be_done_is_said(message):
    assert told(drawn(planted().answers), **message).error


def test_another_method_is_drawn_and_the_open_pair_stays():
    widget = drawn(planted().answers)
    widget.select("a", "z")
    told(widget, action="choose", method="gwet_ac1")
    assert widget.overall.method == "Gwet AC1"
    assert widget.selected == ("a", "z")


def test_scores_are_compared_as_numbers():
    frame = {"task": [1, 1, 2, 2, 3, 3], "expert": ["a", "b"] * 3, "score": [1.0, 2, 3, 4, 5, 6]}
    widget = drawn(frame)
    assert widget.overall.method == "ICC(2,1)"
    assert widget.votes == ""


def test_known_answers_say_how_many_votes_the_experts_are_worth():
    found = planted()
    widget = drawn(found.answers, gold=found.gold)
    assert widget.votes.startswith("The errors of 4 members correlate")
    assert "takes known answers" in drawn(found.answers).votes


def test_the_result_of_a_run_is_compared_with_its_texts():
    def ana(question):
        return "yes" if "1" in question.text else "no"

    def ben(question):
        return "yes"

    frame = {"id": [1, 2, 3], "text": ["number 1", "number 2", "number 3"]}
    run = cs.Circle([ana, ben]).run(frame, prompt="Is it one: {text}", answer=cs.Label("yes", "no"), key="id")
    widget = drawn(run.wait_sync())
    widget.select("ana", "ben")
    assert widget.differing["task"].to_list() == [2, 3]
    assert told(widget, action="show", n=1).task["text"] == "number 3"


def test_questions_of_a_store_are_compared(tmp_path):
    def ana(question):
        return "yes"

    def ben(question):
        return "yes" if "1" in question.text else "no"

    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([ana, ben], store=store)
        for number in (1, 2):
            circle.ask_sync(f"number {number}?", answer=cs.Label("yes", "no"))
        frame = store.latest()
    widget = drawn(frame)
    widget.select("ana", "ben")
    assert told(widget, action="show", n=0).task["text"] == "number 2?"


def test_a_frame_that_cannot_be_compared_is_refused_at_once():
    with pytest.raises(InvalidFrame, match="label is missing"):
        Agreement({"task": [1], "expert": ["a"]})


def test_what_the_coefficient_refuses_stands_on_the_page():
    widget = Agreement({"task": [1], "expert": ["a"], "label": ["x"]})
    with pytest.raises(InvalidInput):
        widget.pairs  # noqa: B018
    widget.flush()
    assert (widget.state, "1 came" in widget.error) == ("failed", True)


def test_a_hundred_experts_stay_below_a_megabyte():
    frame = answers([Planted(f"expert {n}", 0.8) for n in range(100)], tasks=5, labels=["x", "y"]).answers
    widget = Agreement(frame, draws=0)
    widget.pairs  # noqa: B018
    widget.flush()
    assert len(widget.cells) == 4950
    assert len(json.dumps([widget.cells, widget.experts])) < 1_000_000


def test_a_page_without_the_widget_has_a_table():
    bundle = drawn(planted().answers)._repr_mimebundle_()[0]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "<table>" in bundle["text/html"]
    assert "run this cell" in Agreement()._repr_mimebundle_()[0]["text/html"]
