"""How fast a store takes rows in and gives them back.

python benchmarks/store_speed.py --questions 100000 --metrics 1000000 --answers 20000 [--store postgresql://...]

Medians of five, wall time beside the CPU time of the process. Reading is split: what opening the file costs under its
locks (``SELECT 1``), and the statement on an open connection.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from consilience.models import Label
from consilience.store import Store
from consilience.store.rows import Bundle, Row

START = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 5
EXPERTS = ("ana", "ben", "eva")


def measured(name: str, work: Callable[[], object], rows: int = 0, rounds: int = ROUNDS) -> None:
    """Print the medians of some rounds."""
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    rate = f"{rows / wall:12,.0f} rows/s, {rows / cpu:12,.0f} rows/s of CPU" if rows else ""
    print(f"{name:45} {wall * 1e3:9,.1f} ms, CPU {cpu * 1e3:9,.1f} ms {rate}", flush=True)


def texts(n: int, size: int) -> list[str]:
    """Return texts of words, which compress about as prose does."""
    words = [uuid.uuid4().hex[: random.randint(2, 9)] for _ in range(5_000)]
    return [" ".join(random.choices(words, k=size // 6))[:size].ljust(size) for _ in range(n)]


def response(question: str, at: datetime, expert: str, text: str) -> Row:
    """Return a row of ``responses``."""
    return (
        *(uuid.uuid4().hex, question, at, expert, "model", "answered", "yes", text, None, 0.5),
        *("token probabilities", "[]", 100, 10, 0.001, 0.5, 1),
    )


def history(store: Store, n: int) -> None:
    """Fill a store with questions, three responses each, and their verdicts."""
    words, spec = texts(1_000, 200), Label("yes", "no").spec()
    for first in range(0, n, 10_000):
        tables: dict[str, list[Row]] = {"questions": [], "responses": [], "verdicts": []}
        for number in range(first, min(first + 10_000, n)):
            name, at = uuid.uuid4().hex, START + timedelta(seconds=number)
            tables["questions"].append(
                (name, at, f"{words[number % 1000]}?", None, "label", spec, "[]", "d", "[]", None)
            )
            tables["responses"] += [response(name, at, e, words[(number + 7) % 1000]) for e in EXPERTS]
            tables["verdicts"].append(
                (
                    *(uuid.uuid4().hex, name, at, at, "majority", "majority", "yes", "[]", False),
                    *(3, 3, 1.0, 0.4, 1.0, None, None, None, None, 300, 30, 0.003, "[]", ""),
                )
            )
        store.write(Bundle(tables))
    store.flush()


def metrics(n: int, seed: int) -> pl.DataFrame:
    """Return metrics as a policy tells them."""
    rng = np.random.default_rng(seed)
    at = 1_770_000_000_000_000 + seed * n * 100 + np.arange(n) * 100

    def some(*words: str) -> pl.Series:
        return pl.Series(np.array(words)[rng.integers(0, len(words), n)])

    return pl.DataFrame(
        {
            "asked_at": pl.Series(at, dtype=pl.Datetime("us", "UTC")),
            "source": some("openai", "anthropic", "local"),
            "name": some("call finished: seconds", "call finished: attempts"),
            "value": rng.random(n),
            "label": some("ok", "AttemptTimedOut"),
        }
    )


def ingest_metrics(store: Store, n: int) -> None:
    frames = [metrics(n, seed) for seed in range(2 * ROUNDS)]
    turns = iter(frames)

    def take() -> None:
        store.put_metrics(next(turns))
        store.flush()

    measured(f"{n:,} metrics, from frame to file", take, n)
    measured("roll-up to minutes and hours", store.maintain, rounds=1)
    measured("roll-up again", store.maintain, rounds=1)


def ingest_answers(store: Store, n: int) -> None:
    said = texts(n, 2_048)
    at = datetime.now(UTC)
    turns = iter([[response("q", at, "ana", text) for text in said] for _ in range(ROUNDS)])

    def take() -> None:
        rows = next(turns)
        for first in range(0, n, 2_000):
            store.write(Bundle({"responses": rows[first : first + 2_000]}))
        store.flush()

    measured(f"{n:,} answers of 2 KB, from rows to file", take, n)


def reads(store: Store) -> None:
    newest = store.latest(1)["question_id"].item()
    from consilience.store.queries import LATEST

    measured("open the file and close it: SELECT 1", lambda: store._read("SELECT 1", ()))  # noqa: SLF001
    with store._keeper.reading(30.0) as reader:  # noqa: SLF001 - the part that is measured
        measured("latest(50), the statement", lambda: reader.run(LATEST, (50,)))
    measured("latest(50)", lambda: store.latest(50))
    measured("question(id)", lambda: store.question(newest))
    measured("search(text)", lambda: store.search("abc d"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--metrics", type=int, default=1_000_000)
    parser.add_argument("--answers", type=int, default=20_000)
    parser.add_argument("--store", help="URL of an empty store that keeps all of it, postgresql://...")
    given = parser.parse_args()
    random.seed(0)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CONSILIENCE_SPOOLS"] = f"{folder}/spools"

        def part(name: str) -> Store:
            return Store(given.store or f"{folder}/{name}.duckdb", interval=3600)

        with part("history") as store:
            history(store, given.questions)
            reads(store)
        with part("metrics") as store:
            ingest_metrics(store, given.metrics)
        with part("answers") as store:
            ingest_answers(store, given.answers)


if __name__ == "__main__":
    main()
