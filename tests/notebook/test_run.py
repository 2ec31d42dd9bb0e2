"""The widget of a run: its state in Python, and what crosses to the browser."""

import json
import threading

import pytest

import consilience as cs
from consilience.loop import background
from consilience.models import Outcome, Response, Source
from consilience.notebook import Run
from consilience.runs.tally import Tally

WAIT = 20
FRAME = {"id": [1, 2, 3], "text": ["It crashes", "It hangs", "It should sort"]}


def sent(widget, name, **content):
    widget._receive(None, {"action": name, **content}, [])


def waits_for(condition):
    done = threading.Event()

    def look():
        if condition():
            done.set()
        else:
            background.call_later(0.01, look)

    background.call_later(0, look)
    assert done.wait(WAIT)


def prepared(*experts, store=None):
    circle = cs.Circle(list(experts), store=store)
    return circle.run(FRAME, "Classify: {text}", answer=cs.Label("bug", "wish"), key="id")


def test_the_plan_is_there_before_anything_is_asked():
    def own(question):
        return "bug"

    widget = Run(prepared(cs.Scripted("ana", ["bug"]), own))
    waits_for(lambda: widget.state == "ready")
    assert (widget.plan["calls"], widget.plan["unpriced"], widget.plan["kept"]) == (6, 3, False)
    assert widget.result is None
    widget.close()


def test_a_run_that_was_started_ends_with_its_result():
    widget = Run(prepared(cs.Scripted("ana", ["bug"])))
    sent(widget, "start")
    waits_for(lambda: widget.state == "done")
    assert widget.result.frame["answer"].to_list() == ["bug", "bug", "bug"]
    assert widget.summary["decisions"] == [["majority", 3]]
    assert widget.progress["done"] == 3


def test_a_pause_keeps_what_is_settled_and_going_on_asks_the_rest(tmp_path):
    gate = threading.Event()
    asked = []

    def ana(question):
        asked.append(question.text)
        if len(asked) == 2:
            gate.wait(WAIT)
        return "bug"

    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([ana], store=store)
        run = circle.run(FRAME, "Classify: {text}", answer=cs.Label("bug", "wish"), key="id", concurrency=1)
        widget = Run(run)
        sent(widget, "start")
        waits_for(lambda: len(asked) == 2)
        sent(widget, "pause")
        waits_for(lambda: widget.state == "paused" and widget.plan.get("settled") == 1)
        gate.set()
        sent(widget, "start")
        waits_for(lambda: widget.state == "done")
        assert (widget.result.asked, widget.result.reused) == (2, 1)


def test_failed_cells_are_told_with_their_reason_and_are_asked_again():
    script = cs.Scripted("ana", [TimeoutError("no answer"), "bug", "bug", "bug", "bug", "bug"])
    widget = Run(prepared(script))
    sent(widget, "start")
    waits_for(lambda: widget.state == "done")
    ((expert, outcome, reason, n),) = widget.progress["failures"]
    assert (expert["name"], outcome["word"], reason, n) == ("ana", "timed out", "TimeoutError: no answer", 1)
    sent(widget, "start")
    waits_for(lambda: widget.state == "done" and widget.result.failed == 0)


def test_a_run_is_started_once_at_a_time():
    widget = Run(prepared(cs.Scripted("ana", ["bug"], latency=3600)))
    sent(widget, "start")
    sent(widget, "start")
    assert "under way" in widget.error
    widget.close()
    waits_for(lambda: widget._task is None)


def test_closing_stops_the_run():
    widget = Run(prepared(cs.Scripted("ana", ["bug"], latency=3600)))
    sent(widget, "start")
    task = widget._task
    widget.close()
    assert task.cancelled()


def test_reasons_without_end_stay_below_a_megabyte():
    tally = Tally(100_000)
    widget = Run(prepared(cs.Scripted("ana", ["bug"])))
    for n in range(100_000):
        reason = f"{n} " + "\U0001f600" * 400
        response = Response(
            question_id="q",
            expert="ana",
            source=Source.MODEL,
            outcome=Outcome.FAILED,
            reason=reason,
            latency_s=0.0,
        )
        tally.answered(response, settled=False)
    widget.show(tally)
    widget.flush()
    assert tally.failed == 100_000
    assert len(json.dumps(widget.progress, ensure_ascii=False).encode()) < 1_000_000
    widget.close()


def test_without_a_run_the_widget_says_so():
    widget = Run()
    sent(widget, "start")
    assert widget.state == "empty"
    assert "A run is required" in widget.error


@pytest.mark.parametrize("name", ["queue"])
def test_the_queue_is_known_when_the_run_has_ended(name):
    widget = Run(prepared(cs.Scripted("ana", ["bug"])))
    sent(widget, name)
    assert "known when the run has ended" in widget.error
    widget.close()
