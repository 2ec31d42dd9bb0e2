"""What a run looks up while it is alone, and that it sees who comes."""

import asyncio
import subprocess
import sys

import consilience as cs
from consilience.circle import Circle
from consilience.store import Store

RESERVE = """
import asyncio, sys
import consilience as cs


async def ana(question):
    print("reserved", flush=True)
    await asyncio.sleep(600)


frame = {"id": list(range(60)), "text": [str(n) for n in range(60)]}
with cs.Circle([ana], store=sys.argv[1]) as circle:
    run = circle.run(frame, "Is it? {text}", answer=cs.Label("yes", "no"), key="id", concurrency=1, progress=False)
    run.wait_sync()
"""


def prepared(circle, frame, kind, **settings):
    return circle.run(frame, "Is it? {text}", answer=kind, key="id", progress=False, **settings)


def test_what_a_run_that_came_and_went_has_settled_is_not_asked_again(asked, kind, where):
    frame = {"id": list(range(60)), "text": [str(n) for n in range(60)]}
    last = {"id": list(range(40, 60)), "text": [str(n) for n in range(40, 60)]}
    came = []

    others = Store(where, interval=3600)  # what it wrote last waits in the spool when its run ends

    def come():
        came.append(prepared(Circle([asked.expert("ana")], store=others), last, kind).wait_sync())

    async def ana(question):
        asked.count("ana", question)
        if asked.n == 1:  # a few rows are reserved by then, and the last are not
            await asyncio.to_thread(come)
        return "yes"

    with others, Circle([ana], store=where) as circle:
        found = prepared(circle, frame, kind, concurrency=1).wait_sync()
    assert (came[0].asked, found.asked) == (20, 40)
    assert set(asked.calls.values()) == {1}
    assert len(found) == 60


def test_what_an_import_brings_meanwhile_is_not_asked_again(asked, kind, where, tmp_path):
    frame = {"id": list(range(60)), "text": [str(n) for n in range(60)]}
    last = {"id": list(range(40, 60)), "text": [str(n) for n in range(40, 60)]}
    with Store(tmp_path / "elsewhere.duckdb") as elsewhere:
        prepared(Circle([asked.expert("ana")], store=elsewhere), last, kind).wait_sync()
        elsewhere.export(tmp_path / "out")
    asked.calls.clear()

    async def ana(question):
        asked.count("ana", question)
        if asked.n == 1:  # the run has looked up two rows by then, and knows that it is the first
            await asyncio.to_thread(bring)
        return "yes"

    def bring():
        with Store(where) as others:
            others.import_(tmp_path / "out")

    with Circle([ana], store=where) as circle:
        found = prepared(circle, frame, kind, concurrency=1).wait_sync()
    assert (found.asked, found.reused) == (40, 20)
    assert set(asked.calls.values()) == {1}


def test_a_run_alone_looks_up_without_taking_its_rows_into_the_tables(asked, kind, tmp_path):
    frame = {"id": list(range(40)), "text": [str(n) for n in range(40)]}
    waiting = []
    store = Store(tmp_path / "h.duckdb", interval=3600)

    async def ana(question):
        asked.count("ana", question)
        waiting.append(len(store._spool.waiting()))
        return "yes"

    with store, Circle([ana], store=store) as circle:
        with store.watch() as first:
            prepared(circle, frame, kind, concurrency=1).wait_sync()
        with store.watch() as second:
            prepared(
                circle, frame | {"text": [f"again {n}" for n in range(40)]}, kind, concurrency=1
            ).wait_sync()
    assert waiting[:40] == sorted(waiting[:40]), "what was written waits until the end"
    assert waiting[39] > waiting[0]
    assert first.n == 2, "whoever is the first need not look up each batch"
    assert second.n > first.n


def test_what_killed_runs_had_reserved_is_not_read_when_it_is_resumed(asked, kind, tmp_path):
    where = tmp_path / "h.duckdb"
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", RESERVE, str(where)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout.readline() == "reserved\n"
        child.kill()
        child.communicate()
    frame = {"id": list(range(60)), "text": [str(n) for n in range(60)]}
    with Store(where) as store, Circle([asked.expert("ana")], store=store) as circle:
        left = store.sql("SELECT count(*) FROM cells WHERE state = 'reserved'").item()
        with store.watch() as watched:
            found = prepared(circle, frame, kind).wait_sync()
    assert left >= 3
    assert found.asked == 60
    assert not [shape.sql for shape in watched.shapes if "reserved" in shape.sql]


def test_what_a_long_run_wrote_is_in_the_tables_when_it_returns(where):
    rows = 17_000
    frame = {"id": list(range(rows)), "text": [str(n) for n in range(rows)]}
    with Store(where, interval=3600) as store, Circle([cs.Scripted("ana", ["yes"])], store=store) as circle:
        found = prepared(circle, frame, cs.Label("yes", "no")).wait_sync()
        assert not store._spool.waiting()
    assert len(found) == found.answers.height == rows
