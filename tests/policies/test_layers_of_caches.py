"""Memory over tiers: who is asked, who is filled, and what an invalidation does to what is under way."""

import asyncio

import pytest

from consilience.errors import InvalidInput
from consilience.policies import Cache, Kept, ManualClock, cached


class Shelf:
    """A tier in memory that counts what it is asked, and can be made to wait."""

    def __init__(self, **held):
        self.held = {key: Kept(value, float("inf")) for key, value in held.items()}
        self.asked = []
        self.degraded = False
        self.listener = None
        self.gate = None
        self.reading, self.writing = asyncio.Event(), asyncio.Event()

    async def get(self, key):
        self.asked.append(key)
        self.reading.set()
        found = self.held.get(key)
        if self.gate is not None:
            await self.gate.wait()
        return found

    async def put(self, key, value, seconds):
        self.writing.set()
        if self.gate is not None:
            await self.gate.wait()
        self.held[key] = Kept(value, seconds)

    async def remove(self, key):
        self.held.pop(key, None)

    def subscribe(self, listener):
        self.listener = listener


@pytest.fixture
def name():
    yield "a layered test"
    Cache.forget("a layered test")


def key(prompt):
    return f'["a layered test", {{"$tuple": ["{prompt}"]}}]'


@pytest.fixture(params=["plain", "coroutine"])
def make(request, name):
    """Make a cached function over tiers that counts its runs."""

    def build(*tiers, answer="computed", **settings):
        runs = []
        if request.param == "plain":

            @cached(name=name, tiers=tiers, **settings)
            def ask(prompt):
                runs.append(prompt)
                return answer

            return ask, ask.invalidate, runs, ask

        @cached(name=name, tiers=tiers, **settings)
        async def ask_later(prompt):
            runs.append(prompt)
            return answer

        def call(prompt):
            return asyncio.run(ask_later(prompt))

        return call, lambda prompt: asyncio.run(ask_later.invalidate(prompt)), runs, ask_later

    return build


@pytest.mark.parametrize("value", [None, 0, "", "told"])
def test_what_a_tier_holds_is_not_computed_and_goes_to_the_layers_above(make, value):
    near, far = Shelf(), Shelf(**{key("a"): value})
    ask, _, runs, function = make(near, far)
    assert [ask("a"), ask("a")] == [value, value]
    assert runs == []
    assert near.held == far.held
    assert near.asked == far.asked == [key("a")]
    assert function.cache.stats().hits == 1


def test_what_was_computed_goes_to_every_layer_with_its_ttl(make):
    near, far = Shelf(), Shelf()
    ask, _, runs, _ = make(near, far, ttl=60)
    assert [ask("a"), ask("a")] == ["computed", "computed"]
    assert runs == ["a"]
    assert near.held == far.held == {key("a"): Kept("computed", 60)}


def test_what_is_left_of_its_time_in_a_tier_is_what_it_has_in_memory(make):
    clock, shelf = ManualClock(), Shelf()
    shelf.held[key("a")] = Kept("told", 10)
    ask, _, runs, _ = make(shelf, ttl=60, clock=clock)
    assert ask("a") == "told"
    shelf.held.clear()
    clock.advance(10)
    assert ask("a") == "computed"
    assert runs == ["a"]


def test_an_invalidation_reaches_every_layer(make):
    near, far = Shelf(), Shelf()
    ask, invalidate, runs, function = make(near, far)
    ask("a")
    invalidate("a")
    assert near.held == far.held == {}
    assert len(function.cache) == 0
    ask("a")
    assert runs == ["a", "a"]


def test_a_change_elsewhere_drops_the_copy_in_memory(make):
    shelf = Shelf()
    ask, _, _, function = make(shelf)
    ask("a"), ask("b")
    shelf.listener(key("a"))
    assert list(function.cache) == [key("b")]
    shelf.listener(None)
    assert list(function.cache) == []


def test_a_degraded_tier_shows(make):
    shelf = Shelf()
    _, _, _, function = make(shelf)
    assert not function.layers.degraded
    shelf.degraded = True
    assert function.layers.degraded


def test_a_cell_that_is_run_again_reads_the_tiers_anew(make):
    shelf = Shelf()
    ask, _, _, _ = make(shelf)
    ask("a")
    shelf.held[key("a")] = Kept("changed while nobody listened", float("inf"))
    again, _, _, _ = make(shelf)
    assert again("a") == "changed while nobody listened"


def test_arguments_that_have_no_text_are_refused_with_what_to_do(make):
    ask, _, _, _ = make(Shelf())
    with pytest.raises(InvalidInput, match="a object came"):
        ask(object())


@pytest.mark.parametrize("told", [key("a"), None])
def test_a_value_that_was_read_before_a_change_elsewhere_is_given_and_not_kept(name, told):
    from consilience.loop import background

    async def story():
        shelf = Shelf(**{key("a"): "old"})
        shelf.gate = asyncio.Event()

        @cached(name=name, tiers=[shelf])
        async def ask(prompt):
            return "computed"

        reading = asyncio.create_task(ask("a"))
        await shelf.reading.wait()
        shelf.listener(told)
        shelf.gate.set()
        return await reading, len(ask.cache)

    assert background.wait_sync(story()) == ("old", 0)


def test_a_value_that_arrives_in_a_tier_after_its_invalidation_is_taken_out_again(name):
    from consilience.loop import background

    async def story():
        shelf = Shelf()

        @cached(name=name, tiers=[shelf])
        async def ask(prompt):
            shelf.gate = asyncio.Event()
            return "computed"

        writing = asyncio.create_task(ask("a"))
        await shelf.writing.wait()
        await ask.invalidate("a")
        shelf.gate.set()
        return await writing, shelf.held, len(ask.cache)

    assert background.wait_sync(story()) == ("computed", {}, 0)
