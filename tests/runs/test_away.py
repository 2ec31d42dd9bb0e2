"""A run whose server is killed or hangs: what was asked is kept, nothing is asked twice, and other circles go on."""

import asyncio
import contextlib
import os
import signal
import threading
from pathlib import Path

import pytest

import consilience as cs
from consilience.errors import StoreAway
from consilience.runs import run as runs
from consilience.runs import work
from consilience.store import Store

KIND = cs.Label("yes", "no")
ROWS = 480
KILLED_AT = 40
FRAME = {"id": list(range(ROWS)), "text": [f"row {n}" for n in range(ROWS)]}


@pytest.fixture
def engine():
    return "postgresql"


@pytest.fixture
def killing(postgres):
    """Make an expert that kills the server when it has been asked so many times, and write down whom it was asked."""
    asked = []

    def make(after):
        async def ana(question):
            asked.append(question.text)
            if len(asked) == after:
                await asyncio.to_thread(postgres.kill)
            await asyncio.sleep(0.05)
            return "yes"

        return ana

    make.asked = asked
    yield make
    postgres.start()


def run(expert, where):
    """Run over the frame; what two seconds ask is claimed at once, some 160 rows, and as many while they are asked."""
    with cs.Circle([expert], store=where) as circle:
        made = circle.run(FRAME, "Is it {text}?", answer=KIND, key="id", concurrency=4, progress=False)
        return made.wait_sync()


@pytest.fixture
def company(where):
    """Another run of the same experts, beside which a run reads before it asks; alone it would not."""
    ended = threading.Event()

    async def ana(question):
        await asyncio.to_thread(ended.wait)
        return "yes"

    def beside():
        with cs.Circle([ana], store=where) as circle:
            circle.run({"text": ["other"]}, "Is it {text}?", answer=KIND, progress=False).wait_sync()

    thread = threading.Thread(target=beside)
    thread.start()
    yield
    ended.set()
    thread.join()


def settled(where):
    with Store(where) as store:
        return store.sql(
            "SELECT count(*) AS n, count(DISTINCT digest) AS d FROM cells WHERE state = 'settled'"
        ).row(0)


@pytest.mark.usefixtures("company")
def test_a_run_waits_for_a_server_that_is_started_again(where, killing, postgres):
    again = threading.Timer(3, postgres.start)
    again.start()
    result = run(killing(KILLED_AT), where)
    again.join()
    assert (result.frame.height, result.stopped, result.failed) == (ROWS, "", 0)
    assert len(killing.asked) == len(set(killing.asked)) == ROWS
    assert settled(where) == (ROWS, ROWS)


@pytest.mark.usefixtures("company")
def test_a_run_whose_server_stays_away_ends_with_what_it_asked_kept_and_goes_on_later(
    where, killing, postgres, monkeypatch
):
    monkeypatch.setattr(work, "_AWAY_SECONDS", 0.5)
    with pytest.raises(StoreAway, match="does not answer"):
        run(killing(KILLED_AT), where)
    first = len(killing.asked)
    assert KILLED_AT <= first < ROWS
    postgres.start()
    assert settled(where) == (first, first)
    assert run(killing(-1), where).reused == first
    assert len(killing.asked) == len(set(killing.asked)) == ROWS


@pytest.fixture
def hanging(postgres):
    """Stop every process of the server where it is, until the test ends."""
    stopped = []

    def hang():
        postmaster = int((Path(postgres.server.pgdata) / "postmaster.pid").read_text().split()[0])
        backends = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        stopped.extend([postmaster, *map(int, backends)])
        for process in stopped:
            os.kill(process, signal.SIGSTOP)

    yield hang
    for process in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


def test_a_server_that_hangs_holds_no_other_circle_and_no_run_for_ever(where, hanging, monkeypatch):
    monkeypatch.setattr(runs, "_HANDING_SECONDS", 1.0)

    async def ana(question):
        await asyncio.to_thread(hanging)
        return "yes"

    with (
        cs.Circle([ana], store=where) as circle,
        cs.Circle([cs.Scripted("ben", ["yes"])], deadline=5) as other,
    ):
        run = circle.run({"text": ["a"]}, "Is it {text}?", answer=KIND, progress=False)
        results = []
        thread = threading.Thread(target=lambda: results.append(run.wait_sync()))
        thread.start()
        while thread.is_alive():
            assert other.ask_sync("Is it?", answer=KIND).answer == "yes"
            thread.join(0.1)
        assert [result.frame.height for result in results] == [1]
