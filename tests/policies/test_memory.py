"""Memory: what is read of it, and what happens when it gets scarce."""

import asyncio
import contextvars
import gc
import threading
import weakref

import pytest

from consilience.errors import InvalidInput
from consilience.loop import background
from consilience.policies import (
    MEMORY,
    Bulkhead,
    Cache,
    Events,
    ManualClock,
    MemoryGuard,
    MemoryUse,
    Policy,
    read_memory,
    registry,
)

MB = 2**20


@pytest.fixture
def machine(tmp_path):
    """Write the files of a machine on which this process uses 100 MB of 1,000."""

    def write(**files):
        files = {
            "proc/self/statm": f"99999 {100 * MB // 4096} 1 1 0 1 0\n",
            "proc/meminfo": f"MemTotal:       {1000 * 1024} kB\nMemFree: 5 kB\n",
        } | {name.replace("__", "/"): text for name, text in files.items()}
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def group(folder, limit, used, droppable=0):
    return {
        f"{folder}/memory.max": f"{limit}\n",
        f"{folder}/memory.current": f"{used}\n",
        f"{folder}/memory.stat": f"anon 1\ninactive_file {droppable}\n",
    }


def test_without_control_groups_the_process_is_held_against_the_machine(machine, monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda _: 4096)
    assert read_memory(root=machine()) == MemoryUse("process", 100 * MB, 1000 * MB)
    assert read_memory(root=machine(), limit=200 * MB) == MemoryUse("process", 100 * MB, 200 * MB)


def test_a_control_group_of_version_2_counts_without_the_pages_that_can_be_dropped(machine):
    files = group("sys/fs/cgroup/user/app", 500 * MB, 450 * MB, 50 * MB)
    root = machine(**files, proc__self__cgroup="0::/user/app\n")
    assert read_memory(root=root) == MemoryUse("cgroup /user/app", 400 * MB, 500 * MB)


def test_the_tightest_of_nested_groups_counts(machine):
    files = group("sys/fs/cgroup/user/app", "max", 300 * MB) | group("sys/fs/cgroup/user", 400 * MB, 380 * MB)
    root = machine(**files, proc__self__cgroup="0::/user/app\n")
    assert read_memory(root=root) == MemoryUse("cgroup /user", 380 * MB, 400 * MB)


def test_in_a_container_the_group_is_the_root_of_what_is_mounted(machine):
    root = machine(**group("sys/fs/cgroup", 500 * MB, 400 * MB), proc__self__cgroup="0::/\n")
    assert read_memory(root=root) == MemoryUse("cgroup /", 400 * MB, 500 * MB)


def test_a_control_group_of_version_1_is_read_and_its_huge_limit_is_none(machine):
    folder = "sys/fs/cgroup/memory"
    files = {
        f"{folder}/docker/abc/memory.limit_in_bytes": f"{500 * MB}",
        f"{folder}/docker/abc/memory.usage_in_bytes": f"{450 * MB}",
        f"{folder}/docker/abc/memory.stat": f"inactive_file 1\ntotal_inactive_file {50 * MB}\n",
        f"{folder}/memory.limit_in_bytes": "9223372036854771712",
        f"{folder}/memory.usage_in_bytes": f"{999 * MB}",
    }
    root = machine(**files, proc__self__cgroup="5:cpu,cpuacct:/x\n4:memory:/docker/abc\n1:name=systemd:/\n")
    assert read_memory(root=root) == MemoryUse("cgroup /docker/abc", 400 * MB, 500 * MB)


def test_where_the_system_tells_nothing_nothing_is_known(tmp_path):
    assert read_memory(root=tmp_path) is None
    guard = MemoryGuard(read=lambda: read_memory(root=tmp_path))
    guard.check()
    assert not guard.holding


def test_this_machine_tells_something():
    use = read_memory()
    assert use is not None
    assert 0 < use.share < 1


class Pressure:
    """A guard, and the memory that it sees."""

    def __init__(self, **settings):
        self.use = MemoryUse("process", 10, 100)
        self.told = []
        events = Events()
        events.subscribe(lambda event: self.told.append((event.action, event.share)))
        self.guard = MemoryGuard(read=lambda: self.use, clock=ManualClock(), events=events, **settings)

    def set(self, percent):
        self.use = MemoryUse("process", percent, 100)
        self.guard.check()


@pytest.fixture
def pressure():
    return Pressure()


def filled():
    cache = Cache()
    cache.update(dict.fromkeys(range(100), "text"))
    return cache


def test_at_80_percent_caches_shrink_to_half_with_an_event(pressure):
    caches = [filled(), filled()]
    for cache in caches:
        pressure.guard.register(cache)
    pressure.set(79)
    assert [len(cache) for cache in caches] == [100, 100]
    pressure.set(80)
    assert [len(cache) for cache in caches] == [50, 50]
    assert pressure.told == [("shrink", 0.8)]


def test_caches_shrink_again_only_when_it_gets_worse_or_comes_back(pressure):
    cache = filled()
    pressure.guard.register(cache)
    sizes = []
    for percent in (80, 80, 84, 85, 77, 80, 74, 80):
        pressure.set(percent)
        sizes.append(len(cache))
    assert sizes == [50, 50, 50, 25, 25, 25, 25, 12]


def test_at_90_percent_new_permits_wait_with_an_event_until_memory_is_there(pressure):
    async def story():
        bulkhead = Bulkhead(5)
        pressure.guard.register(bulkhead)
        pressure.set(89)
        running = contextvars.Context().run(bulkhead.try_acquire)
        pressure.set(90)
        pressure.set(95)
        waiting = asyncio.create_task(bulkhead.acquire())
        await asyncio.sleep(0)
        assert pressure.guard.holding
        assert not waiting.done()
        running.release()
        pressure.set(86)
        await asyncio.sleep(0)
        assert not waiting.done()
        pressure.set(84)
        await waiting
        assert not pressure.guard.holding

    asyncio.run(story())
    assert [action for action, _ in pressure.told] == ["shrink", "hold", "shrink", "resume"]


def test_what_is_registered_under_pressure_is_held_too(pressure):
    first, second = Bulkhead(1), Bulkhead(1)
    pressure.guard.register(first)
    pressure.set(95)
    pressure.guard.register(second)
    pressure.set(95)
    assert first.try_acquire() is second.try_acquire() is None
    pressure.set(10)
    assert first.try_acquire()
    assert second.try_acquire()


def test_registration_keeps_nothing_alive(pressure):
    cache = filled()
    seen = weakref.ref(cache)
    pressure.guard.register(cache)
    assert pressure.guard.registered == (cache,)
    del cache
    gc.collect()
    assert seen() is None
    assert pressure.guard.registered == ()
    assert pressure.guard._shrinkable._references == []


def test_only_what_can_shrink_or_hold_is_registered_and_shares_are_in_order(pressure):
    with pytest.raises(InvalidInput, match=r"shrink\(share\), or hold\(\) and resume\(\); a list came"):
        pressure.guard.register([])
    with pytest.raises(InvalidInput, match="0 < shrink_at <= wait_at"):
        MemoryGuard(shrink_at=0.9, wait_at=0.8)


def test_every_cache_and_the_bulkhead_of_every_policy_is_registered():
    cache, policy = Cache(), Policy("registered")
    try:
        assert any(part is cache for part in MEMORY.registered)
        assert any(part is policy.bulkhead for part in MEMORY.registered)
    finally:
        registry.forget("registered")


def test_the_first_write_and_the_first_call_begin_the_watch(monkeypatch):
    begun = []
    monkeypatch.setattr(MEMORY, "watching", False)
    monkeypatch.setattr(MEMORY, "watch", lambda: begun.append("begun"))
    Cache()["key"] = 1
    assert begun == ["begun"]

    async def nothing():
        return None

    try:
        asyncio.run(Policy("watched").call(nothing))
    finally:
        registry.forget("watched")
    assert begun == ["begun", "begun"]


def test_a_watch_looks_every_interval_on_the_background_loop():
    clock, looks = ManualClock(), []
    guard = MemoryGuard(interval=2, clock=clock, read=lambda: looks.append(threading.current_thread().name))

    async def story():
        guard.watch()
        guard.watch()
        await clock.run_for(0)
        await clock.run_for(7)
        return len(looks)

    assert background.wait_sync(story()) == 4
    assert set(looks) == {"consilience-loop"}
    background.close()
    assert not guard.watching
    guard.stop()
    guard.watch()
    assert len(looks) == 4
