"""The batcher: when it flushes, what happens when that fails, and when it is full."""

import asyncio
import subprocess
import sys
import threading

import numpy as np
import pytest

from consilience.errors import CallError, DeadlineExceeded, InvalidInput, LoopError, QueueFull
from consilience.loop import background
from consilience.policies import Batcher, BatchFailed, BatchFlushed, Events, deadline


class Sink:
    """A flush that keeps what it gets, fails when told to, and can be held."""

    def __init__(self):
        self.batches = []
        self.failures = 0
        self.calls = 0
        self.gate = None

    async def __call__(self, items):
        self.calls += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the sink is away")
        self.batches.append(items)


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def told():
    return []


@pytest.fixture
def make(sink, clock, told):
    events = Events()
    events.subscribe(told.append)
    made = []

    async def flush(items):
        return await sink(items)

    def build(**settings):
        settings = {"full": "wait", "size": 3, "interval": 10, "draw": lambda: 1.0} | settings
        batcher = Batcher(flush, clock=clock, events=events, **settings)
        made.append(batcher)
        return batcher

    yield build
    sink.failures, sink.gate = 0, None
    for batcher in made:
        batcher.close()


def on_loop(story):
    """Run a story on the background loop, where a batcher and its clock live."""
    return background.wait_sync(story)


def test_a_batch_goes_when_there_is_enough_before_the_interval(make, sink, clock):
    async def story():
        batcher = make()
        for number in range(7):
            await batcher.put(number)
        await clock.run_for(0)
        assert sink.batches == [[0, 1, 2], [3, 4, 5]]
        assert batcher.pending == 1

    on_loop(story())


def test_a_batch_goes_when_its_oldest_item_has_waited_the_interval(make, sink, clock):
    async def story():
        batcher = make()
        await batcher.put("a")
        await clock.run_for(6)
        await batcher.put("b")
        await clock.run_for(3.9)
        assert sink.batches == []
        await clock.run_for(0.1)
        assert sink.batches == [["a", "b"]]
        await batcher.put("c")
        await clock.run_for(9.9)
        assert sink.batches == [["a", "b"]]
        await clock.run_for(0.1)
        assert sink.batches == [["a", "b"], ["c"]]

    on_loop(story())


def test_an_item_that_came_during_a_flush_waits_no_longer_than_the_interval(make, sink, clock):
    async def story():
        sink.gate = asyncio.Event()
        batcher = make(size=2)
        await batcher.put(1)
        await batcher.put(2)
        await clock.run_for(0)
        await batcher.put(3)
        await clock.run_for(8)
        sink.gate.set()
        await clock.run_for(2)
        assert sink.batches == [[1, 2], [3]]

    on_loop(story())


def test_a_failed_flush_is_tried_again_with_growing_waits_and_loses_nothing(make, sink, clock, told):
    async def story():
        sink.failures = 4
        batcher = make(first=1, longest=5)
        for number in range(4):
            await batcher.put(number)
        calls = []
        for _ in range(14):
            await clock.run_for(1)
            calls.append(sink.calls)
        assert calls == [2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 6, 6, 6]
        assert sink.batches == [[0, 1, 2], [3]]

    on_loop(story())
    failed = [event for event in told if isinstance(event, BatchFailed)]
    assert [(event.attempt, event.delay, event.items) for event in failed] == [
        (1, 1, 3),
        (2, 2, 3),
        (3, 4, 3),
        (4, 5, 3),
    ]
    assert failed[0].reason == "ConnectionError: the sink is away"
    assert [event.items for event in told if isinstance(event, BatchFlushed)] == [3, 1]


def test_an_item_that_comes_when_it_is_full_is_refused_if_it_was_so_chosen(make, sink, clock):
    async def story():
        sink.failures = 1000
        batcher = make(full="raise", capacity=4)
        for number in range(4):
            await batcher.put(number)
        await clock.run_for(5)
        with pytest.raises(
            QueueFull, match="4 items wait to be flushed by 'batcher', and more than 4 may not"
        ):
            await batcher.put("one too many")
        with pytest.raises(QueueFull):
            batcher.put_sync("one too many")
        sink.failures = 0
        await clock.run_for(60)
        assert sink.batches == [[0, 1, 2], [3]]

    on_loop(story())


def test_an_item_that_comes_when_it_is_full_waits_for_room_if_it_was_so_chosen(make, sink, clock):
    async def story():
        sink.gate = asyncio.Event()
        batcher = make(full="wait", capacity=3)
        for number in range(3):
            await batcher.put(number)
        waiting = [asyncio.create_task(batcher.put(number)) for number in (3, 4)]
        await clock.run_for(1)
        assert not any(task.done() for task in waiting)
        waiting[0].cancel()
        with pytest.raises(LoopError, match="would wait for itself"):
            batcher.put_sync("on the loop itself")
        sink.gate.set()
        await clock.run_for(0)
        await waiting[1]
        await clock.run_for(10)
        assert sink.batches == [[0, 1, 2], [4]]

    on_loop(story())


def test_a_thread_that_comes_when_it_is_full_waits_too():
    gate, written = threading.Event(), []

    def flush(items):
        gate.wait(10)
        written.extend(items)

    with Batcher(flush, full="wait", size=2, capacity=2) as batcher:
        threads = [threading.Thread(target=batcher.put_sync, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        assert batcher.pending <= 2
        gate.set()
        for thread in threads:
            thread.join()
    assert sorted(written) == list(range(20))


def test_items_of_many_threads_arrive_each_once_and_in_their_own_order():
    written = []

    def work(batcher, thread):
        for number in range(500):
            batcher.put_sync((thread, number))

    with Batcher(written.append, full="wait", size=37, interval=0.001, capacity=100) as batcher:
        threads = [threading.Thread(target=work, args=(batcher, thread)) for thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    flat = [item for batch in written for item in batch]
    assert len(flat) == 2000
    for thread in range(4):
        assert [number for who, number in flat if who == thread] == list(range(500))
    assert max(map(len, written)) <= 37


def test_closing_flushes_what_is_left_and_takes_no_more(make, sink, clock):
    async def story():
        async with make(size=100, capacity=100) as batcher:
            await batcher.put(1)
        assert sink.batches == [[1]]
        with pytest.raises(CallError, match="takes no more items"):
            await batcher.put(2)
        await batcher.aclose()

    on_loop(story())


def test_closing_while_it_fails_raises_and_keeps_the_items_for_another_try(make, sink, clock):
    async def story():
        sink.failures = 3
        batcher = make()
        await batcher.put(1)
        with pytest.raises(ConnectionError, match="the sink is away") as caught:
            await batcher.aclose()
        assert "still holds what it could not flush" in caught.value.__notes__[0]
        assert batcher.pending == 1
        await batcher.aclose()
        assert batcher.pending == 0
        assert sink.batches == [[1]]

    on_loop(story())


def test_closing_ends_the_wait_after_a_failure(make, sink, clock):
    async def story():
        sink.failures = 1
        batcher = make(size=1, first=1000, longest=1000)
        await batcher.put(1)
        await clock.run_for(1)
        await batcher.aclose()
        assert sink.batches == [[1]]

    on_loop(story())


def test_who_waits_for_room_hears_that_it_was_closed(make, sink, clock):
    async def story():
        sink.gate = asyncio.Event()
        batcher = make(capacity=3)
        for number in range(3):
            await batcher.put(number)
        waiting = asyncio.create_task(batcher.put(3))
        await clock.run_for(0)
        closing = asyncio.create_task(batcher.aclose())
        await clock.run_for(0)
        with pytest.raises(CallError, match="takes no more"):
            await waiting
        sink.gate.set()
        await closing
        assert sink.batches == [[0, 1, 2]]

    on_loop(story())


@pytest.mark.parametrize("as_array", [False, True])
def test_who_asks_gets_the_result_for_its_item(as_array):
    calls = []

    def embed(texts):
        calls.append(texts)
        vectors = [[len(text)] for text in texts]
        return np.array(vectors) if as_array else vectors

    async def story():
        async with Batcher(embed, full="wait", size=4, interval=0.001) as batcher:
            return await asyncio.gather(*(batcher.ask("x" * n) for n in range(8)))

    assert [vector[0] for vector in asyncio.run(story())] == list(range(8))
    assert len(calls) < 8


def test_a_flush_that_returns_too_few_results_says_so_to_who_asks(make):
    async def story():
        batcher = make(size=2)
        await batcher.put("not asking")
        with pytest.raises(InvalidInput, match="one result for each of 2 items .* 0 came"):
            await batcher.ask("asking")

    on_loop(story())


def test_who_asks_waits_no_longer_than_its_deadline_and_the_item_goes_all_the_same(make, sink, clock):
    async def story():
        batcher = make()

        async def asking():
            with deadline(5, clock=clock):
                await batcher.ask("item")

        task = asyncio.create_task(asking())
        await clock.run_for(10)
        with pytest.raises(DeadlineExceeded):
            await task
        assert sink.batches == [["item"]]

    on_loop(story())


def test_a_cancelled_loop_loses_nothing():
    written = []
    batcher = Batcher(written.append, full="wait", interval=1000)
    batcher.put_sync(1)
    background.close()
    assert batcher.pending == 1
    batcher.put_sync(2)
    batcher.close()
    assert written == [[1, 2]]


def test_what_is_left_is_flushed_when_the_process_ends():
    code = (
        "from consilience.policies import Batcher\n"
        "batcher = Batcher(lambda items: print(items, flush=True), full='wait', interval=1000)\n"
        "batcher.put_sync('one'); batcher.put_sync('two')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("['one', 'two']\n", "")


def test_what_cannot_be_flushed_when_the_process_ends_is_said():
    code = (
        "from consilience.policies import Batcher\n"
        "batcher = Batcher(lambda items: 1 / 0, full='wait', interval=1000, name='metrics')\n"
        "batcher.put_sync('one')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "<Batcher 'metrics': 1 of 10000 items wait, closed> lost its items" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_a_forked_child_leaves_the_items_to_its_parent():
    code = (
        "import os\n"
        "from consilience.policies import Batcher\n"
        "batcher = Batcher(lambda items: print(items, flush=True), full='wait', interval=1000)\n"
        "batcher.put_sync('of the parent')\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    batcher.put_sync('of the child')\n"
        "else:\n"
        "    os.waitpid(child, 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert sorted(done.stdout.splitlines()) == ["['of the child']", "['of the parent']"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 0}, "1 <= size <= capacity"),
        ({"size": 5, "capacity": 4}, "1 <= size <= capacity"),
        ({"interval": 0}, "seconds above 0"),
        ({"full": "drop"}, "'wait' or 'raise', 'drop' came"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(InvalidInput, match=message):
        Batcher(print, **({"full": "wait"} | settings))
