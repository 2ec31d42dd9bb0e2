"""The tier that processes share, on a real Redis that is killed, stopped and filled."""

import gc
import subprocess
import sys
import time

import pytest

from consilience.errors import InvalidInput
from consilience.loop import BackgroundLoop, background
from consilience.policies import Cache, Events, RedisTier, layers, tiers

SECONDS = 20.0


@pytest.fixture
def server(redis_server):
    yield redis_server
    background.close()


@pytest.fixture
def told():
    return []


@pytest.fixture
def make_tier(server, told):
    events = Events()
    events.subscribe(told.append)

    def make(**settings):
        return RedisTier(server.url, **({"timeout": 2.0, "pause": 0.05, "events": events} | settings))

    return make


class Process:
    """Another process as a tier sees it: a loop, a memory and a connection of its own."""

    def __init__(self, tier):
        self.loop = BackgroundLoop()
        self.tier = tier
        self.memory = Cache()
        self.layers = layers.Layers(self.memory, [tier])

    def run(self, coroutine):
        return self.loop.wait_sync(coroutine)

    def close(self):
        self.run(self.tier.aclose())
        self.loop.close()


def run(coroutine):
    return background.wait_sync(coroutine)


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.005)


def get(tier, key="key"):
    kept = run(tier.get(key))
    return None if kept is None else kept.value


@pytest.mark.parametrize(
    "value", [None, "", 0, False, [], {}, ("a", None), b"\x00", {1: "one"}, "\ud83d\x00"]
)
def test_a_value_comes_back_exactly_as_it_was(make_tier, value):
    tier = make_tier()
    run(tier.put("key", value, 60))
    kept = run(tier.get("key"))
    assert kept.value == value
    assert type(kept.value) is type(value)
    assert 50 < kept.seconds <= 60
    assert not tier.degraded


def test_a_value_without_an_end_has_none_and_a_missing_one_is_a_miss(make_tier):
    tier = make_tier()
    run(tier.put("key", 1, float("inf")))
    assert run(tier.get("key")) == tiers.Kept(1, float("inf"))
    assert run(tier.get("other")) is None
    run(tier.remove("key"))
    assert run(tier.get("key")) is None


def test_a_value_that_json_cannot_bring_back_is_not_kept_and_told(make_tier, told):
    tier = make_tier()
    run(tier.put("key", object(), 60))
    assert get(tier) is None
    (failed,) = told
    assert (failed.operation, failed.source) == ("put", "consilience redis")
    assert "a object came" in failed.reason
    assert not tier.degraded


@pytest.mark.parametrize(
    "data", [b"\x80\x04.", b"cos\nsystem\n(S'true'\ntR.", b'{"$tuple": 1}', b"[" * 100_000, b"\xff"]
)
def test_what_a_stranger_put_there_is_a_miss_and_never_runs(make_tier, server, told, data):
    tier = make_tier()
    server.client.set(tier._place("key"), data)
    assert get(tier) is None
    assert [event.operation for event in told] == ["get"]
    assert not tier.degraded


def test_another_process_hears_of_a_change_and_drops_its_copy(make_tier):
    one, two = Process(make_tier()), Process(make_tier())
    heard = []
    two.tier.subscribe(heard.append)
    one.tier.subscribe(lambda key: heard.append(f"own: {key}"))
    assert two.run(two.tier.get("key")) is None
    one.run(one.tier.put("key", "new", 60))
    until(lambda: "key" in heard)
    one.run(one.tier.remove("key"))
    until(lambda: heard.count("key") == 2)
    assert "own: key" not in heard
    for process in (one, two):
        process.close()


def test_a_message_of_a_stranger_harms_nothing(make_tier, server):
    tier = make_tier()
    heard = []
    tier.subscribe(heard.append)
    run(tier.get("key"))
    for text in ("", "no json", "[]", '["stranger", 5]', "5", b"\xff", '["stranger", "key"]'):
        server.client.publish("consilience:changed", text)
    until(lambda: "key" in heard)
    assert heard == ["key"]


CHILD = """
import sys, consilience as cs
from consilience.policies import RedisTier
tier = RedisTier(sys.argv[1], timeout=5)

@cs.cached(ttl=600, name="shared", tiers=[tier])
def price(model):
    return input()

print(price("smollm2"), flush=True)
while True:
    word = sys.stdin.readline().strip()
    if word == "end":
        break
    if word == "invalidate":
        price.invalidate("smollm2")
        print("invalidated", flush=True)
    else:
        print(price.cache.peek(next(iter(price.cache), None), "nothing"), flush=True)
"""


def test_two_processes_agree_after_one_of_them_invalidates(server):
    def say(child, word):
        child.stdin.write(word + "\n")
        child.stdin.flush()

    def ask(child, word):
        say(child, word)
        return child.stdout.readline().strip()

    def child():
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, server.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(process)
        return process

    children = []
    try:
        one = child()
        assert ask(one, "old price") == "old price"
        two = child()
        assert two.stdout.readline().strip() == "old price"
        assert ask(two, "look") == "old price"
        assert ask(one, "invalidate") == "invalidated"
        until(lambda: ask(two, "look") == "nothing")
    finally:
        for process in children:
            process.communicate("end\n", timeout=SECONDS)


def test_a_redis_that_is_killed_is_a_miss_with_an_event_until_it_is_back(make_tier, server, told):
    tier = make_tier()
    run(tier.put("key", "value", 60))
    server.kill()
    assert [get(tier), get(tier)] == [None, None]
    run(tier.put("key", "value", 60))
    assert tier.degraded
    changes = [event for event in told if isinstance(event, tiers.TierChanged)]
    assert [change.degraded for change in changes] == [True]
    server.start()
    until(lambda: not tier.degraded)
    run(tier.put("key", "again", 60))
    assert get(tier) == "again"
    changes = [event for event in told if isinstance(event, tiers.TierChanged)]
    assert [change.degraded for change in changes][-2:] == [True, False]


def test_a_redis_that_never_was_there_is_a_miss(tmp_path, told):
    events = Events()
    events.subscribe(told.append)
    tier = RedisTier(f"unix://{tmp_path}/none.sock", timeout=0.05, events=events)
    assert get(tier) is None
    assert tier.degraded
    background.close()


def test_a_redis_that_is_stopped_is_a_miss_and_its_late_answer_is_nobodys(make_tier, server):
    tier = make_tier(timeout=0.1)
    until(lambda: run(tier.put("a", "of a", 60)) or get(tier, "a") == "of a")
    run(tier.put("b", "of b", 60))
    server.stop()
    assert get(tier, "a") is None
    assert tier.degraded
    server.go_on()
    until(lambda: get(tier, "b") is not None)
    assert [get(tier, "b"), get(tier, "a")] == ["of b", "of a"]


def test_calls_leave_a_redis_alone_that_just_failed(make_tier, server):
    tier = make_tier(pause=30)
    run(tier.put("key", "value", 60))
    server.kill()
    assert get(tier) is None
    server.start()
    assert get(tier) is None
    assert server.client.info()["total_connections_received"] == 1


def test_a_redis_that_is_full_is_a_miss_for_new_values_and_forgets_old_ones(make_tier, server, told):
    tier = make_tier()
    run(tier.put("key", "old", 60))
    run(tier.put("other", "kept", 60))
    server.fill()
    run(tier.put("key", "new", 60))
    assert tier.degraded
    assert get(tier) is None
    assert get(tier, "other") == "kept"
    server.empty()
    run(tier.put("key", "new", 60))
    assert not tier.degraded
    assert get(tier) == "new"
    changes = [event for event in told if isinstance(event, tiers.TierChanged)]
    assert [change.degraded for change in changes] == [True, False]
    assert changes[0].reason == "Redis is full"


def test_an_invalidation_that_could_not_be_sent_is_sent_first_when_redis_is_back(make_tier, server):
    tier, other = make_tier(timeout=0.1), Process(make_tier())
    heard = []
    other.tier.subscribe(heard.append)
    until(lambda: run(tier.put("key", "old", 60)) or get(tier) == "old")
    assert other.run(other.tier.get("key")).value == "old"
    server.stop()
    run(tier.remove("key"))
    assert tier.degraded
    server.go_on()
    until(lambda: "key" in heard or None in heard)
    until(lambda: not tier._unsent)
    assert server.client.get(tier._place("key")) is None
    other.close()


def test_more_invalidations_than_can_be_held_become_one_of_everything(make_tier, server, monkeypatch):
    monkeypatch.setattr("consilience.policies.redis_tier._MAX_UNSENT", 3)
    tier = make_tier()
    run(tier.put("key", "old", 60))
    server.client.set("of somebody else", "stays")
    server.stop()
    tier._timeout = 0.05
    for number in range(5):
        run(tier.remove(f"other {number}"))
    assert None in tier._unsent
    tier._timeout = 2.0
    server.go_on()
    until(lambda: get(tier, "any") is None and not tier._unsent)
    assert server.client.keys() == [b"of somebody else"]


def test_a_process_that_was_cut_off_drops_all_its_copies_when_it_is_back(make_tier, server):
    process = Process(make_tier())
    process.run(process.tier.get("key"))
    process.memory["key"] = "may have changed unseen"
    server.kill()
    server.start()
    until(lambda: len(process.memory) == 0)
    process.close()


def test_a_silent_connection_is_taken_for_cut_and_made_again(make_tier, server):
    tier = make_tier(heartbeat=0.02)
    heard = []
    tier.subscribe(heard.append)
    run(tier.get("key"))
    server.stop()
    until(lambda: not tier._news.listening.is_set())
    server.go_on()
    until(lambda: heard)
    assert heard == [None]


def test_the_tier_serves_the_next_background_loop_too(make_tier):
    tier = make_tier()
    for number in range(3):
        run(tier.put("key", number, 60))
        background.close()
    assert get(tier) == 2


def test_a_tier_keeps_the_layers_above_it_not_alive(make_tier):
    tier = make_tier()
    for _ in range(3):
        layers.Layers(Cache(), [tier])
    assert tier._news._listeners == []


def test_a_tier_that_nobody_holds_gives_its_connections_back(make_tier, server):
    tier = make_tier(heartbeat=0.02)
    run(tier.put("key", 1, 60))
    assert len(server.client.client_list()) == 3
    del tier
    gc.collect()
    until(lambda: len(server.client.client_list()) == 1)


def test_urls_and_numbers_that_cannot_be_used_are_refused():
    with pytest.raises(InvalidInput, match="A URL of Redis is required, .* what came begins with 'nonsense'"):
        RedisTier("nonsense")
    with pytest.raises(InvalidInput, match="seconds above 0"):
        RedisTier(timeout=0)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(InvalidInput, match=r"pip install 'consilience\[redis\]'"):
        RedisTier()
