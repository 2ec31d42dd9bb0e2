"""One thread for what is called again and again."""

import asyncio
import gc
import threading
import time

import pytest

from consilience.loop import Lane


def test_calls_run_in_one_thread_in_their_order():
    seen = []

    def note(n):
        seen.append(n)
        return threading.current_thread().name

    async def story():
        lane = Lane("consilience-test")
        return await asyncio.gather(*(lane.call(note, n) for n in range(20)))

    assert asyncio.run(story()) == ["consilience-test"] * 20
    assert seen == list(range(20))


def test_what_a_call_raises_reaches_its_caller_and_the_next_one_runs():
    async def story():
        lane = Lane("consilience-test")
        with pytest.raises(ZeroDivisionError):
            await lane.call(lambda: 1 / 0)
        with pytest.raises(RuntimeError, match="next raised StopIteration"):
            await lane.call(next, iter(()))
        return await lane.call(int, "7")

    assert asyncio.run(story()) == 7


def test_what_was_begun_runs_on_when_its_caller_is_cancelled():
    gate, done = threading.Event(), threading.Event()

    def work():
        gate.wait(60)
        done.set()

    async def story():
        task = asyncio.ensure_future(Lane("consilience-test").call(work))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    gate.set()
    assert done.wait(60)


def test_the_thread_ends_with_the_lane():
    lane = Lane("consilience-test-end")
    asyncio.run(lane.call(int, "1"))
    (thread,) = [each for each in threading.enumerate() if each.name == "consilience-test-end"]
    del lane
    gc.collect()
    thread.join(60)
    assert not thread.is_alive()


def test_a_result_is_let_go_before_the_next_call_comes():
    class Big:
        gone = threading.Event()

        def __del__(self):
            self.gone.set()

    lane = Lane("consilience-test")

    async def story():
        await lane.call(id, Big())

    asyncio.run(story())
    deadline = time.monotonic() + 60
    while not Big.gone.is_set():
        gc.collect()
        assert time.monotonic() < deadline
