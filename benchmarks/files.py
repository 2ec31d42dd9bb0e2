"""Memory and pace of `sources.Files` on text and JSON lines, plain and compressed; each from a process of its own.

python benchmarks/files.py [--megabytes 2000] [--kinds .txt .jsonl .jsonl.gz .jsonl.zst] [--json FILE]

Lines are drawn at random for 64 MB, and these are written again and again: drawing 10 GB takes longer than reading it.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
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
BLOCK_MB = 64


def write(folder: Path, megabytes: int, kind: str) -> Path:
    """Write about so many megabytes of lines before compression."""
    path = folder / f"answers{kind}"
    block = drawn(min(megabytes, BLOCK_MB), is_json="jsonl" in kind)
    with open_packed(path) as stream:
        for _ in range(max(1, round(megabytes * 1e6 / len(block)))):
            stream.write(block)
    return path


def drawn(megabytes: int, *, is_json: bool) -> bytes:
    """Return different lines of about so many megabytes."""
    rng, block, number = random.Random(1), bytearray(), 0
    while len(block) < megabytes * 1e6:
        number += 1
        text = " ".join(rng.choices(WORDS, k=30)) + f" {rng.random()}"
        row = {"id": number, "expert": rng.choice("abcde"), "text": text}
        block += f"{json.dumps(row) if is_json else text}\n".encode()
    return bytes(block)


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

    base = peak_mb()
    started = time.process_time()
    rows, size = asyncio.run(story())
    print(
        json.dumps(
            {
                "rows": rows,
                "text_mb": round(size / 1e6),
                "peak_mb": round(peak_mb(), 1),
                "imports_mb": round(base, 1),
                "cpu_s": round(time.process_time() - started, 2),
                "loop_waited_ms": round(longest * 1e3, 1),
                "polars": pl.__version__,
            }
        )
    )


def peak_mb() -> float:
    """Return this program's peak memory; ru_maxrss would count what its parent held when it began."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the peak is read from /proc/self/status, which this system does not have")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000, help="before compression")
    parser.add_argument("--kinds", nargs="+", default=[".txt", ".jsonl", ".jsonl.gz", ".jsonl.zst"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        read(given.read)
        return
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in given.kinds:
            path = write(Path(folder), given.megabytes, kind)
            runs = [
                json.loads(subprocess.check_output([sys.executable, __file__, "--read", str(path)]))
                for _ in range(given.repeats)
            ]
            result = {
                "file": path.name,
                "file_mb": round(path.stat().st_size / 1e6),
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
