"""Memory and pace of `sources.Files` on compressed JSON lines; each figure from a process of its own.

python benchmarks/files.py [--megabytes 2000] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = [
    "orders",
    "table",
    "tenant",
    "shard",
    "index",
    "query",
    "slow",
    "latency",
    "cache",
    "écrit",
    "日本",
    "retry",
]
LIMIT_MB = 200


def write(folder: Path, megabytes: int, packed: str) -> Path:
    """Write about so many megabytes of JSON lines, all different, before compression."""
    rng = random.Random(1)
    path = folder / f"answers.jsonl{packed}"
    opened = open_packed(path)
    written = number = 0
    with opened as stream:
        while written < megabytes * 1e6:
            rows = []
            for _ in range(2000):
                number += 1
                text = " ".join(rng.choices(WORDS, k=30)) + f" {rng.random()}"
                rows.append(json.dumps({"id": number, "expert": rng.choice("abcde"), "text": text}))
            block = ("\n".join(rows) + "\n").encode()
            written += len(block)
            stream.write(block)
    return path


def open_packed(path: Path):
    if path.suffix == ".gz":
        return gzip.open(path, "wb", compresslevel=1)
    if path.suffix == ".zst":
        import pyarrow as pa

        return pa.CompressedOutputStream(str(path), "zstd")
    return path.open("wb")


def read(path: str) -> None:
    """Read a file and print the peak of this process's memory, CPU seconds and the longest time the loop waited."""
    import polars as pl  # what importing costs is part of neither figure but the peak

    from consilience.sources import Files

    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        before = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            longest = max(longest, now - before - 0.005)
            before = now

    async def story() -> tuple[int, int]:
        ticking = asyncio.create_task(tick())
        rows = size = 0
        async for batch in Files(path).batches(rows=10_000):
            rows += batch.height
            size += int(batch["text"].str.len_bytes().sum())
        ticking.cancel()
        return rows, size

    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.process_time()
    rows, size = asyncio.run(story())
    print(
        json.dumps(
            {
                "rows": rows,
                "text_mb": round(size / 1e6),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
                "imports_mb": round(base, 1),
                "cpu_s": round(time.process_time() - started, 2),
                "loop_waited_ms": round(longest * 1e3, 1),
                "polars": pl.__version__,
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000, help="before compression")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        read(given.read)
        return
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for packed in (".gz", ".zst"):
            path = write(Path(folder), given.megabytes, packed)
            runs = [
                json.loads(subprocess.check_output([sys.executable, __file__, "--read", str(path)]))
                for _ in range(given.repeats)
            ]
            result = {
                "file": path.name,
                "compressed_mb": round(path.stat().st_size / 1e6),
                "plain_mb": given.megabytes,
                "rows": runs[0]["rows"],
                "peak_mb": max(run["peak_mb"] for run in runs),
                "imports_mb": max(run["imports_mb"] for run in runs),
                "cpu_s": statistics.median(run["cpu_s"] for run in runs),
                "loop_waited_ms": statistics.median(run["loop_waited_ms"] for run in runs),
            }
            results.append(result)
            print(result, "" if result["peak_mb"] < LIMIT_MB else f"above {LIMIT_MB} MB")
            path.unlink()
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
