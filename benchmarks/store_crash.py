"""Kill writers and ingesters with ``kill -9`` at random moments, and count what is lost, doubled or unreadable.

Two processes write to one store: one records only, the other records, ingests without a pause, and rolls up and
compacts the file every fifth time, so that most of its kills fall into a transaction, a checkpoint, a copy or the
removal of segments. Each acknowledged question with its metric (``record`` and ``put_metrics`` returned) is counted
through a pipe. After each kill a reader opens the store, and a new process takes the dead one's place. Run it as::

    python benchmarks/store_crash.py --kills 100 [--store postgresql://...]

It ends with status 1 when anything was lost, doubled, torn (a question without its responses or verdict) or unreadable.
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
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from consilience.errors import StoreError
from consilience.models import Label, Outcome, Question, Response, Source
from consilience.store import Store
from consilience.verdict import decide

EXPERTS = ("ana", "ben", "eva")


def record_one(store: Store) -> str:
    """Record a question with three responses and a verdict, and return its id."""
    question = Question("Is water wet?", Label("yes", "no"))
    said = [
        Response(
            question_id=question.id,
            expert=expert,
            source=Source.SCRIPTED,
            outcome=Outcome.ANSWERED,
            answer="yes",
        )
        for expert in EXPERTS
    ]
    store.record(question, said, decide(question, said))
    now = datetime.now(UTC)
    store.put_metrics(
        {"asked_at": [now], "source": ["crash"], "name": ["asked"], "value": [1.0], "label": [question.id]}
    )
    return question.id


def write_until_killed(path: str, *, ingest: bool) -> None:
    """Record for ever, saying each acknowledged id on standard output."""
    store = Store(path, interval=0.02 if ingest else 3600)
    for turn in count(1):
        os.write(1, f"{record_one(store)}\n".encode())
        if ingest:
            store.flush()
        if ingest and turn % 5 == 0:
            store.maintain()
            store.compact()


class Victim:
    """A process that writes, and what it acknowledged."""

    def __init__(self, path: str, *, ingest: bool) -> None:
        self.ingest = ingest
        self.acknowledged: list[str] = []
        self.first = threading.Event()
        command = [sys.executable, __file__, "--write", path, *(["--ingest"] if ingest else [])]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith(b"\n"):  # A line that the kill cut short acknowledges nothing.
                self.acknowledged.append(line.decode().strip())
                self.first.set()
        self.first.set()

    def kill(self) -> list[str]:
        """End it without warning, and return all it acknowledged."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._listener.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self.acknowledged


def crash(path: str, kills: int, rng: random.Random) -> dict[str, int]:
    """Kill as often as asked, and return what was found."""
    acknowledged: list[str] = []
    unreadable = mid_write = 0
    victims = [Victim(path, ingest=False), Victim(path, ingest=True)]
    for _ in range(kills):
        turn = rng.randrange(2)
        victims[turn].first.wait(60)
        time.sleep(rng.uniform(0.0, 0.3))
        acknowledged += victims[turn].kill()
        mid_write += Path(f"{path}.wal").exists()
        unreadable += not readable(path)
        victims[turn] = Victim(path, ingest=victims[turn].ingest)
    for victim in victims:
        victim.first.wait(60)
        acknowledged += victim.kill()
    return {"kills": kills, "logs_left": mid_write} | counted(path, acknowledged) | {"unreadable": unreadable}


def readable(path: str) -> bool:
    """Whether a reader opens the store."""
    try:
        with Store(path) as store:
            store.sql("SELECT count(*) FROM questions")
    except StoreError as error:
        print(error, file=sys.stderr)
        return False
    return True


def counted(path: str, acknowledged: list[str]) -> dict[str, int]:
    """Compare what was acknowledged with what the store holds."""
    with Store(path) as store:
        store.flush()
        held = store.sql("SELECT id FROM questions", limit=None)["id"].to_list()
        measured = store.sql("SELECT label FROM metrics", limit=None)["label"].to_list()
        doubled = len(measured) - len(set(measured))
        doubled += sum(
            store.sql(f"SELECT count(*) - count(DISTINCT id) FROM {table}").item()  # noqa: S608 - names from here
            for table in ("questions", "responses", "verdicts")
        )
        torn = store.sql(
            "SELECT count(*) FROM questions q WHERE "
            "(SELECT count(*) FROM responses r WHERE r.question_id = q.id) <> ? OR "
            "(SELECT count(*) FROM verdicts v WHERE v.question_id = q.id) <> 1",
            len(EXPERTS),
        ).item()
    return {
        "acknowledged": len(acknowledged),
        "found": len(set(acknowledged) & set(held)),
        "lost": len(set(acknowledged) - set(held)) + len(set(acknowledged) - set(measured)),
        "doubled": doubled,
        "torn": torn,
    }


@contextmanager
def folder(given: Path | None) -> Iterator[Path]:
    """Yield the given folder, or one that is removed afterwards."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def main() -> int:
    """Run as a program; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keep the store here; a temporary folder by default")
    parser.add_argument("--store", help="URL of an empty store to use instead, postgresql://...")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    parser.add_argument("--ingest", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        write_until_killed(given.write, ingest=given.ingest)
    with folder(given.folder) as place:
        figures = crash(given.store or str(place / "history.duckdb"), given.kills, random.Random(given.seed))
    if given.json:
        print(json.dumps(figures))
    else:
        print("  ".join(f"{name:>12}" for name in figures))
        print("  ".join(f"{value:>12,}" for value in figures.values()))
    return int(any(figures[name] for name in ("lost", "doubled", "torn", "unreadable")))


if __name__ == "__main__":
    sys.exit(main())
