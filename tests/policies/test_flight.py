"""Single-flight: one run for all who ask, whoever of them leaves."""

import asyncio
import threading

import pytest

from consilience.errors import DeadlineExceeded, NestedAcquire
from consilience.policies import SingleFlight, deadline, remaining


class Work:
    def __init__(self):
        self.runs = self.stopped = 0
        self.gate = None

    async def __call__(self, answer="answer"):
        self.runs += 1
        self.gate = self.gate or asyncio.Event()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return answer


@pytest.fixture
def work():
    return Work()


async def turn():
    for _ in range(5):
        await asyncio.sleep(0)


def test_when_everybody_leaves_the_work_stops(work):
    async def story():
        flight = SingleFlight()
        tasks = [asyncio.create_task(flight("key", work)) for _ in range(5)]
        await turn()
        for task in tasks:
            task.cancel()
        await turn()
        assert (work.runs, work.stopped, flight.n_running) == (1, 1, 0)

    asyncio.run(story())


def test_who_comes_after_everybody_left_starts_anew(work):
    async def story():
        flight = SingleFlight()
        task = asyncio.create_task(flight("key", work))
        await turn()
        task.cancel()
        again = asyncio.create_task(flight("key", work))
        await turn()
        work.gate.set()
        assert await again == "answer"
        assert work.runs == 2

    asyncio.run(story())


def test_an_error_reaches_everybody_and_is_not_kept(work):
    async def story():
        flight = SingleFlight()

        async def fails():
            await asyncio.sleep(0)
            raise ConnectionError("reset")

        results = await asyncio.gather(*(flight("key", fails) for _ in range(5)), return_exceptions=True)
        assert [str(result) for result in results] == ["reset"] * 5
        work.gate = asyncio.Event()
        work.gate.set()
        assert await flight("key", work) == "answer"

    asyncio.run(story())


def test_different_keys_run_beside_each_other(work):
    async def story():
        flight = SingleFlight()
        tasks = [asyncio.create_task(flight(key, work, key)) for key in "ab"]
        await turn()
        assert flight.n_running == 2
        work.gate.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(story()) == ["a", "b"]


def test_the_deadline_of_one_caller_does_not_end_the_work_of_the_others(work, clock):
    async def hurried(flight):
        with deadline(5, clock=clock):
            return await flight("key", checked)

    async def checked():
        assert remaining(clock) == float("inf")
        return await work()

    async def story():
        flight = SingleFlight(clock=clock)
        leader = asyncio.create_task(hurried(flight))
        await turn()
        follower = asyncio.create_task(flight("key", checked))
        await clock.run_for(5)
        with pytest.raises(DeadlineExceeded):
            await leader
        work.gate.set()
        assert await follower == "answer"
        assert work.runs == 1

    asyncio.run(story())


def test_callers_on_several_loops_share_one_run():
    flight, runs, started = SingleFlight(), [], threading.Barrier(4)
    release = threading.Event()

    async def work():
        runs.append(1)
        while not release.is_set():
            await turn()
        return "answer"

    results = []

    def caller():
        started.wait()
        results.append(asyncio.run(flight("key", work)))

    threads = [threading.Thread(target=caller) for _ in range(4)]
    for thread in threads:
        thread.start()
    while not flight._flights or len(flight._flights["key"].waiters) < 4:
        pass
    release.set()
    for thread in threads:
        thread.join()
    assert (results, len(runs)) == (["answer"] * 4, 1)


def test_when_the_loop_of_the_work_ends_those_elsewhere_run_it_once_more():
    flight, runs, joined = SingleFlight(), [], threading.Event()

    async def work():
        runs.append(threading.get_ident())
        while len(runs) < 2:
            await turn()
        return "answer"

    async def leads_and_leaves():
        task = asyncio.create_task(flight("key", work))
        while not joined.is_set() or len(flight._flights["key"].waiters) < 2:
            await turn()
        del task

    def first():
        asyncio.run(leads_and_leaves())

    thread = threading.Thread(target=first)
    thread.start()
    while not runs:
        pass
    joined.set()
    assert asyncio.run(flight("key", work)) == "answer"
    thread.join()
    assert len(runs) == 2


def test_a_call_that_asks_for_itself_fails_at_once():
    async def story():
        flight = SingleFlight()

        async def again():
            return await flight("key", again)

        with pytest.raises(NestedAcquire, match="'key' asks for itself"):
            await flight("key", again)

    asyncio.run(story())


def test_work_that_cancels_itself_cancels_its_callers():
    async def story():
        async def gives_up():
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await SingleFlight()("key", gives_up)

    asyncio.run(story())
