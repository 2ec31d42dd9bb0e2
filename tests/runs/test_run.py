import asyncio
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

import consilience as cs
from consilience.circle import Circle
from consilience.errors import InvalidFrame, InvalidInput, StoreFull
from consilience.models import Outcome, Response, Usage
from consilience.models.response import Source
from consilience.runs import Budget
from consilience.runs.ledger import Cell, Ledger
from consilience.runs.progress import Log, Silent, Terminal, bar
from consilience.runs.tally import Tally
from consilience.store import Store


def prepared(circle, frame, kind, **settings):
    return circle.run(frame, "Is it? {text}", answer=kind, key="id", progress=False, **settings)


def test_one_row_a_question_in_the_order_of_the_frame(circle, frame, kind):
    found = prepared(circle, frame, kind).wait_sync()
    assert found.frame["id"].to_list() == ["a", "b", "c", "d"]
    assert found.frame["answer"].to_list() == ["yes"] * 4
    assert found.frame["support_n"].to_list() == [2] * 4
    assert not found.degraded


def test_a_run_is_awaited_on_any_loop(circle, frame, kind):
    async def story():
        return await prepared(circle, frame, kind)

    assert len(asyncio.run(story())) == 4


def test_equal_prompts_are_asked_once_and_answered_for_every_row(circle, asked, frame, kind):
    found = prepared(circle, frame, kind).wait_sync()
    assert set(asked.calls.values()) == {1}
    assert asked.n == 9
    assert (found.asked, found.reused) == (9, 3)


def test_running_it_again_asks_nothing(circle, asked, frame, kind):
    first = prepared(circle, frame, kind).wait_sync()
    again = prepared(circle, frame, kind)
    assert (again.plan.calls, again.plan.settled) == (0, 9)
    second = again.wait_sync()
    assert asked.n == 9
    assert second.frame.drop("reused").equals(first.frame.drop("reused"))
    assert circle.store.sql("SELECT count(*) FROM verdicts").item() == 3


def test_another_process_finds_what_is_settled(circle, asked, frame, kind, where):
    prepared(circle, frame, kind).wait_sync()
    with Circle([asked.expert("ana")], store=where) as other:
        assert prepared(other, frame, kind).wait_sync().asked == 0


def test_only_what_failed_is_asked_again(circle, asked, frame, kind):
    asked.raises["ben"] = TimeoutError("asleep")
    first = prepared(circle, frame, kind).wait_sync()
    assert first.degraded
    assert first.failed == 3
    assert "4 of 4 rows lack an answer" in first.banner
    asked.raises.clear()
    second = prepared(circle, frame, kind).wait_sync()
    assert second.asked == 3
    assert not second.degraded
    assert {count for (name, _), count in asked.calls.items() if name != "ben"} == {1}
    latest = circle.store.latest()
    assert latest.height == 3, "new answers stand beside the old ones, on the same questions"
    assert not latest["degraded"].any()


def test_replicates_are_cells_of_their_own(circle, asked, frame, kind):
    prepared(circle, frame, kind).wait_sync()
    found = prepared(circle, frame, kind, replicates=3).wait_sync()
    assert (found.asked, asked.n) == (18, 27)
    assert found.frame["support_of"].to_list() == [9] * 4
    assert "ana #3" in found.answers["expert"].cast(pl.String).to_list()


def test_another_wording_or_answer_kind_is_another_question(circle, asked, frame, kind):
    prepared(circle, frame, kind).wait_sync()
    circle.run(frame, "Is it so? {text}", answer=kind, key="id", progress=False).wait_sync()
    assert asked.n == 18


def test_an_expert_with_another_persona_is_asked_anew(asked, frame, kind, where):
    for persona in ("stern", "mild"):
        expert = asked.expert("ana")
        expert.persona = persona
        with Circle([expert], store=where) as circle:
            prepared(circle, frame, kind).wait_sync()
    assert asked.n == 6


def test_what_is_cancelled_is_kept_and_resumed(where, asked, kind):
    frame = {"id": list(range(40)), "text": [str(n) for n in range(40)]}
    gate = asyncio.Event()

    async def slow(question):
        asked.count("slow", question)
        if asked.n > 20 and not gate.is_set():
            await asyncio.Event().wait()
        return "yes"

    async def story(circle):
        task = asyncio.ensure_future(prepared(circle, frame, kind, concurrency=4).watched(Silent()))
        await asked.reached(21)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
        return await prepared(circle, frame, kind)

    with Circle([slow], store=where) as circle:
        found = asyncio.run(story(circle))
        assert len(found) == 40
        assert asked.n - 40 <= 4, "at most what was in flight is asked twice"
        rows = circle.store.sql("SELECT run_id, state FROM runs ORDER BY asked_at").rows()
        # a cancelled run says so while the next one may have begun
        each = {run: [state for own, state in rows if own == run] for run, _ in rows}
        assert list(each.values()) == [["started", "interrupted"], ["started", "done"]]


def test_without_a_store_the_plan_says_that_nothing_is_kept(asked, frame, kind):
    run = prepared(Circle([asked.expert("ana")]), frame, kind)
    assert "no store" in str(run.plan)
    assert len(run.wait_sync()) == 4


def test_what_another_living_run_has_under_way_is_waited_for(circle, asked, frame, kind):
    other = Ledger(circle.store, circle.experts, kind.spec())
    other.alive.begin()
    question = prepared(circle, frame, kind)._job.question({"text": "one"})
    other.reserve([Cell(question.digest, "ana", 0)], datetime.now(UTC))

    async def story():
        task = asyncio.ensure_future(prepared(circle, frame, kind).watched(Silent()))
        await asked.reached(6)
        assert asked.calls["ana", "Is it? one"] == 0
        other.alive.end()
        return await task

    found = asyncio.run(story())
    assert asked.calls["ana", "Is it? one"] == 1
    assert len(found) == 4


def test_what_a_dead_run_had_reserved_is_free(circle, asked, frame, kind):
    dead = Ledger(circle.store, circle.experts, kind.spec())
    question = prepared(circle, frame, kind)._job.question({"text": "one"})
    dead.reserve([Cell(question.digest, "ana", 0)], datetime.now(UTC))
    assert prepared(circle, frame, kind).wait_sync().asked == 9


def test_a_full_disk_is_a_typed_error_and_the_run_goes_on_when_there_is_space(small_disk, fill, asked, kind):
    frame = {"id": list(range(8)), "text": [str(n) for n in range(8)]}

    async def fills(question):
        asked.calls["fills", question.text] += 1
        if asked.n == 3:
            fill(small_disk)
        return "yes"

    with Circle([fills], store=small_disk / "h.duckdb") as circle:
        with pytest.raises(StoreFull, match="make space"):
            prepared(circle, frame, kind, concurrency=1).wait_sync()
        (small_disk / "filler").unlink()
        found = prepared(circle, frame, kind, concurrency=1).wait_sync()
        assert len(found) == 8
        assert set(asked.calls.values()) == {1}, "what waited in memory was written, and not paid again"


def test_a_budget_of_calls_is_never_exceeded_and_marks_the_result(circle, asked, kind):
    frame = {"id": list(range(50)), "text": [str(n) for n in range(50)]}
    found = prepared(circle, frame, kind, budget=Budget(calls=20), concurrency=8).wait_sync()
    assert asked.n == 20
    assert found.degraded
    assert "stopped by the budget of 20 calls" in found.banner
    rest = prepared(circle, frame, kind).wait_sync()
    assert asked.n == 150
    assert len(rest) == 50
    assert set(asked.calls.values()) == {1}


def test_a_budget_in_dollars_holds_from_the_first_call_on(circle, asked, kind):
    frame = {"id": list(range(50)), "text": [str(n) for n in range(50)]}
    prepared(circle, frame, kind, budget=Budget(usd=0.155), concurrency=50).wait_sync()
    assert asked.n == 15


def test_an_unknown_price_is_named_and_not_counted_as_nothing(circle, asked, frame, kind):
    asked.usage = Usage(10, 1, None)
    run = prepared(circle, frame, kind, budget=Budget(usd=1))
    assert run.plan.unpriced == ("ana", "ben", "eva")
    assert "cannot cover" in str(run.plan)
    assert "9 answers of unknown price" in run.wait_sync().spent


def test_what_calls_nobody_is_known_to_cost_nothing(frame, kind, where):
    silent = [cs.Scripted("ana", ["yes"]), cs.Scripted("ben", [TimeoutError("asleep")])]
    unknown = cs.Scripted("eva", [cs.Reply("no", usage=Usage(10, 1))])
    run = prepared(Circle(silent, store=where), frame, kind)
    assert (run.plan.usd, run.plan.unpriced) == (0.0, ())
    assert "unknown" not in run.wait_sync().spent
    verdict = Circle([*silent, unknown]).ask_sync("Is it?", answer=kind)
    assert {r.expert: r.usage.cost_usd for r in verdict.responses} == {"ana": 0.0, "ben": 0.0, "eva": None}


def test_the_plan_knows_prices_tokens_and_latencies_from_the_store(circle, frame, kind):
    prepared(circle, frame, kind).wait_sync()
    plan = prepared(circle, {"id": [1, 2], "text": ["new", "newer"]}, kind).plan
    assert plan.usd == pytest.approx(6 * 0.01)
    assert plan.tokens == pytest.approx(66)
    assert plan.seconds is not None
    assert plan.unpriced == ()


def test_a_circle_has_one_budget_for_asking_and_running(asked, frame, kind):
    with Circle([asked.expert("ana")], budget=Budget(calls=2)) as circle:
        circle.ask_sync("one?", answer=kind)
        found = prepared(circle, frame, kind).wait_sync()
        assert asked.n == 2
        assert found.degraded
        assert "1 over budget" in circle.ask_sync("two?", answer=kind).banner


def test_least_certain_rows_come_first_with_their_text(circle, frame, kind):
    run = prepared(circle, frame, kind)
    with pytest.raises(InvalidInput, match="await it"):
        run.review_queue()
    run.wait_sync()
    queue = run.review_queue(2)
    assert queue["id"].to_list() == ["a", "b"]
    assert queue["text"].to_list() == ["one", "two"]


def test_the_report_takes_gold_by_the_key(circle, frame, kind):
    run = prepared(circle, frame, kind)
    run.wait_sync()
    assert run.report(draws=50).agreement is not None
    gold = {"id": ["a", "b", "c", "d"], "label": ["yes", "yes", "no", "yes"]}
    assert run.report(gold, draws=50).accuracy.height > 3


def test_a_result_joins_back_on_the_key(circle, frame, kind):
    found = prepared(circle, frame, kind).wait_sync()
    joined = found.join({**frame, "extra": [1, 2, 3, 4]})
    assert joined.select("id", "extra", "answer").height == 4
    with pytest.raises(InvalidInput, match="answer"):
        found.join({"id": ["a"], "answer": ["x"]})


def test_displays_escape_what_models_and_frames_hold(asked, tmp_path):
    hostile = "<script>alert(1)</script>"
    expert = asked.expert("<b>eve</b>", hostile)
    run = Circle([expert]).run({"id": [hostile], "text": ["x"]}, "{text}", key="id", progress=False)
    for shown in (run.plan._repr_html_(), run.wait_sync()._repr_html_()):
        assert "<script" not in shown
        assert "<b>" not in shown


def test_progress_in_a_log_is_plain_lines(capsys):
    tally = Tally(10)
    Log().show(tally)
    tally.decided(3, 3)
    Terminal().show(tally, "done")
    said = capsys.readouterr().err
    assert said.startswith("0 of 10 rows: time left unknown; asked 0, reused 0, failed 0; $0.0000\n")
    assert "| 1/10 [0:00, " in said
    assert "rows/s] done; asked 0, reused 3, failed 0; $0.0000" in said
    assert said.endswith("\n")


@pytest.mark.parametrize("setting", [{"replicates": 0}, {"concurrency": 0}, {"replicates": True}])
def test_settings_are_checked_before_anything_is_asked(circle, frame, kind, setting):
    with pytest.raises(InvalidInput, match="from 1 up"):
        prepared(circle, frame, kind, **setting)


@pytest.mark.parametrize("key", ["answer", "confidence", "cost_usd"])
def test_a_key_that_a_result_has_too_is_refused_before_anything_is_asked(circle, asked, kind, key):
    with pytest.raises(InvalidFrame, match=f"a column '{key}' of its own.*rename it"):
        circle.run({key: [1], "text": ["a"]}, "Is it? {text}", answer=kind, key=key, progress=False)
    assert asked.n == 0


def test_a_budget_has_a_limit():
    for wrong in ({}, {"usd": -1}, {"calls": float("nan")}):
        with pytest.raises(InvalidInput, match="a limit of 0 or more"):
            Budget(**wrong)


def test_one_failure_in_ask_all_loses_nothing(circle, kind):
    found = circle.ask_all_sync(["one?", " ", "two?"], answer=kind)
    assert [type(one).__name__ for one in found] == ["Verdict", "EmptyQuestion", "Verdict"]
    with pytest.raises(InvalidInput, match="a list of questions"):
        circle.ask_all_sync("one?")


def test_the_report_of_a_run_says_what_each_provider_was_paid(circle):
    frame = {"id": [1, 2], "text": ["a", "b"]}
    result = circle.run(
        frame, "{text}?", answer=cs.Label("yes", "no"), key="id", replicates=2, progress=False
    ).wait_sync()
    assert result.report().providers.rows() == [("function", 6, 12, 12, 0, pytest.approx(0.12), False)]


def test_what_a_run_wrote_before_it_ended_is_found_though_nobody_took_it_yet(
    circle, asked, frame, kind, where
):
    with Store(where, interval=3600) as late:
        other = Ledger(late, circle.experts, kind.spec())
        other.alive.begin()
        question = prepared(circle, frame, kind)._job.question({"text": "one"})
        cell = Cell(question.digest, "ana", 0)
        other.reserve([cell], datetime.now(UTC))

        async def story():
            task = asyncio.ensure_future(prepared(circle, frame, kind).watched(Silent()))
            await asked.reached(6)
            said = Response(
                question_id=question.id,
                expert="ana",
                source=Source.FUNCTION,
                outcome=Outcome.ANSWERED,
                answer="yes",
            )
            late.write(other.rows(cell, said, question))
            other.alive.end()
            return await task

        assert len(asyncio.run(story())) == 4
    assert asked.calls["ana", "Is it? one"] == 0


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_progress_in_a_terminal_fits_its_width(width):
    tally = Tally(1_000_000)
    tally.done, tally.asked, tally.n_unpriced = 123_456, 370_368, 99
    assert len(bar(tally, "", width)) <= width
    assert bar(tally, "", width).startswith(" 12%|")


def test_a_result_is_a_pandas_frame_on_request(circle, frame, kind):
    found = prepared(circle, frame, kind).wait_sync()
    assert found.to_pandas()["answer"].tolist() == ["yes"] * 4


def test_numbers_of_numpy_are_numbers(tmp_path):
    experts = [cs.Scripted("ana", ["yes"])]
    with cs.Circle(experts, store=tmp_path / "h.duckdb") as circle:
        made = circle.run(
            {"text": ["a", "b"]},
            "Is {text}?",
            answer=cs.Label("yes", "no"),
            replicates=np.int64(2),
            concurrency=np.int8(64),
            progress=False,
        )
        assert made.wait_sync().asked == 4
        assert circle.store.sql("SELECT DISTINCT replicates FROM runs").item() == 2


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.float32(0.5), 0.5),
        (float("nan"), None),
        (-1.0, None),
        (float("inf"), None),
        (0, 0.0),
    ],
)
def test_a_price_is_an_amount_or_unknown(tmp_path, given, kept):
    async def ana(question):
        return cs.Reply("yes", usage=cs.Usage(np.int32(10), 1, given))

    with cs.Circle([ana], store=tmp_path / "h.duckdb") as circle:
        result = circle.run(
            {"text": ["a"]}, "Is {text}?", answer=cs.Label("yes", "no"), progress=False
        ).wait_sync()
        assert result.frame["cost_usd"].to_list() == [kept]
        assert circle.store.sql("SELECT input_tokens, cost_usd FROM responses").row(0) == (10, kept)


def test_a_changed_function_is_asked_anew_where_it_says_so(tmp_path):
    def asked(said, version=None):
        def ana(question):
            return said

        if version is not None:
            ana.prompt_hash = version
        with cs.Circle([ana], store=tmp_path / "h.duckdb") as circle:
            result = circle.run(
                {"text": ["a"]}, "Is {text}?", answer=cs.Label("yes", "no"), progress=False
            ).wait_sync()
        return result.asked, result.frame["answer"][0]

    assert asked("yes") == (1, "yes")
    assert asked("no") == (0, "yes")
    assert asked("no", "2") == (1, "no")
    assert asked("yes", "2") == (0, "no")


def test_an_expert_may_not_be_called_as_a_replicate_is():
    circle = cs.Circle([cs.Scripted("ana", ["yes"]), cs.Scripted("ana #2", ["yes"])])
    circle.run({"text": ["a"]}, "Is {text}?", progress=False)
    with pytest.raises(InvalidInput, match="under the name 'ana #2', which another expert has"):
        circle.run({"text": ["a"]}, "Is {text}?", replicates=2, progress=False)


FORKED = """
import os, sys
import consilience as cs

circle = cs.Circle([cs.Scripted("ana", ["yes"])])


def run():
    return circle.run({"text": ["a"]}, "Is {text}?", progress=False).wait_sync()


if sys.argv[1] == "after":
    run()
child = os.fork()
if child == 0:
    try:
        print(run().asked, flush=True)
    except cs.errors.LoopError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.parametrize(("when", "said"), [("after", "get_context('spawn')"), ("before", "1")])
def test_a_run_in_a_forked_process_says_what_to_do_in_place_of_waiting_for_ever(when, said):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, when],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert said in done.stdout, done.stderr
