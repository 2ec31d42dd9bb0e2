"""Several processes use one store at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from consilience.store import Store

CRASH = Path(__file__).parents[2] / "benchmarks" / "store_crash.py"

WRITER = """
import sys
from consilience.models import Label, Outcome, Question, Response, Source
from consilience.store import Store
from consilience.verdict import decide

store = Store(sys.argv[1], interval=0.05)
for n in range(int(sys.argv[2])):
    question = Question(f"Question {n}?", Label("yes", "no"))
    said = [
        Response(question_id=question.id, expert=e, source=Source.SCRIPTED, outcome=Outcome.ANSWERED, answer="yes")
        for e in "abc"
    ]
    store.record(question, said, decide(question, said))
"""

FORK = """
import os, sys
from consilience.errors import StoreFull
from consilience.models import Question
from consilience.store import Store

store = Store(sys.argv[1], interval=0.05)
store.record(Question("parent, written"), [], None)
write = store._spool.write

def full(data):
    raise StoreFull("no space")

store._spool.write = full
try:
    store.record(Question("parent, pending"), [], None)
except StoreFull:
    pass
store._spool.write = write
child = os.fork()
if child == 0:
    assert "0 rows pending" in repr(store)
    store.record(Question("child"), [], None)
    store.flush()
    store.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
store.record(Question("parent, after"), [], None)
store.close()
"""


def run(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stderr=subprocess.PIPE, text=True
    )


def test_two_writers_and_a_reader_see_whole_questions_and_lose_none(tmp_path):
    path = tmp_path / "history.duckdb"
    writers = [run(WRITER, path, 60) for _ in range(2)]
    seen = 0
    with Store(path) as reader:
        while any(writer.poll() is None for writer in writers):
            frame = reader.latest(500)
            assert frame.height >= seen
            seen = frame.height
            assert frame["verdict_id"].null_count() == 0
            assert set(frame["responses"].list.len()) <= {3}
        errors = [writer.communicate()[1] for writer in writers]
        assert errors == ["", ""]
        assert reader.latest(500).height == 120
        for table, n in (("questions", 120), ("responses", 360), ("verdicts", 120)):
            row = reader.sql(f"SELECT count(*) AS n, count(DISTINCT id) AS ids FROM {table}").row(0)
            assert row == (n, n)


def test_a_forked_child_writes_its_own_rows_and_not_its_parents(tmp_path):
    path = tmp_path / "history.duckdb"
    process = run(FORK, path)
    assert process.communicate()[1] == ""
    assert process.returncode == 0
    with Store(path) as store:
        assert sorted(store.latest()["question"]) == [
            "child",
            "parent, after",
            "parent, pending",
            "parent, written",
        ]


@pytest.mark.slow
def test_kill_9_at_random_moments_loses_nothing_and_doubles_nothing(tmp_path):
    command = [sys.executable, str(CRASH), "--kills", "10", "--folder", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["kills"] == 10
    assert figures["acknowledged"] > 10
    assert (figures["lost"], figures["doubled"], figures["torn"], figures["unreadable"]) == (0, 0, 0, 0)
