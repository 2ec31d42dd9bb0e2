"""What a circle answers is recorded as it comes, and replayed without asking anybody."""

import asyncio
import fcntl
import json
import subprocess
import sys
import threading

import pytest

import consilience as cs
from consilience.errors import Abstained, InvalidInput, RecordingMiss, Refused, StoreError
from consilience.experts.recorder import Facts, Recorder
from consilience.models import ConfidenceSource, Question, Reply, Usage

LABEL = cs.Label("yes", "no")
KINDS = [
    (LABEL, "yes", "yes"),
    (cs.Score(0, 10), "7.5", 7.5),
    (cs.Text(), "It is \u2028 wet.\n", "It is \u2028 wet."),
    (cs.Items(), ["Shard", "Index"], ("Shard", "Index")),
    (cs.Ranking("a", "b"), "b\na", ("b", "a")),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers.jsonl"


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def replayed(path, *question, **how):
    return cs.Circle.from_recording(path).ask_sync(*question, **how)


@pytest.mark.parametrize(("kind", "said", "read"), KINDS, ids=[kind.kind for kind, _, _ in KINDS])
def test_an_answer_of_every_kind_is_replayed(path, kind, said, read):
    with cs.Circle([cs.Scripted("ana", [said])]) as circle, circle.record(path):
        first = circle.ask_sync("What now?", answer=kind).responses[0]
    again = replayed(path, "What now?", answer=kind).responses[0]
    assert first.answer == again.answer == read
    assert again.source is cs.models.Source.RECORDED


def test_a_row_says_who_answered_and_what_it_took(path):
    reply = Reply("yes", 0.8, ConfidenceSource.SELF_REPORTED, (("yes", 0.8),), Usage(30, 4, 0.25), calls=2)
    with cs.Circle([cs.Scripted("ana", [reply])]) as circle:
        with circle.record(path) as recorder:
            circle.ask_sync("Is it?", answer=LABEL, context="A context.", examples=[("Was it?", "no")])
        circle.ask_sync("Is it still?")
        assert (recorder.n, recorder.is_open) == (1, False)
    (row,) = rows(path)
    assert row["prompt_tokens"] == 30
    assert (row["completion_tokens"], row["cost_usd"], row["calls"]) == (4, 0.25, 2)
    assert (row["confidence"], row["confidence_source"]) == (0.8, "self-reported")
    assert (row["labels"], row["context"], row["examples"]) == (
        ["yes", "no"],
        "A context.",
        [["Was it?", "no"]],
    )
    assert (row["provider"], row["source"]) == ("scripted", "scripted")
    assert row["latency_s"] >= 0
    assert row["made_with"].startswith("consilience ")
    ana = cs.Recorded(path)
    said = ana.to_polars().row(0, named=True)
    assert (said["cost_usd"], said["input_tokens"], said["confidence_source"]) == (0.25, 30, "self-reported")
    question = Question("Is it?", LABEL, "A context.", (("Was it?", "no"),))
    again = asyncio.run(ana.answer(question))
    assert (again.confidence_source, again.usage) == (ConfidenceSource.SELF_REPORTED, Usage(30, 4, 0.0))


def test_an_unknown_cost_is_null_and_no_zero(path):
    with (
        cs.Circle([cs.Scripted("ana", [Reply("yes", usage=Usage(30, 4, None))])]) as circle,
        circle.record(path),
    ):
        circle.ask_sync("Is it?")
    assert rows(path)[0]["cost_usd"] is None
    assert cs.Recorded(path).to_polars()["cost_usd"].to_list() == [None]


def test_another_context_or_answer_kind_is_a_miss(path):
    with cs.Circle([cs.Scripted("ana", ["yes"])]) as circle, circle.record(path):
        circle.ask_sync("Is it?", context="on Mars")
    ana = cs.Recorded(path)
    assert asyncio.run(ana.answer(Question("Is it?", context="on Mars"))).raw == "yes"
    for question in (Question("Is it?"), Question("Is it?", LABEL, "on Mars"), Question("Was it?")):
        with pytest.raises(RecordingMiss, match="record it"):
            asyncio.run(ana.answer(question))


def test_what_another_time_may_bring_is_not_recorded_and_what_was_meant_is(path):
    said = [None, Refused("Not that."), "neither", TimeoutError("asleep"), ConnectionError("gone")]
    with cs.Circle([cs.Scripted("ana", said)]) as circle, circle.record(path):
        for number in range(5):
            circle.ask_sync(f"Question {number}", answer=LABEL)
    assert [row["outcome"] for row in rows(path)] == ["abstained", "refused", "unparseable"]
    ana = cs.Recorded(path)
    with pytest.raises(Abstained, match="script says nothing"):
        asyncio.run(ana.answer(Question("Question 0", LABEL)))
    with pytest.raises(Refused, match=r"Not that\."):
        asyncio.run(ana.answer(Question("Question 1", LABEL)))
    assert replayed(path, "Question 2", answer=LABEL).responses[0].outcome is cs.Outcome.UNPARSEABLE


def test_answers_to_one_question_come_in_turn(path):
    with cs.Circle([cs.Scripted("ana", ["yes", "no"])]) as circle, circle.record(path):
        for _ in range(2):
            circle.ask_sync("Is it?")
    ana = cs.Recorded(path)
    assert [asyncio.run(ana.answer(Question("Is it?"))).raw for _ in range(3)] == ["yes", "no", "yes"]


def test_rounds_are_replayed_round_by_round(path):
    experts = [cs.Scripted("ana", ["no", "yes"]), cs.Scripted("ben", ["yes"]), cs.Scripted("cy", ["yes"])]
    with cs.Circle(experts) as circle, circle.record(path):
        first = circle.ask_sync("Is it?", answer=LABEL, rounds=cs.rounds.Delphi())
    again = replayed(path, "Is it?", answer=LABEL, rounds=cs.rounds.Delphi())
    assert len(again.rounds) == len(first.rounds) > 1
    assert again.course == first.course
    assert [r.answer for r in again.responses] == ["yes", "yes", "yes"]


def test_a_run_is_recorded_and_replayed_with_its_replicates(path):
    frame = {"id": [1, 2, 3], "text": ["a", "b", "c"]}
    experts = [
        cs.Scripted("ana", {f"{t}?": "yes" for t in "abc"}),
        cs.Scripted("ben", {f"{t}?": "no" for t in "abc"}),
    ]
    settings = {"key": "id", "answer": LABEL, "replicates": 2, "progress": False}
    with cs.Circle(experts) as circle, circle.record(path):
        first = circle.run(frame, "{text}?", **settings).wait_sync()
        assert len(rows(path)) == 12
    again = cs.Circle.from_recording(path).run(frame, "{text}?", **settings).wait_sync()
    order = ["task", "expert"]
    assert first.answers.sort(order)["label"].equals(again.answers.sort(order)["label"])


def test_what_is_hidden_from_experts_is_hidden_from_the_file(path):
    with cs.Circle([cs.Scripted("ana", ["Ask ben@example.org"])], redact=True) as circle, circle.record(path):
        circle.ask_sync("Is ana@example.org right?")
        circle.run({"text": ["c@example.org"]}, "Who is {text}?", progress=False).wait_sync()
    assert "example.org" not in path.read_text()
    verdict = cs.Circle.from_recording(path, redact=True).ask_sync("Is ana@example.org right?")
    assert verdict.answer == "Ask [EMAIL_2]"


def test_who_was_not_asked_is_not_recorded(path):
    question = Question("Secret?", tags=["secret"])
    experts = [cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["yes"])]
    with cs.Circle(experts, allow={"secret": ["scripted:ana"]}) as circle, circle.record(path):
        circle.ask_sync(question)
    assert [row["expert"] for row in rows(path)] == ["ana"]


def test_half_a_line_that_a_crash_left_is_cut_off_by_the_next_recorder_and_left_out_by_a_replay(path, caplog):
    with cs.Circle([cs.Scripted("ana", ["yes"])]) as circle:
        with circle.record(path):
            circle.ask_sync("Is it?")
        whole = path.read_bytes()
        path.write_bytes(whole + whole[:57])
        assert asyncio.run(cs.Recorded(path).answer(Question("Is it?"))).raw == "yes"
        assert "half a line" in caplog.text
        with circle.record(path):
            circle.ask_sync("Is it still?")
    assert [row["question"] for row in rows(path)] == ["Is it?", "Is it still?"]


def test_a_last_line_that_only_lacks_its_end_is_kept(path):
    path.write_text('{"question": "Is it?", "answer": "yes", "expert": "ana"}')
    with cs.Circle([cs.Scripted("ana", ["no"])]) as circle, circle.record(path):
        circle.ask_sync("Is it still?")
    assert [row["answer"] for row in rows(path)] == ["yes", "no"]


def test_several_recorders_of_one_file_lose_and_mix_nothing(path):
    def work(name):
        with Recorder(path, {}) as recorder:
            for number in range(50):
                question = Question(f"{name} {number}")
                recorder.put(question, _said(question, name, "x" * 5000))
                if number % 7 == 0:
                    recorder.flush()

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row["question"] for row in rows(path)) == sorted(
        f"{n} {i}" for n in "abcd" for i in range(50)
    )


def test_half_a_line_that_another_recorder_is_writing_is_not_cut_off(path):
    opened = threading.Event()

    def begin():
        with Recorder(path, {}):
            opened.set()

    with path.open("ab", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(b'{"question": "ha')
        thread = threading.Thread(target=begin)
        thread.start()
        assert not opened.wait(0.2)
        other.write(b'lf"}\n')
        fcntl.flock(other, fcntl.LOCK_UN)
        thread.join()
    assert path.read_bytes() == b'{"question": "half"}\n'


def _said(question, name, answer):
    return cs.Response(
        question_id=question.id,
        expert=name,
        source=cs.models.Source.SCRIPTED,
        outcome=cs.Outcome.ANSWERED,
        answer=answer,
        raw=answer,
    )


def test_a_recording_that_cannot_be_written_says_so_and_carries_what_was_paid_for(tmp_path):
    with cs.Circle([cs.Scripted("ana", ["yes"])]) as circle:
        circle.record("/dev/full")
        with pytest.raises(StoreError, match="/dev/full could not be written") as caught:
            circle.ask_sync("Is it?")
        assert caught.value.verdict.responses[0].answer == "yes"
        circle._recorder._lines.clear()
        with pytest.raises(InvalidInput, match="can be written"):
            circle.record(tmp_path / "no" / "folder.jsonl")


def test_facts_name_model_and_settings(path):
    with cs.Circle(["local:smollm2", cs.Scripted("ana", ["yes"])]) as circle, circle.record(path) as recorder:
        assert recorder._facts["ana"] == Facts("scripted")
        assert recorder._facts["smollm2"].provider


CHILD = """
import sys
import consilience as cs
from consilience.experts.recorder import Recorder
with Recorder(sys.argv[1], {}) as recorder:
    for number in range(100_000):
        question = cs.Question(f"Question {number}")
        said = "x" * 20_000
        recorder.put(question, cs.Response(question_id=question.id, expert="ana", source=cs.models.Source.SCRIPTED,
            outcome=cs.Outcome.ANSWERED, answer=said, raw=said))
        recorder.flush()
        print(number, flush=True)
"""


def test_what_was_written_is_there_after_a_kill(path):
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        told = [int(child.stdout.readline()) for _ in range(40)][-1]
        child.kill()
        told = max([told, *(int(line) for line in child.stdout.read().split())])
    with Recorder(path, {}):
        pass
    kept = [row["question"] for row in rows(path)]
    assert kept[: told + 1] == [f"Question {number}" for number in range(told + 1)]
    assert len(kept) <= told + 2
    assert len(cs.Recorded(path).to_polars()) == len(kept)
