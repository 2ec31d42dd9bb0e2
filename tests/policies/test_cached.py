"""Functions whose answers are kept: one run for many callers, errors, invalidation, cells that are run again."""

import asyncio
import functools
import gc
import threading

import pytest

from consilience.errors import InvalidInput, NestedAcquire, RateLimited
from consilience.policies import Cache, ManualClock, cached


class HttpError(Exception):
    def __init__(self, status_code, *, request=None):
        super().__init__(f"status {status_code}")
        self.status_code = status_code
        self.request = request


class Counted:
    """A function that counts its runs, in both forms."""

    def __init__(self, answer="answer"):
        self.runs = 0
        self.answer = answer

    def plain(self):
        def ask(*args, **kwargs):
            self.runs += 1
            if isinstance(self.answer, BaseException):
                raise self.answer
            return self.answer

        return ask

    def coroutine(self):
        inner = self.plain()

        async def ask(*args, **kwargs):
            await asyncio.sleep(0)
            return inner(*args, **kwargs)

        return ask


class Plain:
    @staticmethod
    def make(counted, **settings):
        return cached(**settings)(counted.plain())

    @staticmethod
    def run(call):
        return call


class Awaited:
    @staticmethod
    def make(counted, **settings):
        function = cached(**settings)(counted.coroutine())

        def call(*args, **kwargs):
            return asyncio.run(function(*args, **kwargs))

        call.invalidate = lambda *args: asyncio.run(function.invalidate(*args))
        call.cache = function.cache
        return call


@pytest.fixture(params=[Plain, Awaited], ids=["plain", "coroutine"])
def make(request):
    return request.param.make


@pytest.fixture
def clock():
    return ManualClock()


def test_an_answer_is_kept_until_it_expires(make, clock):
    counted = Counted()
    ask = make(counted, ttl=60, clock=clock)
    assert [ask("a"), ask("a"), ask("b")] == ["answer"] * 3
    assert counted.runs == 2
    clock.advance(60)
    ask("a")
    assert counted.runs == 3
    assert ask.cache.stats().hits == 1


@pytest.mark.parametrize("value", [None, 0, "", False, ()])
def test_none_and_falsy_answers_are_cached_like_any_other(make, value):
    counted = Counted(value)
    ask = make(counted)
    assert [ask("a"), ask("a")] == [value, value]
    assert counted.runs == 1


def test_an_invalidated_answer_is_asked_for_again(make):
    counted = Counted()
    ask = make(counted)
    ask("a"), ask("b")
    ask.invalidate("a")
    ask("a"), ask("b")
    assert counted.runs == 3


def test_a_key_of_the_caller_says_what_makes_calls_equal(make):
    counted = Counted()
    ask = make(counted, key=lambda prompt, **_: prompt.lower())
    ask("A", session={}), ask("a", session=[])
    assert counted.runs == 1


def test_arguments_without_a_hash_are_refused_with_what_to_do(make):
    ask = make(Counted())
    with pytest.raises(InvalidInput, match=r"no hash .* give cached\(key=...\)"):
        ask(["a list"])


def test_a_type_error_of_the_function_is_its_own(make):
    ask = make(Counted(TypeError("of the function")))
    with pytest.raises(TypeError, match="of the function"):
        ask("a")


def test_equal_calls_are_equal_however_their_arguments_are_passed():
    runs = []

    @cached
    def ask(prompt, temperature=0.0, *, seed=1):
        runs.append((prompt, temperature, seed))
        return prompt

    ask("a"), ask("a", 0.0), ask(temperature=0.0, prompt="a"), ask("a", seed=1)
    assert len(runs) == 1
    ask("a", 0.5), ask("a", seed=2), ask("b")
    assert len(runs) == 4
    ask.invalidate(prompt="a")
    ask("a")
    assert len(runs) == 5
    with pytest.raises(TypeError, match="prompt"):
        ask()


def test_positional_and_named_arguments_do_not_run_into_each_other():
    @cached
    def ask(*args, **kwargs):
        return args, kwargs

    calls = [ask("a", b=1), ask("a", ("b", 1)), ask(("a",), (("b", 1),)), ask("a")]
    assert len({repr(call) for call in calls}) == 4


@pytest.mark.parametrize("status", [404, 410])
def test_not_found_errors_are_kept_briefly(make, clock, status):
    counted = Counted(HttpError(status, request="kept"))
    ask = make(counted, clock=clock)
    for _ in range(3):
        with pytest.raises(HttpError, match=f"status {status}") as caught:
            ask("a")
        assert (caught.value.status_code, caught.value.request) == (status, "kept")
    assert counted.runs == 1
    assert len(ask.cache) == 0
    clock.advance(10)
    with pytest.raises(HttpError):
        ask("a")
    assert counted.runs == 2
    ask.invalidate("a")
    with pytest.raises(HttpError):
        ask("a")
    assert counted.runs == 3


def test_an_error_that_is_raised_again_carries_no_frames_of_the_first_time(make):
    ask = make(Counted(HttpError(404)))
    lengths = set()
    for _ in range(4):
        with pytest.raises(HttpError) as caught:
            ask("a")
        lengths.add(len(caught.traceback))
        assert caught.value.__context__ is None
    assert len(lengths) <= 2


@pytest.mark.parametrize(
    "error",
    [
        HttpError(429),
        HttpError(500),
        HttpError(503),
        HttpError(408),
        TimeoutError(),
        ConnectionResetError(),
        RateLimited("too fast"),
        asyncio.CancelledError(),
        KeyboardInterrupt(),
        ValueError("of the caller"),
    ],
    ids=repr,
)
def test_throttling_server_errors_timeouts_and_cancellations_are_never_kept(make, error):
    counted = Counted(error)
    ask = make(counted)
    for _ in range(2):
        with pytest.raises(type(error)):
            ask("a")
    assert counted.runs == 2


@pytest.mark.parametrize(
    "error", [HttpError(429), HttpError(500), TimeoutError(), RateLimited("too fast")], ids=repr
)
def test_no_classifier_can_have_a_passing_error_kept(make, error):
    counted = Counted(error)
    ask = make(counted, absent=lambda _: True)
    for _ in range(2):
        with pytest.raises(type(error)):
            ask("a")
    assert counted.runs == 2


def test_a_classifier_can_name_other_errors_and_error_ttl_0_keeps_none(make):
    for settings, runs in (({"absent": lambda error: isinstance(error, KeyError)}, 1), ({"error_ttl": 0}, 2)):
        counted = Counted(KeyError("no such model") if runs == 1 else HttpError(404))
        ask = make(counted, **settings)
        for _ in range(2):
            with pytest.raises((KeyError, HttpError)):
                ask("a")
        assert counted.runs == runs


def test_a_stampede_of_a_hundred_tasks_on_a_missing_key_is_one_run():
    counted = Counted()
    ask = cached(counted.coroutine())

    async def story():
        return await asyncio.gather(*(ask("a") for _ in range(100)))

    assert asyncio.run(story()) == ["answer"] * 100
    assert counted.runs == 1


def test_a_stampede_of_a_hundred_threads_on_a_missing_key_is_one_run():
    runs, gate = [], threading.Event()

    @cached
    def ask(prompt):
        runs.append(prompt)
        gate.wait(10)
        return "answer"

    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask("a"))) for _ in range(100)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert answers == ["answer"] * 100
    assert len(runs) == 1


def test_a_stampede_from_several_loops_is_one_run():
    runs, gate = [], threading.Event()

    @cached
    async def ask(prompt):
        runs.append(prompt)
        await asyncio.get_running_loop().run_in_executor(None, gate.wait, 10)
        return "answer"

    answers = []
    threads = [threading.Thread(target=lambda: answers.append(asyncio.run(ask("a")))) for _ in range(4)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert answers == ["answer"] * 4
    assert len(runs) == 1


def test_a_stampede_whose_leader_is_cancelled_still_gets_its_answer_from_one_run():
    runs = []

    async def story():
        gate = asyncio.Event()

        @cached
        async def ask(prompt):
            runs.append(prompt)
            await gate.wait()
            return "answer"

        leader, *followers = [asyncio.create_task(ask("a")) for _ in range(10)]
        await asyncio.sleep(0)
        leader.cancel()
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(*followers)

    assert asyncio.run(story()) == ["answer"] * 9
    assert len(runs) == 1


def test_a_thread_that_is_interrupted_leaves_the_run_to_another():
    entered, gate, runs = threading.Event(), threading.Event(), []

    @cached
    def ask(prompt):
        runs.append(prompt)
        if len(runs) == 1:
            entered.set()
            gate.wait(10)
            raise KeyboardInterrupt
        return "answer"

    def leader():
        with pytest.raises(KeyboardInterrupt):
            ask("a")

    answers = []
    first = threading.Thread(target=leader)
    second = threading.Thread(target=lambda: answers.append(ask("a")))
    first.start()
    entered.wait(10)
    second.start()
    gate.set()
    first.join()
    second.join()
    assert answers == ["answer"]
    assert len(runs) == 2


def test_a_call_that_asks_for_itself_is_refused_and_recursion_is_not():
    @cached
    def loops(n):
        return loops(n)

    with pytest.raises(NestedAcquire, match="asks for itself"):
        loops(1)

    @cached
    def sums(n):
        return n + sums(n - 1) if n else 0

    assert sums(100) == 5050


def test_an_answer_that_was_under_way_when_it_was_invalidated_is_given_and_not_kept():
    async def story():
        gate, runs = asyncio.Event(), []

        @cached
        async def ask(prompt):
            runs.append(prompt)
            run = len(runs)
            if run == 1:
                await gate.wait()
            return run

        old = asyncio.create_task(ask("a"))
        await asyncio.sleep(0)
        await ask.invalidate("a")
        fresh = await ask("a")
        gate.set()
        return await old, fresh, await ask("a")

    assert asyncio.run(story()) == (1, 2, 2)


def test_three_event_loops_in_a_row_share_the_answers(make):
    counted = Counted()
    ask = make(counted)
    assert [ask("a") for _ in range(3)] == ["answer"] * 3
    assert counted.runs == 1


def test_methods_are_kept_for_each_object():
    class Model:
        def __init__(self, name):
            self.name = name

        @cached(ttl=60)
        def ask(self, prompt):
            return f"{self.name}: {prompt}"

        @cached
        async def ask_later(self, prompt):
            return f"{self.name}: {prompt}"

    one, two = Model("one"), Model("two")
    assert [one.ask("a"), two.ask("a"), one.ask("a")] == ["one: a", "two: a", "one: a"]
    assert asyncio.run(two.ask_later("a")) == "two: a"
    assert Model.ask.cache.stats().hits == 1
    Model.ask.invalidate(one, "a")
    assert len(Model.ask.cache) == 1


def test_a_decorated_function_keeps_its_name_and_its_kind():
    @cached
    async def ask(prompt):
        """Ask."""

    assert (ask.__name__, ask.__doc__) == ("ask", "Ask.")
    assert asyncio.iscoroutinefunction(ask)


@pytest.mark.parametrize(
    ("what", "function"),
    [
        ("a class", dict),
        ("a generator", functools.partial(lambda: (yield))),
        ("nothing that can be called", 5),
    ],
)
def test_what_cannot_be_given_twice_is_refused(what, function):
    with pytest.raises(InvalidInput, match=f"is {what}"):
        cached(function)


def test_a_stream_and_a_one_time_answer_are_refused():
    async def stream():
        yield 1

    async def coroutine():
        return 1

    def plain():
        return coroutine()

    with pytest.raises(InvalidInput, match="is a stream"):
        cached(stream)
    for used_up in (plain, lambda: iter([1]), lambda: (n for n in [1])):
        with pytest.raises(InvalidInput, match="used up by its first caller"):
            cached(used_up)()


CELL = """
@cached(ttl=60)
def ask(prompt, mark="!"):
    return prompt + mark
"""


def run(cell, notebook):
    exec(cell, notebook)  # noqa: S102 - what a kernel does with a cell
    return notebook["ask"]


def test_a_cell_that_is_run_again_keeps_the_answers():
    notebook = {"cached": cached}
    first = run(CELL, notebook)
    first("a")
    again = run(CELL, notebook)
    assert again.cache is first.cache
    assert again("a") == "a!"
    assert again.cache.stats().hits == 1


@pytest.mark.parametrize("edit", [("prompt + mark", "mark + prompt"), ('mark="!"', 'mark="?"')])
def test_a_cell_whose_function_was_changed_starts_empty(edit):
    notebook = {"cached": cached}
    run(CELL, notebook)("a")
    changed = run(CELL.replace(*edit), notebook)
    assert len(changed.cache) == 0
    assert changed("a") != "a!"


def test_functions_of_different_notebooks_and_closures_share_nothing():
    one, two = run(CELL, {"cached": cached}), run(CELL, {"cached": cached})
    assert one.cache is not two.cache

    def make(mark):
        @cached
        def ask(prompt):
            return prompt + mark

        return ask

    assert [make("!")("a"), make("?")("a")] == ["a!", "a?"]


def test_a_named_function_keeps_its_answers_whatever_becomes_of_its_code():
    try:
        cell = CELL.replace("ttl=60", "ttl=60, name='a test'")
        run(cell, {"cached": cached})("a")
        changed = run(cell.replace("prompt + mark", "mark + prompt"), {"cached": cached})
        assert changed("a") == "a!"
        assert Cache("a test") is changed.cache
    finally:
        Cache.forget("a test")


def test_the_answers_of_a_function_that_nobody_holds_are_given_back():
    from consilience.policies.cached import _OF_FUNCTIONS

    notebook = {"cached": cached}
    run(CELL, notebook)("a")
    gc.collect()
    known = len(_OF_FUNCTIONS)
    notebook.clear()
    gc.collect()
    assert len(_OF_FUNCTIONS) == known - 1


def test_tiers_without_a_name_are_refused():
    with pytest.raises(InvalidInput, match="need a name"):
        cached(tiers=[object()])


def test_a_function_under_a_policy_can_be_cached_and_a_hit_costs_no_call(make_policy):
    policy, runs = make_policy(concurrency=1), []

    @cached(ttl=60)
    @policy
    async def ask(prompt):
        runs.append(prompt)
        return prompt.upper()

    @cached(ttl=60)
    @policy
    def ask_plain(prompt):
        runs.append(prompt)
        return prompt.upper()

    async def story():
        return [await ask("a"), await ask("a")]

    assert asyncio.run(story()) == ["A", "A"]
    assert [ask_plain("b"), ask_plain("b")] == ["B", "B"]
    assert runs == ["a", "b"]


@pytest.mark.parametrize("value", [None, "", 0, "answer"])
def test_a_policy_with_a_cache_asks_once_for_a_stampede_and_then_not_at_all(make_policy, value):
    cache, runs = Cache(), []
    policy = make_policy(cache=cache, concurrency=1)

    async def ask(prompt):
        runs.append(prompt)
        await asyncio.sleep(0)
        return value

    async def story():
        found = await asyncio.gather(*(policy.call(ask, "a") for _ in range(100)))
        return [*found, await policy.call(ask, "a")]

    assert asyncio.run(story()) == [value] * 101
    assert runs == ["a"]
    assert cache.stats().hits == 1
