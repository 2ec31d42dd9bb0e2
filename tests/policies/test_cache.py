"""The cache in memory: what it holds, how long, how much, and what it tells."""

import gc
import threading
import weakref

import pytest

from consilience.errors import InvalidInput
from consilience.policies import Cache, ManualClock, Removal, SystemClock, deep_size


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def name():
    yield "a test's cache"
    Cache.forget("a test's cache")


def light(key, value):
    return 1


@pytest.mark.parametrize("value", [None, 0, 0.0, "", (), False, float("nan")])
def test_none_and_falsy_values_are_cached_like_any_other(value):
    cache = Cache()
    cache["key"] = value
    assert cache["key"] is value
    assert cache.get("key", "default") is value
    assert cache.peek("key", "default") is value
    assert "key" in cache
    assert cache.setdefault("key", "default") is value
    assert cache.stats().misses == 0
    assert cache.pop("key") is value


def test_the_size_of_a_value_is_its_deep_size():
    cache = Cache()
    cache["key"] = {"answers": ["x" * 1_500_000]}
    assert 1_500_000 < cache.stats().bytes < 1_501_000


def test_the_size_of_a_value_can_be_a_weight_of_the_caller():
    cache = Cache(max_bytes=10, weigh=lambda key, value: len(value))
    cache.update(a="xxxx", b="xxxx", c="xxxx")
    assert cache.stats().bytes == 8
    assert list(cache) == ["b", "c"]


def test_what_was_just_put_in_is_there_however_full_it_was():
    cache = Cache(max_entries=10, weigh=light)
    for number in range(1000):
        cache[number % 37] = number
        assert cache[number % 37] == number
        assert len(cache) <= 10


def test_a_value_larger_than_all_the_room_displaces_nothing_and_is_told():
    told = []
    cache = Cache(
        max_bytes=10, weigh=lambda key, value: len(value), on_removal=lambda *what: told.append(what)
    )
    cache["small"] = "xxx"
    cache["large"] = "x" * 11
    assert list(cache) == ["small"]
    cache["small"] = "x" * 12
    assert list(cache) == []
    assert told == [("large", "x" * 11, Removal.EVICTED), ("small", "x" * 12, Removal.EVICTED)]
    assert cache.stats().evictions == 2
    assert cache.stats().bytes == 0


def test_a_value_that_grows_in_its_place_lets_others_leave_and_stays():
    cache = Cache(max_bytes=10, weigh=lambda key, value: len(value))
    cache.update(a="xxx", b="xxx", c="xxx")
    cache["a"] = "x" * 9
    assert dict(cache) == {"a": "x" * 9}
    assert cache.stats().bytes == 9


def test_a_scan_does_not_displace_what_is_in_use():
    cache = Cache(max_entries=100, weigh=light)
    for key in range(50):
        cache[key] = key
        assert [cache[key], cache[key]] == [key, key]
    for scanned in range(1000, 3000):
        cache[scanned] = scanned
    assert sum(key in cache for key in range(50)) == 50


def test_an_entry_expires_by_the_monotonic_clock(clock):
    cache = Cache(ttl=100, clock=clock)
    cache["key"] = "value"
    clock.advance(89.9)
    assert cache["key"] == "value"
    clock.advance(10.1)
    assert "key" not in cache
    with pytest.raises(KeyError, match="key"):
        cache["key"]
    assert len(cache) == 0
    assert cache.stats().expirations == 1


def test_ttls_are_jittered_by_ten_percent_at_least_and_never_lengthened(clock):
    cache = Cache(ttl=1000, clock=clock, weigh=light)
    cache.update(dict.fromkeys(range(500), "put in at one moment"))
    left = []
    for _ in range(100):
        clock.advance(10)
        left.append(len(cache))
    assert left[88] == 500
    assert 150 < left[94] < 350
    assert left[99] == 0
    with pytest.raises(InvalidInput, match="jitter is a share from 0.1 up"):
        Cache(jitter=0.05)


def test_jitter_is_drawn_from_the_injected_source(clock):
    cache = Cache(ttl=100, jitter=0.5, draw=lambda: 1.0, clock=clock)
    cache["key"] = "value"
    clock.advance(49)
    assert "key" in cache
    clock.advance(1)
    assert "key" not in cache


def test_one_entry_can_have_a_ttl_of_its_own(clock):
    cache = Cache(ttl=100, clock=clock)
    cache.put("short", 1, ttl=10)
    cache.put("long", 1, ttl=float("inf"))
    clock.advance(10)
    assert list(cache) == ["long"]
    clock.advance(1e9)
    assert list(cache) == ["long"]


def test_expired_entries_give_their_memory_back_at_the_next_write(clock):
    class Large:
        pass

    large = Large()
    seen = weakref.ref(large)
    cache = Cache(ttl=10, clock=clock)
    cache["key"] = large
    del large
    clock.advance(10)
    cache["other"] = 1
    assert seen() is None


def test_writing_one_key_again_and_again_keeps_nothing_of_the_past(clock):
    cache = Cache(ttl=1000, clock=clock)
    for number in range(10_000):
        cache["key"] = number
    assert len(cache._expiries._heap) <= 128


def test_counts_tell_hits_misses_evictions_and_expirations(clock):
    cache = Cache(max_entries=2, ttl=10, clock=clock, weigh=lambda key, value: 7)
    cache.update(a=1, b=2, c=3)
    cache.get("c")
    cache.get("missing")
    with pytest.raises(KeyError):
        cache["missing"]
    stats = cache.stats()
    assert (stats.hits, stats.misses, stats.evictions, stats.expirations) == (1, 2, 1, 0)
    assert (stats.entries, stats.bytes) == (2, 14)
    assert stats.hit_rate == pytest.approx(1 / 3)
    clock.advance(10)
    assert cache.stats().expirations == 2
    assert Cache().stats().hit_rate != Cache().stats().hit_rate
    assert "1 hits, 2 misses" in repr(cache)


def test_looking_at_items_values_or_membership_counts_as_no_lookup():
    cache = Cache()
    cache["a"] = 1
    assert list(cache.items()) == [("a", 1)]
    assert list(cache.values()) == [1]
    assert ("a", 1) in cache.items()
    assert ("a", 2) not in cache.items()
    assert 1 in cache.values()
    assert "a" in cache
    assert cache.peek("a") == 1
    assert cache == {"a": 1}
    assert cache.stats().hits == cache.stats().misses == 0


def test_a_callback_hears_why_entries_left_and_may_use_the_cache(clock):
    told = []

    def hear(key, value, removal):
        told.append((key, value, removal, len(cache)))

    cache = Cache(max_entries=1, ttl=10, clock=clock, on_removal=hear)
    cache["a"] = 1
    cache["b"] = 2
    clock.advance(10)
    assert len(cache) == 0
    assert told == [("a", 1, Removal.EVICTED, 1), ("b", 2, Removal.EXPIRED, 0)]
    cache["c"] = 3
    del cache["c"]
    cache.clear()
    assert len(told) == 2


def test_a_callback_that_fails_is_logged_and_harms_nobody(caplog):
    def fail(*what):
        raise RuntimeError("broken callback")

    cache = Cache(max_entries=1, on_removal=fail)
    cache.update(a=1, b=2)
    assert list(cache) == ["b"]
    assert "broken callback" in caplog.text


def test_going_through_a_cache_while_it_changes_gives_what_was_there():
    cache = Cache()
    cache.update(a=1, b=2)
    for key in cache:
        cache[f"{key}{key}"] = 0
        del cache[key]
    assert sorted(cache) == ["aa", "bb"]


def test_shrinking_keeps_what_is_used_most():
    cache = Cache(max_entries=1000, weigh=lambda key, value: 10)
    cache.update({key: key for key in range(100)})
    for key in range(20):
        assert [cache[key], cache[key]] == [key, key]
    assert cache.shrink(0.5) == 50
    assert len(cache) == 50
    assert cache.stats().bytes == 500
    assert all(key in cache for key in range(20))
    with pytest.raises(InvalidInput, match="0 to 1"):
        cache.shrink(2)


def test_a_cell_that_is_run_again_keeps_the_entries_and_changes_the_settings(name, clock):
    first = Cache(name, max_entries=10, clock=clock)
    first.update({number: number for number in range(10)})
    again = Cache(name, max_entries=5, ttl=10, clock=clock)
    assert again is first
    assert len(again) == 5
    again["new"] = 1
    clock.advance(10)
    assert "new" not in again
    assert len(again) == 4
    assert Cache() is not Cache()
    with pytest.raises(InvalidInput, match="another clock"):
        Cache(name, clock=SystemClock())
    Cache.forget(name)
    assert Cache(name) is not first


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"max_entries": 0}, "1 or more"),
        ({"max_bytes": 0}, "1 or more"),
        ({"ttl": 0}, "seconds above 0"),
        ({"jitter": 1}, "below 1"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(InvalidInput, match=message):
        Cache(**setting)


def test_a_negative_weight_and_a_negative_ttl_are_refused():
    with pytest.raises(InvalidInput, match="0 or more; -1 came for 'key'"):
        Cache(weigh=lambda key, value: -1)["key"] = 1
    with pytest.raises(InvalidInput, match="seconds above 0"):
        Cache().put("key", 1, ttl=-1)


def test_a_hit_takes_no_lock():
    cache = Cache(ttl=1000)
    cache["key"] = "value"
    found = []
    with cache._lock:
        thread = threading.Thread(
            target=lambda: found.extend([cache["key"], cache.get("key"), "key" in cache])
        )
        thread.start()
        thread.join(10)
        assert found == ["value", "value", True]


def test_threads_share_a_cache():
    cache = Cache(max_entries=50, max_bytes=10_000)
    failures = []

    def work(seed):
        try:
            for number in range(2000):
                key = (number * seed) % 97
                cache[key] = "x" * (key + 1)
                found = cache.get(key)
                assert found is None or found == "x" * (key + 1)
                if number % 7 == 0:
                    cache.pop(key, None)
        except BaseException as error:  # noqa: BLE001 - a thread's failure would be lost otherwise
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 5, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert cache.stats().entries <= 50
    assert (
        cache.stats().bytes
        == sum(deep_size(key) + deep_size(value) for key, value in cache.items())
        <= 10_000
    )


def test_a_finalizer_that_uses_the_cache_does_not_block_it():
    cache = Cache(max_entries=1)

    class Touching:
        def __del__(self):
            cache.get("other")

    cache["a"] = Touching()
    cache["b"] = Touching()
    cache.clear()
    gc.collect()
    assert len(cache) == 0
