"""Pools: HTTP clients beside each other against a server in a process of its own.

    python benchmarks/pools.py [--rounds 7] [--calls 1000] [--consultations 10000] [--json PATH]

First the CPU time of one POST of 1 KB in microseconds at several concurrencies, the rows taking turns, the median of
the rounds. *ours* is a client of httpx2 or httpx on an `HttpPool`, on the background loop and from another loop; the
peers are their own clients and aiohttp itself. Then so many consultations at once on one loop over 500 connections to
a server that takes 200 ms: wall time, CPU time, and the lag of the loop, looked at every 5 ms. A peer that is not
installed is named.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from consilience.loop import background
from consilience.policies import Policy
from consilience.pools import HttpPool

CONCURRENCIES = (1, 50, 500)
CONNECTIONS = 500
SECONDS = 0.2
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 900}]}).encode()
HEADERS = {"content-type": "application/json", "authorization": "Bearer none"}

# Answers /<seconds> after so many seconds; a bare protocol, so that the server is not what is measured.
SERVER = """
import asyncio, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
HEAD = b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: 310\\r\\n\\r\\n"
ANSWER = HEAD + b'{"text": "' + b"y" * 298 + b'"}'
class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.data = transport, b""
    def data_received(self, data):
        self.data += data
        head, found, rest = self.data.partition(b"\\r\\n\\r\\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\\r\\n")[0] or 0)
        if len(rest) < length:
            return
        self.data = rest[length:]
        seconds = float(head.split(b" ", 2)[1][1:])
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self.transport.write, ANSWER)
        else:
            self.transport.write(ANSWER)
async def main():
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

Post = Callable[[str], Awaitable[object]]
Client = Callable[[int], contextlib.AbstractAsyncContextManager[Post]]


class Absent(Exception):
    """A peer is not installed."""


def peer(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Absent(f"{name} is absent: {error}") from error


@contextlib.contextmanager
def server() -> Iterator[str]:
    child = subprocess.Popen([sys.executable, "-c", SERVER], stdout=-1, text=True)
    assert child.stdout is not None
    try:
        yield f"http://127.0.0.1:{child.stdout.readline().strip()}"
    finally:
        child.kill()
        child.communicate()


@contextlib.asynccontextmanager
async def raw(limit: int) -> AsyncIterator[Post]:
    aiohttp = peer("aiohttp")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=limit)) as session:

        async def post(url: str) -> object:
            async with session.post(url, data=BODY, headers=HEADERS) as response:
                return await response.read()

        yield post


def posting(client: Any) -> Post:
    async def post(url: str) -> object:
        response = await client.post(url, content=BODY, headers=HEADERS)
        assert response.status_code == 200
        return response.content

    return post


def own(package: str) -> Client:
    @contextlib.asynccontextmanager
    async def client(limit: int) -> AsyncIterator[Post]:
        module = peer(package)
        limits = module.Limits(max_connections=limit, max_keepalive_connections=limit)
        async with module.AsyncClient(limits=limits, timeout=600, trust_env=False) as made:
            yield posting(made)

    return client


def ours(package: str) -> Client:
    @contextlib.asynccontextmanager
    async def client(limit: int) -> AsyncIterator[Post]:
        peer(package)
        async with HttpPool("bench", limit=limit, per_host=limit) as pool, getattr(pool, package)() as made:
            yield posting(made)

    return client


@contextlib.asynccontextmanager
async def under_policy(limit: int) -> AsyncIterator[Post]:
    """As experts are asked: who has no place yet waits in the policy, before anything is built."""
    async with ours("httpx2")(limit) as post:
        policy = Policy("bench", concurrency=limit, queue=1_000_000, deadline=None, registered=False)

        async def call(url: str) -> object:
            return await policy.call(post, url)

        yield call


# Rows, and whether they run on the background loop or on one of their own.
ROWS: dict[str, tuple[Client, bool]] = {
    "ours, httpx2": (ours("httpx2"), True),
    "ours, under a policy": (under_policy, True),
    "ours, httpx": (ours("httpx"), True),
    "ours, httpx2, other loop": (ours("httpx2"), False),
    "httpx2": (own("httpx2"), True),
    "httpx": (own("httpx"), True),
    "aiohttp": (raw, True),
}


async def several(post: Post, url: str, concurrency: int, calls: int) -> None:
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await post(url)

    await asyncio.gather(*(worker() for _ in range(concurrency)))


async def one_round(client: Client, url: str, concurrency: int, calls: int) -> float:
    async with client(concurrency) as post:
        await several(post, url, concurrency, concurrency)
        started = time.process_time()
        await several(post, url, concurrency, calls)
        return (time.process_time() - started) / calls * 1e6


def run(on_background: bool, story: Any) -> Any:
    return background.wait_sync(story) if on_background else asyncio.run(story)


def posts(address: str, rounds: int, calls: int) -> dict[str, dict[str, float | str]]:
    """Return the median CPU time of one POST in microseconds for each row and concurrency."""
    found: dict[str, dict[str, float | str]] = {name: {} for name in ROWS}
    for concurrency in CONCURRENCIES:
        times: dict[str, list[float]] = {name: [] for name in ROWS}
        for _ in range(rounds):
            for name, (client, on_background) in ROWS.items():
                try:
                    story = one_round(client, f"{address}/0", concurrency, max(calls, 2 * concurrency))
                    times[name].append(run(on_background, story))
                except Absent as error:
                    found[name][f"{concurrency} at once"] = str(error)
        for name, measured in times.items():
            if measured:
                found[name][f"{concurrency} at once"] = statistics.median(measured)
    return found


async def lags(found: list[float], pause: float = 0.005) -> None:
    while True:
        started = time.perf_counter()
        await asyncio.sleep(pause)
        found.append(time.perf_counter() - started - pause)


async def consult(client: Client, url: str, calls: int, limit: float) -> dict[str, float | str]:
    lag: list[float] = []
    async with client(CONNECTIONS) as post:
        watch = asyncio.create_task(lags(lag))
        started, cpu = time.perf_counter(), time.process_time()
        try:
            async with asyncio.timeout(limit):
                await asyncio.gather(*(post(url) for _ in range(calls)))
        except TimeoutError:
            return {"": f"not done within {limit:g} s"}
        finally:
            watch.cancel()
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    cuts = statistics.quantiles(lag, n=100)
    return {
        "wall s": wall,
        "CPU s": cpu,
        "lag p50 ms": cuts[49] * 1e3,
        "lag p99 ms": cuts[98] * 1e3,
        "longest ms": max(lag) * 1e3,
    }


def consultations(address: str, calls: int, rounds: int, limit: float) -> dict[str, dict[str, float | str]]:
    """Return the round with the median wall time of so many POSTs at once, for each row."""
    found: dict[str, list[dict[str, float | str]]] = {name: [] for name in ROWS}
    for _ in range(rounds):
        for name, (client, on_background) in ROWS.items():
            if any("" in earlier for earlier in found[name]):
                continue
            try:
                story = consult(client, f"{address}/{SECONDS}", calls, limit)
                found[name].append(run(on_background, story))
            except Absent as error:
                found[name].append({"": str(error)})
    return {
        name: sorted(rows, key=lambda row: float(row.get("wall s", 0)))[len(rows) // 2]
        for name, rows in found.items()
    }


def show(title: str, rows: dict[str, dict[str, float | str]]) -> None:
    print(f"\n{title}")
    for name, row in rows.items():
        cells = [f"{key} {cell:,.1f}" if isinstance(cell, float) else cell for key, cell in row.items()]
        print(f"  {name:<26}{'   '.join(dict.fromkeys(cells))}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--consultations", type=int, default=10_000)
    parser.add_argument("--consultation-rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=100.0, help="seconds after which a row is given up")
    parser.add_argument("--rows", nargs="*", choices=ROWS, help="only these")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    for name in [name for name in ROWS if chosen.rows and name not in chosen.rows]:
        del ROWS[name]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    figures: dict[str, Any] = {}
    with server() as address:
        if chosen.rounds:
            title = "CPU of one POST, µs"
            figures[title] = posts(address, chosen.rounds, chosen.calls)
            show(title, figures[title])
        title = (
            f"{chosen.consultations:,} consultations at once, {CONNECTIONS} connections, {SECONDS:g} s each"
        )
        figures[title] = consultations(
            address, chosen.consultations, chosen.consultation_rounds, chosen.limit
        )
        show(title, figures[title])
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
