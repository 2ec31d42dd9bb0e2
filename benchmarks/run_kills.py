"""Kill a run with SIGKILL at random moments, resume it until it is done, and audit what was asked.

    python benchmarks/run_kills.py --kills 100 [--rows 400] [--json FILE]
    python benchmarks/run_kills.py --kills 50 --together 3 [--store postgresql://...]

Each expert appends every call to a file of its own before it answers and again when it has: a ledger that is
independent of the store, and that the kernel keeps when the process is killed; syncing it would hold up the loop that
is measured. What the store holds after a kill must not be asked again by any later process, and in the end every cell
is there, once. A call that ended more than 100 ms before its process was killed should be settled; that is counted
apart, since it depends on what else the machine does.

With ``--together`` so many processes run the same frame at once, and one of them is killed and replaced again and
again. No cell may be asked while another process that lives has asked it.
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
WRONG = (
    "settled and asked again",
    "asked while another had it",
    "lost",
    "settled twice",
    "without response",
    "damaged files",
)

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
with cs.Circle([expert(name) for name in ("ana", "ben", "eva")], store=sys.argv[4]) as circle:
    run = circle.run(frame, "Is this odd? {n}", answer=cs.Label("yes", "no"), key="id", concurrency=16, progress=False)
    result = run.wait_sync()
    print("done", result.frame.height, result.asked, flush=True)
"""


def start(folder: Path, rows: int, seconds: float, store: str = "") -> subprocess.Popen[str]:
    where = store or str(folder / "h.duckdb")
    command = [sys.executable, "-W", "ignore", "-c", CHILD, str(folder), str(rows), str(seconds), where]
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


def kill_among(
    folder: Path, kills: int, rows: int, seconds: float, rng: random.Random, together: int, store: str = ""
) -> dict[int, int]:
    """Have so many processes run at once, kill and replace one again and again; return when (ns) each died."""
    killed: dict[int, int] = {}
    living: list[subprocess.Popen[str]] = []
    while len(killed) < kills:
        while len(living) < together:
            living.append(start(folder, rows, seconds, store))
        time.sleep(rng.uniform(0.2, 1.2))
        child = living.pop(rng.randrange(len(living)))
        before = time.monotonic_ns()
        if child.poll() is None:
            child.kill()
            killed[child.pid] = before
        child.communicate()
    for child in living:
        child.communicate()
    return killed


def audit_among(folder: Path, rows: int, killed: dict[int, int], store: str = "") -> dict[str, int]:
    """Compare the experts' ledgers with each other; return the counts of what must not be."""
    import consilience as cs

    calls, shared, late = 0, 0, 0
    for name in EXPERTS:
        begun: dict[str, list[tuple[int, int]]] = {}
        ended: dict[tuple[str, int], int] = {}
        for line in (folder / f"{name}.calls").read_text(encoding="utf-8").splitlines():
            what, n, at, pid = line.split()
            if what == "ended":
                ended[n, int(pid)] = int(at)
                continue
            calls += 1
            for _, other in begun.setdefault(n, []):
                died = killed.get(other)
                if died is None or died > int(at):
                    shared += 1
                else:
                    late += ended.get((n, other), died) < died - DURABLE * 1e9
            begun[n].append((int(at), int(pid)))
    with cs.Store(store or folder / "h.duckdb") as kept:
        settled = kept.sql(
            "SELECT count(DISTINCT (digest, expert)) FROM cells WHERE state = 'settled'"
        ).item()
    return {
        "kills": len(killed),
        "calls": calls,
        "cells": rows * len(EXPERTS),
        "ended 100 ms before, not yet durable": late,
        "asked while another had it": shared,
        "lost": rows * len(EXPERTS) - settled,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=0.3, help="mean latency of an expert")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--together", type=int, default=1, help="processes that run at once")
    parser.add_argument("--store", default="", help="URL of a PostgreSQL server, with --together")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measured(Path(name), given)
    for what, n in found.items():
        print(f"{what:>40}  {n:,}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.exit(1 if any(found.get(name) for name in WRONG) else 0)


def measured(folder: Path, given: argparse.Namespace) -> dict[str, int]:
    rng = random.Random(given.seed)
    if given.together > 1:
        killed = kill_among(folder, given.kills, given.rows, given.seconds, rng, given.together, given.store)
    else:
        killed, held = kill_and_resume(folder, given.kills, given.rows, given.seconds, rng, tell=True)
        print(file=sys.stderr)
    last = start(folder, given.rows, given.seconds, given.store)
    said = last.communicate()[0].split()
    assert said[-2] == str(given.rows), said
    if given.together > 1:
        return audit_among(folder, given.rows, killed, given.store)
    return audit(folder, given.rows, killed, held)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main()
