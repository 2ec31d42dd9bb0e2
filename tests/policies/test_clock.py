"""Clocks: what is due happens once, in order, on the loop that asked."""

import asyncio
import threading

import pytest

from consilience.errors import InvalidInput
from consilience.policies import ManualClock, SystemClock, Timer
from consilience.policies.waiting import Countdown


class Note(Timer):
    def __init__(self, name, notes):
        self.name, self.notes = name, notes

    def expire(self):
        self.notes.append((self.name, threading.get_ident()))


def names(notes):
    return [name for name, _ in notes]


def test_a_manual_clock_wakes_in_the_order_of_the_moments():
    clock, notes = ManualClock(), []

    async def story():
        for name, seconds in (("late", 3), ("early", 1), ("middle", 2)):
            clock.start(Note(name, notes), seconds)
        clock.advance(2)
        await asyncio.sleep(0)
        assert names(notes) == ["early", "middle"]
        assert clock.n_waiting == 1

    asyncio.run(story())
    assert clock.monotonic() == 2


def test_a_task_that_sleeps_again_within_the_same_run_is_woken_again():
    clock, seen = ManualClock(), []

    async def ticks():
        while True:
            await clock.sleep(10)
            seen.append(clock.monotonic())

    async def story():
        task = asyncio.create_task(ticks())
        await clock.run_for(35)
        task.cancel()

    asyncio.run(story())
    assert seen == [10, 20, 30]
    assert clock.n_waiting == 0


def test_a_manual_clock_refuses_to_go_back():
    with pytest.raises(InvalidInput, match="moves forward"):
        ManualClock().advance(-1)


def test_a_sleeper_of_another_thread_is_woken_on_its_own_loop():
    clock, woken = ManualClock(), []

    async def doze():
        await clock.sleep(5)
        woken.append(threading.get_ident())

    thread = threading.Thread(target=lambda: asyncio.run(doze()))
    thread.start()
    while not clock.n_waiting:
        pass
    clock.advance(5)
    thread.join()
    assert woken == [thread.ident]


def test_a_sleeper_whose_loop_was_closed_harms_nobody():
    clock, notes = ManualClock(), []

    async def story():
        clock.start(Note("lost", notes), 1)

    asyncio.run(story())
    clock.advance(1)
    assert notes == []


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("make", [SystemClock, ManualClock])
def test_a_stopped_timer_does_not_expire_and_the_others_do(make, shared):
    clock, notes = make(), []

    async def story():
        timers = [Note(number, notes) for number in range(3)]
        for timer in timers:
            clock.start(timer, 0.001, shared=shared)
        clock.stop(timers[0])
        while len(notes) < 2:
            if isinstance(clock, ManualClock):
                clock.advance(0.001)
            await clock.sleep(0)
        clock.stop(timers[1])

    asyncio.run(story())
    assert names(notes) == [1, 2]


def test_timers_of_the_system_clock_expire_at_their_own_moments():
    clock, notes = SystemClock(), []

    async def story():
        for name, seconds in (("second", 0.002), ("first", 0.001), ("second too", 0.002)):
            clock.start(Note(name, notes), seconds)
        while len(notes) < 3:
            await clock.sleep(0)

    asyncio.run(story())
    assert names(notes) == ["first", "second", "second too"]


def test_the_system_clock_works_on_three_loops_in_a_row():
    clock, notes = SystemClock(), []

    async def story(number):
        clock.start(Note(number, notes), 0.001)
        while len(notes) <= number:
            await clock.sleep(0)

    for number in range(3):
        asyncio.run(story(number))
    assert names(notes) == [0, 1, 2]


def test_a_timer_that_is_stopped_before_its_loop_comes_to_it_does_not_expire():
    clock, notes = ManualClock(), []

    async def story():
        timer = Note("stopped", notes)
        clock.start(timer, 1)
        clock.advance(1)
        clock.stop(timer)
        await asyncio.sleep(0)

    asyncio.run(story())
    assert notes == []


@pytest.mark.parametrize(("lengths", "seconds", "in_time"), [((0, 0), 60, True), ((0, 60), 0.05, False)])
def test_a_countdown_ends_with_the_last_task_or_with_their_time(lengths, seconds, in_time):
    async def story():
        tasks = [asyncio.create_task(asyncio.sleep(length)) for length in lengths]
        await Countdown(tasks).over(seconds)
        ended = [task.done() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return all(ended)

    assert asyncio.run(story()) is in_time


def test_a_task_that_is_cancelled_before_its_first_turn_is_counted():
    async def story():
        task = asyncio.create_task(asyncio.sleep(60))
        countdown = Countdown([task])
        task.cancel()
        await countdown.over(60)
        return task.cancelled()

    assert asyncio.run(story())


def test_a_countdown_whose_waiter_is_cancelled_leaves_no_timer():
    async def story():
        work = asyncio.create_task(asyncio.sleep(60))
        countdown = Countdown([work])
        task = asyncio.create_task(countdown.over(60))
        await asyncio.sleep(0)
        assert countdown in countdown.slot.timers
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert countdown not in countdown.slot.timers
        work.cancel()

    asyncio.run(story())
