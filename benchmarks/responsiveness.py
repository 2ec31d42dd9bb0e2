"""How long a kernel keeps other threads waiting, and how soon it ends after Ctrl-C.

    python benchmarks/responsiveness.py [--texts 1000000] [--answers 10000000] [--json PATH]

A second thread wakes every millisecond and notes its longest gap while the work runs; the same thread beside plain
sleeping gives the gap that the machine makes by itself. Then the work runs again and is interrupted half way; the
figure is the time from the signal to the KeyboardInterrupt. The whole public call counts, with what Polars does in it.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from consilience import dedup, kernels
from consilience.patterns import PatternSet
from consilience.synthetic import texts

LABELS, EXPERTS, EACH = 4, 100, 5


def works(n_texts: int, n_answers: int) -> dict[str, Callable[[], object]]:
    rows = texts(n_texts)
    some = rows[: min(n_texts, 20_000)]
    random = np.random.default_rng(0)
    tasks = n_answers // EACH
    task = random.permutation(np.repeat(np.arange(tasks, dtype=np.int32), EACH))
    label = random.integers(0, LABELS, n_answers, dtype=np.int32)
    # an expert a place within the task, so that nobody answers twice
    expert = np.empty(n_answers, dtype=np.int32)
    expert[np.argsort(task, kind="stable")] = np.tile(np.arange(EACH, dtype=np.int32), tasks)
    laid = kernels.layout(task, expert, label, tasks, EXPERTS, LABELS)
    patterns = PatternSet([f"word{n} " for n in range(50)] + ["query", "cache"])
    return {
        "near_duplicates": lambda: dedup.near_duplicates(rows, 0.7),
        "similarity": lambda: dedup.similarity(some),
        "scan": lambda: sum(len(frame) for frame in patterns.scan_batches(rows)),
        "layout": lambda: kernels.layout(task, expert, label, tasks, EXPERTS, LABELS),
        "majority": lambda: kernels.majority(task, label, tasks, LABELS),
        "multisets": lambda: kernels.multisets(task, label, tasks, LABELS),
        "dawid_skene": lambda: kernels.dawid_skene(laid, tolerance=-1.0, max_iterations=20),
        "glad": lambda: kernels.glad(laid, max_iterations=5),
    }


def longest_gap(work: Callable[[], object]) -> tuple[float, float]:
    """Return the longest gap of another thread, and how long the work took, in seconds."""
    ended = threading.Event()
    gaps: list[float] = []

    def tick() -> None:
        before = time.perf_counter()
        while not ended.wait(0.001):
            now = time.perf_counter()
            gaps.append(now - before)
            before = now

    ticker = threading.Thread(target=tick)
    ticker.start()
    started = time.perf_counter()
    work()
    taken = time.perf_counter() - started
    ended.set()
    ticker.join()
    return max(gaps, default=taken), taken


def seconds_to_end(work: Callable[[], object], after: float) -> float | None:
    """Return the time from the signal to the exception; None when the work was done before it."""
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.perf_counter())
        signal.pthread_kill(main, signal.SIGINT)

    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(after, interrupt)
    timer.start()
    try:
        work()
        timer.cancel()
        timer.join()
    except KeyboardInterrupt:
        return time.perf_counter() - sent[0]
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--answers", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    rows = []
    print(
        f"kernels: {kernels.backend}\n{'work':<18}{'runs, s':>10}{'longest gap, ms':>18}{'ends after, ms':>17}"
    )
    listed = {"(sleeping)": lambda: time.sleep(2.0)} | works(chosen.texts, chosen.answers)
    for name, work in listed.items():
        gap, taken = longest_gap(work)
        ended = seconds_to_end(work, taken / 2)
        rows.append({"work": name, "seconds": taken, "gap_ms": 1000 * gap, "ends_ms": ended and 1000 * ended})
        end = "too quick" if ended is None else f"{1000 * ended:.0f}"
        print(f"{name:<18}{taken:>10.2f}{1000 * gap:>18.1f}{end:>17}", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
