"""The dashboard under load: what opening a session costs, what it holds, how long a click takes while others write.

Sessions are raw websockets, which cost this program little. CPU and memory are those of the server's process, divided
by the sessions. A click goes to another page and ends when its heading has arrived.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import psutil
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from consilience.models import Label, Outcome, Question, Response, Source
from consilience.store import Store
from consilience.store.rows import Bundle, Row
from consilience.store.schema import TABLES
from consilience.verdict import decide

EXPERTS = ("ana", "anthropic:claude-x", "local:smollm2", "openai:gpt-x")
# What a browser says when the page is drawn; Panel holds back changes of layout until then.
READY = {
    "kind": "MessageSent",
    "msg_type": "bokeh_event",
    "msg_data": {"type": "event", "name": "document_ready", "values": {"type": "map", "entries": []}},
}
TITLES = {"overview": "h1&gt;Overview", "operations": "h1&gt;Operations"}


def fill(path: Path, questions: int, metrics: int) -> None:
    """Write thirty days of questions with four answers each, and metrics of the last day."""
    now, rng = datetime.now(UTC), random.Random(1)
    with Store(path) as store:
        for start in range(0, questions, 5_000):
            some = range(start, min(start + 5_000, questions))
            times = [now - timedelta(days=30) * (1 - n / questions) for n in some]
            store.write(rows(some, times, rng))
        for start in range(0, metrics, 500_000):
            store.put_metrics(
                measures(min(500_000, metrics - start), now - timedelta(days=1), start / metrics)
            )
        store.flush()


def rows(some: range, times: list[datetime], rng: random.Random) -> Bundle:
    asked: list[Row] = []
    heard: list[Row] = []
    decided: list[Row] = []
    for n, at in zip(some, times, strict=True):
        key, spec = uuid.UUID(int=n).hex, '{"kind":"label","choices":["yes","no"]}'
        asked.append((key, at, f"Is statement {n} true?", None, "label", spec, "[]", key))
        said = [rng.choice(("yes", "yes", "no")) for _ in EXPERTS]
        for expert, answer in zip(EXPERTS, said, strict=True):
            outcome = "timed out" if rng.random() < 0.03 else "answered"
            source = "person" if expert == "ana" else "model"
            heard.append(
                (
                    uuid.uuid4().hex,
                    key,
                    at,
                    expert,
                    source,
                    outcome,
                    answer,
                    answer,
                    None,
                    rng.random(),
                    "probabilities",
                    "[]",
                    100,
                    20,
                    0.0004,
                    rng.lognormvariate(0.2, 0.6),
                )
            )
        yes = said.count("yes")
        decision, answer = ("tie", None) if yes == 2 else ("majority", "yes" if yes > 2 else "no")
        top = max(yes, 4 - yes)
        decided.append(
            (
                uuid.uuid4().hex,
                key,
                at,
                at,
                "majority",
                decision,
                answer,
                "[]",
                False,
                top,
                4,
                top / 4,
                0.3,
                0.95,
                rng.uniform(0, 0.9),
                0.1,
                0.9,
                "fleiss kappa",
                400,
                80,
                0.0016,
                "[]",
            )
        )
    # what is not told here, such as tags, is unknown
    told = {"questions": asked, "responses": heard, "verdicts": decided}
    return Bundle({name: [_whole(name, row) for row in own] for name, own in told.items()})


def _whole(table: str, row: Row) -> Row:
    return (*row, *(None,) * (len(TABLES[table]) - len(row)))


def measures(n: int, since: datetime, share: float) -> pl.DataFrame:
    rng = np.random.default_rng(n)
    start = since + timedelta(days=1) * share
    return pl.DataFrame(
        {
            "asked_at": pl.Series(
                [start.timestamp() * 1e6] * n + rng.random(n).cumsum(), dtype=pl.Float64
            ).cast(pl.Int64),
            "source": [f"policy {k}" for k in rng.integers(0, 8, n)],
            "name": "call finished: seconds",
            "value": rng.lognormal(0, 0.5, n),
            "label": "ok",
        }
    ).with_columns(pl.col("asked_at").cast(pl.Datetime("us", "UTC")))


@dataclass
class Session:
    """One tab: its connection, and the model that holds its address."""

    connection: WebSocketClientConnection
    location: str
    page: str = "overview"
    waiting: dict[str, asyncio.Event] = field(default_factory=dict)
    pushed: int = 0

    async def click(self) -> float:
        """Go to the other page, and return the seconds until it is there."""
        self.page = "operations" if self.page == "overview" else "overview"
        arrived = self.waiting[TITLES[self.page]] = asyncio.Event()
        started = time.perf_counter()
        change = {
            "kind": "ModelChanged",
            "model": {"id": self.location},
            "attr": "search",
            "new": f"?page={self.page}",
        }
        await send(self.connection, "PATCH-DOC", {"events": [change]})
        await asyncio.wait_for(arrived.wait(), 120)
        return time.perf_counter() - started

    async def listen(self) -> None:
        """Read what the server sends until the connection ends."""
        while (text := await self.connection.read_message()) is not None:
            if not isinstance(text, str):
                continue
            for title in list(self.waiting):
                if title in text:
                    self.waiting.pop(title).set()
            self.pushed += '"events"' in text


async def send(connection: WebSocketClientConnection, kind: str, content: object) -> str:
    number = uuid.uuid4().hex
    for part in ({"msgid": number, "msgtype": kind}, {}, content):
        await connection.write_message(json.dumps(part))
    return number


async def heard(connection: WebSocketClientConnection, what: str) -> str:
    while (text := await connection.read_message()) is not None:
        if isinstance(text, str) and what in text:
            return text
    raise ConnectionError(f"the server hung up before it said {what}")


async def opened(port: int) -> tuple[Session, float]:
    """Open a session as a browser does, and return it with the seconds until its page was there."""
    started = time.perf_counter()
    page = (await AsyncHTTPClient().fetch(f"http://localhost:{port}/", request_timeout=300)).body.decode()
    found = re.search(r'"token":"([^"]+)"', page)
    assert found is not None
    request = HTTPRequest(f"ws://localhost:{port}/ws", headers={"Origin": f"http://localhost:{port}"})
    connection = await websocket_connect(request, subprotocols=["bokeh", found[1]], max_message_size=2**28)
    await heard(connection, '"ACK"')
    await send(connection, "PULL-DOC-REQ", {})
    text = await heard(connection, '"roots"')
    roots = json.loads(text)["doc"]["roots"]
    location = next(root["id"] for root in roots if root["name"].endswith("Location"))
    await send(connection, "PATCH-DOC", {"events": [READY]})
    return Session(connection, location), time.perf_counter() - started


@dataclass(frozen=True)
class Used:
    """CPU seconds and bytes of a process at one moment."""

    cpu: float
    memory: int

    @classmethod
    def of(cls, process: psutil.Process) -> Used:
        times, memory = process.cpu_times(), process.memory_full_info()
        return cls(times.user + times.system, memory.uss)


async def measure(port: int, process: psutil.Process, sessions: int, clicks: int, path: Path) -> None:
    first, seconds = await opened(port)
    print(f"first session of a fresh server: {seconds:.2f} s")
    # The second costs what the hundredth does: imports, caches and the first reading are behind.
    second, _ = await opened(port)
    before = Used.of(process)
    tabs = [first, second]
    took = []
    for _ in range(sessions):
        tab, seconds = await opened(port)
        tabs.append(tab)
        took.append(seconds)
    after = Used.of(process)
    listening = [asyncio.create_task(tab.listen()) for tab in tabs]
    print(
        f"{sessions} sessions: {(after.cpu - before.cpu) / sessions:.3f} s of CPU and "
        f"{(after.memory - before.memory) / sessions / 1e6:.2f} MB each; opened in {percentiles(took)}"
    )
    idle = Used.of(process)
    await asyncio.sleep(5)
    print(f"all open, nobody writes: {(Used.of(process).cpu - idle.cpu) / 5:.3f} of a core")
    rng = random.Random(2)

    async def clicking(pace: float) -> list[float]:
        found = []
        for _ in range(clicks):
            found.append(await rng.choice(tabs).click())
            await asyncio.sleep(pace)
        return found

    await clicking(0.0)
    quiet = Used.of(process)
    told = percentiles(await clicking(0.1))
    print(f"a click, nobody writes: {told}; {(Used.of(process).cpu - quiet.cpu) / clicks:.3f} s of CPU each")
    stop = asyncio.Event()
    writing = asyncio.create_task(asyncio.to_thread(written, path, stop))
    await asyncio.sleep(2)
    pushed, busy, at = sum(tab.pushed for tab in tabs), Used.of(process), time.perf_counter()
    told = percentiles(await clicking(0.1))
    spent = time.perf_counter() - at
    print(
        f"a click, 5 questions a second written: {told}; {(Used.of(process).cpu - busy.cpu) / spent:.2f} of a core, "
        f"{(sum(tab.pushed for tab in tabs) - pushed) / spent / len(tabs):.2f} messages a second to each session"
    )
    stop.set()
    print(f"a write meanwhile: {percentiles(await writing)}")
    ended = Used.of(process)
    for tab in tabs:
        tab.connection.close()
    await asyncio.gather(*listening)
    print(f"memory after all that: {(ended.memory - before.memory) / sessions / 1e6:.2f} MB a session")


def written(path: Path, stop: asyncio.Event) -> list[float]:
    """Write five questions a second until told to stop, and return what each took."""
    found = []
    with Store(path) as store:
        while not stop.is_set():
            question = Question(f"Written meanwhile {uuid.uuid4()}", Label("yes", "no"))
            said = [
                Response(
                    question_id=question.id,
                    expert=name,
                    source=Source.MODEL,
                    outcome=Outcome.ANSWERED,
                    answer=answer,
                    latency_s=1.0,
                )
                for name, answer in (("openai:gpt-x", "yes"), ("local:smollm2", "no"))
            ]
            verdict, started = decide(question, said), time.perf_counter()
            store.record(question, said, verdict)
            found.append(time.perf_counter() - started)
            time.sleep(0.2)
    return found


def percentiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"p50 {cuts[49] * 1e3:,.0f} ms, p95 {cuts[94] * 1e3:,.0f} ms, p99 {cuts[98] * 1e3:,.0f} ms ({len(seconds)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--clicks", type=int, default=200)
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--metrics", type=int, default=10_000_000)
    parser.add_argument("--store", type=Path, help="a store of before; it is made when it is not there")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.store or Path(folder) / "history.duckdb"
        if not path.exists():
            started = time.perf_counter()
            fill(path, chosen.questions, chosen.metrics)
            print(
                f"a store of {chosen.questions:,} questions and {chosen.metrics:,} metric rows: "
                f"{path.stat().st_size / 1e6:,.0f} MB in {time.perf_counter() - started:.0f} s"
            )
        command = [
            sys.executable,
            "-c",
            "from consilience.cli import app; app()",
            "serve",
            str(path),
            "--port",
            "0",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            line = next(line for line in server.stdout if " is at http://" in line)
            port = int(line.split(" is at ")[1].split("/")[2].split(":")[1])
            try:
                asyncio.run(measure(port, psutil.Process(server.pid), chosen.sessions, chosen.clicks, path))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
