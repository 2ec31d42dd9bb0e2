"""What a run costs over a bare ``asyncio.gather``, and how much memory a long one takes.

    python benchmarks/runs.py [--rows 4000] [--rounds 5] [--json FILE]
    python benchmarks/runs.py --memory [--rows 1000000] [--store] [--file groups|one-group|csv]

The first asks the same three scripted experts the same questions by a bare gather in windows, and by a run with and
without a store and over a store that has all answers, in turn; CPU time, medians of the rounds. The second runs over a
file with 1 KB of words a row in a process of its own, and prints its peak resident memory: Parquet in row groups of
10,000, Parquet in one row group, as pandas writes it, or CSV.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

WINDOW = 64
NAMES = ("ana", "ben", "eva")


def bare(rows: int) -> None:
    import consilience as cs

    experts = [cs.Scripted(name, ["yes"]) for name in NAMES]
    kind = cs.Label("yes", "no")

    async def ask(n: int) -> None:
        question = cs.Question(f"Is this odd? {n}", kind)
        await asyncio.gather(*(expert.answer(question) for expert in experts))

    async def everything() -> None:
        for start in range(0, rows, WINDOW):
            await asyncio.gather(*map(ask, range(start, min(start + WINDOW, rows))))

    asyncio.run(everything())


def run(rows: int, store: str | None) -> None:
    import consilience as cs

    frame = {"id": list(range(rows)), "n": list(range(rows))}
    with cs.Circle([cs.Scripted(name, ["yes"]) for name in NAMES], store=store) as circle:
        made = circle.run(
            frame,
            "Is this odd? {n}",
            answer=cs.Label("yes", "no"),
            key="id",
            concurrency=WINDOW,
            progress=False,
        )
        assert len(made.wait_sync()) == rows


def cpu(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def overhead(rows: int, rounds: int) -> dict[str, float]:
    cells = rows * len(NAMES)
    found: dict[str, list[float]] = {"bare": [], "run": [], "run with store": [], "run again": []}
    with tempfile.TemporaryDirectory() as folder:

        def fresh() -> str:
            return tempfile.mkdtemp(dir=folder) + "/h.duckdb"

        run(64, fresh())  # imports are not measured
        settled = fresh()
        run(rows, settled)
        for _ in range(rounds):
            for name, work in (
                ("bare", lambda: bare(rows)),
                ("run", lambda: run(rows, None)),
                ("run with store", lambda: run(rows, fresh())),
                ("run again", lambda: run(rows, settled)),
            ):
                found[name].append(cpu(work) / cells * 1e6)
    each = {name: statistics.median(values) for name, values in found.items()}
    over = {
        f"{name} over bare": statistics.median(a - b for a, b in zip(found[name], found["bare"], strict=True))
        for name in ("run", "run with store", "run again")
    }
    return each | over


MEMORY = """
import re, sys
from pathlib import Path
import consilience as cs

def peak():  # of this program; ru_maxrss counts what the process was before it became it
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6

path, rows, store = sys.argv[1], int(sys.argv[2]), sys.argv[3] or None
with cs.Circle([cs.Scripted("ana", ["yes"])], store=store) as circle:
    run = circle.run(path, "Is this odd? {text}", answer=cs.Label("yes", "no"), key="id", progress=False)
    before = peak()
    result = run.wait_sync()
    assert len(result) == rows, result
    print(before, peak(), result.seconds)
"""


def texts(numbers: range) -> list[str]:
    letters = random.Random(7)
    words = [
        "".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=letters.randint(2, 9))) for _ in range(20_000)
    ]
    chosen = random.Random(numbers.start)
    return [f"{n} {' '.join(chosen.choices(words, k=180))}"[:1024] for n in numbers]


def write_rows(folder: Path, rows: int, kind: str) -> Path:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    schema = pa.schema({"id": pa.int64(), "text": pa.string()})
    batches: list[pa.RecordBatch] = []
    path = folder / ("rows.csv" if kind == "csv" else "rows.parquet")
    with pa.csv.CSVWriter(path, schema) if kind == "csv" else pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 10_000):
            numbers = range(start, min(start + 10_000, rows))
            batches.append(pa.record_batch({"id": list(numbers), "text": texts(numbers)}, schema=schema))
            if kind != "one-group":
                writer.write_table(pa.Table.from_batches([batches.pop()]))
        if batches:
            writer.write_table(pa.Table.from_batches(batches), row_group_size=rows)
    return path


def memory(rows: int, kind: str, *, kept: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = write_rows(Path(folder), rows, kind)
        store = str(Path(folder) / "h.duckdb") if kept else ""
        command = [sys.executable, "-c", MEMORY, str(path), str(rows), store]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    prepared, peak, seconds = map(float, done.stdout.split())
    return {"rows": rows, "prepared MB": prepared, "peak MB": peak, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--store", action="store_true", help="with --memory: keep the run in a store")
    parser.add_argument("--file", choices=("groups", "one-group", "csv"), default="groups")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.memory:
        found = memory(given.rows or 1_000_000, given.file, kept=given.store)
    else:
        found = overhead(given.rows or 4000, given.rounds)
    unit = "" if given.memory else " us CPU a cell"
    for name, value in found.items():
        print(f"{name:>24}  {value:,.1f}{unit}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
