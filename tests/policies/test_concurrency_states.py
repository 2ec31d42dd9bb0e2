"""A bulkhead in any order of events does what a slow, obvious model of it does."""

import asyncio
import contextvars

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consilience.errors import QueueFull
from consilience.policies import Bulkhead, Priority

QUEUE = 4


class BulkheadMachine(RuleBasedStateMachine):
    """The model is two lists: who runs, and who waits with its priority."""

    @initialize(limit=st.integers(1, 3))
    def start(self, limit):
        self.loop = asyncio.new_event_loop()
        self.limit, self.holds = limit, 0
        self.bulkhead = Bulkhead(limit, queue=QUEUE)
        self.running, self.waiting = [], []
        self.tasks, self.ends, self.admitted = {}, {}, []
        self.number = 0

    def turn(self):
        for _ in range(6):
            self.loop.run_until_complete(asyncio.sleep(0))

    def room(self):
        return 0 if self.holds else self.limit

    def fill(self):
        while self.waiting and len(self.running) < self.room():
            first = min(self.waiting, key=lambda waiter: waiter[1])
            self.waiting.remove(first)
            self.running.append(first[0])

    async def one(self, name, priority):
        permit = await self.bulkhead.acquire(priority)
        self.admitted.append(name)
        try:
            await self.ends[name].wait()
        finally:
            permit.release()

    @rule(priority=st.sampled_from(list(Priority)))
    def call(self, priority):
        name = self.number = self.number + 1
        self.ends[name] = asyncio.Event()
        task = self.loop.create_task(self.one(name, priority), context=contextvars.Context())
        self.turn()
        if len(self.running) < self.room():
            self.running.append(name)
        elif len(self.waiting) < QUEUE:
            self.waiting.append((name, priority))
        else:
            assert isinstance(task.exception(), QueueFull)
            return
        self.tasks[name] = task

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data):
        name = data.draw(st.sampled_from(self.running))
        self.ends[name].set()
        self.running.remove(name)
        self.fill()

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def cancel(self, data):
        self.tasks[data.draw(st.sampled_from(sorted(self.tasks)))].cancel()
        # whoever has ended already is not harmed
        self.running = [name for name in self.running if not self.tasks[name].cancelling()]
        self.waiting = [waiter for waiter in self.waiting if not self.tasks[waiter[0]].cancelling()]
        self.fill()

    @precondition(lambda self: self.running and self.waiting)
    @rule()
    def end_and_cancel_who_is_called_up_in_the_same_turn(self):
        self.ends[self.running.pop(0)].set()
        first = min(self.waiting, key=lambda waiter: waiter[1])
        self.loop.run_until_complete(asyncio.sleep(0))
        self.tasks[first[0]].cancel()
        self.waiting.remove(first)
        self.fill()

    @rule(limit=st.integers(1, 4))
    def set_limit(self, limit):
        self.bulkhead.limit = self.limit = limit
        self.fill()

    @rule(on=st.booleans())
    def hold(self, on):
        if on:
            self.bulkhead.hold()
            self.holds += 1
        else:
            self.bulkhead.resume()
            self.holds = max(0, self.holds - 1)
        self.fill()

    @invariant()
    def agrees(self):
        if not hasattr(self, "loop"):
            return
        self.turn()
        assert self.bulkhead.running == len(self.running)
        assert self.bulkhead.waiting == len(self.waiting)
        assert set(self.running) <= set(self.admitted)
        assert not {name for name, _ in self.waiting} & set(self.admitted)

    def teardown(self):
        if not hasattr(self, "loop"):
            return
        for task in self.tasks.values():
            task.cancel()
        self.turn()
        self.turn()
        self.loop.close()
        assert (self.bulkhead.running, self.bulkhead.waiting) == (0, 0)


class TestBulkhead(BulkheadMachine.TestCase):
    settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
