"""Kill a run with SIGKILL at random moments, resume it until it is done, and audit what was asked.

    python benchmarks/run_kills.py --kills 100 [--rows 400] [--json FILE]

Each expert appends every call to a file of its own before it answers and again when it has: a ledger that is
independent of the store, and that the kernel keeps when the process is killed; syncing it would hold up the loop that
is measured. What the store holds after a kill must not be asked again by any later process, and in the end every cell
is there, once. A call that ended more than 100 ms before its process was killed should be settled; that is counted
apart, since it depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

DURABLE = 0.1
SETTLED = "SELECT expert || ' ' || digest AS cell FROM cells WHERE state = 'settled'"
EXPERTS = ("ana", "ben", "eva")

CHILD = """
import asyncio, os, random, sys, time
import consilience as cs

folder, rows, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])


def write(path, text):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.write(fd, text.encode())
    os.close(fd)


asked = []


def expert(name):
    async def answer(question):
        if not asked:
            print("asking", flush=True)
        asked.append(name)
        path = os.path.join(folder, name + ".calls")
        n = question.text.split()[-1]
        write(path, f"begun {n} {time.monotonic_ns()} {os.getpid()}\\n")
        await asyncio.sleep(random.uniform(0, 2 * seconds))
        write(path, f"ended {n} {time.monotonic_ns()} {os.getpid()}\\n")
        return "yes" if int(n) % 3 else "no"
    return cs.experts.base.FunctionExpert(answer, name)


import consilience.experts.base
frame = {"id": list(range(rows)), "n": list(range(rows))}
with cs.Circle([expert(name) for name in ("ana", "ben", "eva")], store=os.path.join(folder, "h.duckdb")) as circle:
    run = circle.run(frame, "Is this odd? {n}", answer=cs.Label("yes", "no"), key="id", concurrency=16, progress=False)
    result = run.wait_sync()
    print("done", result.frame.height, result.asked, flush=True)
"""


def start(folder: Path, rows: int, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-c", CHILD, str(folder), str(rows), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill_and_resume(
    folder: Path, kills: int, rows: int, seconds: float, rng: random.Random, *, tell: bool
) -> tuple[dict[int, int], list[tuple[int, set[str]]]]:
    """Return when (ns) each process died, by its id, and what the store held as settled after that."""
    import consilience as cs

    killed: dict[int, int] = {}
    held: list[tuple[int, set[str]]] = []
    while len(killed) < kills:
        child = start(folder, rows, seconds)
        assert child.stdout is not None
        # Three of four from the first call on, the fourth while it starts.
        if rng.random() < 0.75:
            child.stdout.readline()
        wait = rng.uniform(0.0, 1.0)
        try:
            child.wait(wait)
            break  # it was done before the moment came
        except subprocess.TimeoutExpired:
            before = time.monotonic_ns()
            child.send_signal(signal.SIGKILL)
            child.wait()
            killed[child.pid] = before
            with cs.Store(folder / "h.duckdb") as store:
                known = (
                    "cells" in store.sql("SHOW TABLES")["name"].to_list() if store.path.exists() else False
                )
                settled = set(store.sql(SETTLED)["cell"]) if known else set()
            held.append((time.monotonic_ns(), settled))
        finally:
            child.stdout.close()
        if tell:
            print(f"\r{len(killed)} kills", end="", file=sys.stderr, flush=True)
    return killed, held


def audit(
    folder: Path, rows: int, killed: dict[int, int], held: list[tuple[int, set[str]]]
) -> dict[str, int]:
    """Compare the experts' own ledgers with the store; return the counts of what must not be."""
    import consilience as cs

    calls, again, late, in_flight = 0, 0, 0, 0
    kind = cs.Label("yes", "no")
    digests = {str(n): cs.Question(f"Is this odd? {n}", kind).digest for n in range(rows)}
    for name in EXPERTS:
        ended: dict[str, list[int]] = {}
        begun: Counter[str] = Counter()
        for line in (folder / f"{name}.calls").read_text(encoding="utf-8").splitlines():
            what, n, at, pid = line.split()
            if what == "begun":
                begun[n] += 1
                calls += 1
                late += any(ended.get(n, ()))
                before = [settled for moment, settled in held if moment < int(at)]
                again += bool(before) and f"{name} {digests[n]}" in before[-1]
            else:
                died = killed.get(int(pid))
                durable = died is None or int(at) < died - DURABLE * 1e9
                ended.setdefault(n, []).append(int(durable))
        in_flight += sum(count - 1 for count in begun.values())
    with cs.Store(folder / "h.duckdb") as store:
        cells = store.sql(
            "SELECT count(*) AS n, count(DISTINCT (digest, expert)) AS d FROM cells WHERE state = 'settled'"
        )
        lost = rows * len(EXPERTS) - cells["d"].item()
        dangling = store.sql(
            "SELECT count(*) FROM cells c WHERE state = 'settled' AND NOT EXISTS "
            "(SELECT 1 FROM responses r WHERE r.id = c.response_id)"
        ).item()
        undecided = store.sql(
            "SELECT count(*) FROM questions q WHERE NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.question_id = q.id)"
        ).item()
    quarantined = len(list((folder / "h.duckdb.spool").glob("quarantine/*")))
    return {
        "kills": len(killed),
        "calls": calls,
        "cells": rows * len(EXPERTS),
        "repeated, in flight or within 100 ms": in_flight - late,
        "ended 100 ms before, not yet durable": late,
        "settled and asked again": again,
        "lost": int(lost),
        "settled twice": int(cells["n"].item() - cells["d"].item()),
        "without response": int(dangling),
        "questions without verdict": int(undecided),
        "damaged files": quarantined,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=0.3, help="mean latency of an expert")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = random.Random(given.seed)
        killed, held = kill_and_resume(folder, given.kills, given.rows, given.seconds, rng, tell=True)
        print(file=sys.stderr)
        last = start(folder, given.rows, given.seconds)
        said = last.communicate()[0].split()
        assert said[-2] == str(given.rows), said
        found = audit(folder, given.rows, killed, held)
    for what, n in found.items():
        print(f"{what:>40}  {n:,}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    wrong = sum(
        found[name] for name in ("settled and asked again", "lost", "settled twice", "without response")
    )
    sys.exit(1 if wrong + found["damaged files"] else 0)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main()
