"""The ledger of a run: each cell is reserved, then settled, in the store.

A cell is one expert's answer to one question: (question digest, expert, prompt hash, answer kind, replicate). Rows are
only added. A cell is settled by a row *settled* beside the response that it points to. It is under way while a row
*reserved* stands whose run lives: every run holds a lock file that the kernel lets go when its process ends, so that
what a killed process had reserved is free at once. Of two reservations the one that entered the table first holds,
until its run says that the cell failed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from consilience.experts.base import Expert
from consilience.models import Outcome, Question, Response
from consilience.provenance import circle_id, provenance
from consilience.store.query import Query
from consilience.store.recorded import response_of
from consilience.store.rows import Bundle, Row, bundle, response_row, storable

if TYPE_CHECKING:
    from consilience.store import Store
    from consilience.verdict import Verdict

SETTLED = frozenset({Outcome.ANSWERED, Outcome.ABSTAINED, Outcome.REFUSED, Outcome.UNPARSEABLE})
"""What was paid for and said. A timeout, a failure, an open circuit and a spent budget are asked again."""

_SETTINGS = ("persona", "examples", "temperature", "seed", "base_url", "model")
_SAVED = """
WITH own AS (
    SELECT * FROM (
        SELECT c.digest, c.expert AS member, c.replicate, r.*, row_number() OVER (
            PARTITION BY c.digest, c.expert, c.prompt_hash, c.replicate ORDER BY c.asked_at, c.id
        ) AS nth
        FROM cells c
        JOIN responses r ON r.id = c.response_id AND r.asked_at = c.asked_at
        WHERE c.state = 'settled' AND c.answer_kind = ? AND c.digest IN (SELECT unnest(?::TEXT[]))
            AND c.expert || ' ' || c.prompt_hash = ANY(?::TEXT[])
    ) numbered WHERE nth = 1
), told AS (
    SELECT v.question_id, v.asked_at, v.method, v.heard, row_number() OVER (
        PARTITION BY v.question_id, v.asked_at ORDER BY v.decided_at DESC, v.id
    ) AS nth
    FROM verdicts v
    WHERE EXISTS (SELECT 1 FROM own o WHERE o.question_id = v.question_id AND o.asked_at = v.asked_at)
)
SELECT o.*, t.method, t.heard
FROM own o LEFT JOIN told t ON t.question_id = o.question_id AND t.asked_at = o.asked_at AND t.nth = 1
"""
_RUNS = """
SELECT DISTINCT state, run_id FROM cells
WHERE state IN ('settled', 'reserved') AND digest IN (SELECT unnest(?::TEXT[]))
    AND expert || ' ' || prompt_hash = ANY(?::TEXT[]) AND answer_kind = ?
"""
_RESERVED = Query("""
SELECT digest, expert, replicate, run_id, state FROM cells
WHERE state IN ('reserved', 'failed') AND digest IN (SELECT unnest(?::TEXT[]))
    AND expert || ' ' || prompt_hash = ANY(?::TEXT[]) AND answer_kind = ? AND run_id = ANY(?::TEXT[])
ORDER BY {entered}
""")
_ANY = """
SELECT 1 FROM cells
WHERE state = 'settled' AND answer_kind = ? AND expert || ' ' || prompt_hash = ANY(?::TEXT[]) LIMIT 1
"""
_OTHERS = """
SELECT 1 FROM cells
WHERE run_id <> ? AND answer_kind = ? AND expert || ' ' || prompt_hash = ANY(?::TEXT[]) LIMIT 1
"""
_COUNT = """
SELECT expert, count(DISTINCT (digest, replicate)) FROM cells
WHERE state = 'settled' AND answer_kind = ? AND digest IN (SELECT unnest(?::TEXT[]))
    AND expert || ' ' || prompt_hash = ANY(?::TEXT[]) AND replicate < ?
GROUP BY expert
"""
_LEASE = timedelta(hours=1)  # read by earlier versions only, which share the file


class Cell(NamedTuple):
    """One expert's answer to one question, by what makes it another one.

    Parameters
    ----------
    digest
        `Question.digest`, which covers the prompt's text, examples, context and answer kind.
    expert
        Name.
    replicate
        From 0.
    """

    digest: str
    expert: str
    replicate: int


class Saved(NamedTuple):
    """A settled cell: the response, and of its question's newest verdict the method, and whom it counts, if any."""

    response: Response
    asked_at: datetime
    method: str | None
    heard: str | None


class Standing(NamedTuple):
    """How the cells of some questions stand.

    Parameters
    ----------
    elsewhere
        Those that another living run reserved before this one.
    settled
        Whether any of them is settled, or may be.
    """

    elsewhere: frozenset[Cell]
    settled: bool


def prompt_hash(expert: Expert) -> str:
    """Return a hash of what an expert adds to a question: its persona, examples, model and sampling.

    An expert says so itself by an attribute ``prompt_hash``; otherwise those of its attributes count that are so named.

    Examples
    --------
    >>> from consilience.experts.scripted import Scripted
    >>> prompt_hash(Scripted("ana", ["yes"])) == prompt_hash(Scripted("ben", ["no"]))
    True
    """
    own = getattr(expert, "prompt_hash", None)
    if isinstance(own, str):
        return own
    found = [getattr(expert, name, getattr(expert, f"_{name}", None)) for name in _SETTINGS]
    return hashlib.sha256(repr(found).encode(errors="surrogatepass")).hexdigest()[:16]


class Ledger:
    """The cells of one run in a store.

    Parameters
    ----------
    store
        Where they are kept.
    experts
        Who is asked.
    answer_spec
        The answer kind as text.

    Attributes
    ----------
    run_id
        A UUID; every execution of a run has its own.
    """

    def __init__(self, store: Store, experts: Sequence[Expert], answer_spec: str) -> None:
        self.store = store
        self.run_id = uuid.uuid4().hex
        self._experts = tuple(experts)
        self._hashes = {expert.name: prompt_hash(expert) for expert in experts}
        self._named = {name: (storable(name), value) for name, value in self._hashes.items()}
        self._members = [f"{name} {value}" for name, value in self._named.values()]
        self.circle = circle_id(experts)
        self._numbers = itertools.count()
        self._ended: set[str] = set()
        self._first: bool | None = None
        self._said: tuple[str, str, str, str | None, int, int] | None = None
        self._kind = hashlib.sha256(storable(answer_spec).encode()).hexdigest()[:16]
        self.alive = store.living(self.run_id)

    def holds_any(self) -> bool:
        """Whether any cell of these experts and this kind is settled."""
        found = self.store.read(_ANY, self._kind, self._members)
        return bool(found.height)

    def count_settled(self, digests: Sequence[str], replicates: int) -> dict[str, int]:
        """Return how many cells of these questions are settled, expert by expert."""
        found = self.store.read(_COUNT, self._kind, list(digests), self._members, replicates)
        return dict(found.iter_rows())

    def alone(self) -> bool:
        """Whether no other run has written, or reserved, what is not in the tables; called after `reserve`."""
        undisturbed = self.alive.undisturbed()
        if not undisturbed:
            self._first = None
        return undisturbed

    def first(self) -> bool:
        """Whether nobody but this run has cells of these experts and this kind; asked while it is `alone`.

        The tables are read once, and again only after something else was there.
        """
        if self._first is None:
            found = self.store.read(_OTHERS, self.run_id, self._kind, self._members, waiting=False)
            self._first = not found.height
        return self._first

    def settled(self, by_digest: Mapping[str, Question], *, alone: bool = False) -> dict[Cell, Saved]:
        """Return what is settled of questions that are given by their digest, by one statement."""
        found = self.store.read(_SAVED, self._kind, list(by_digest), self._members, waiting=not alone)
        return {
            Cell(row["digest"], row["member"], row["replicate"]): Saved(
                _own(response_of(row, by_digest[row["digest"]]), row["question_id"]),
                row["asked_at"],
                row["method"],
                row["heard"],
            )
            for row in found.iter_rows(named=True)
        }

    def reserve(self, cells: Iterable[Cell], asked_at: datetime) -> None:
        """Reserve cells; durable when this returns."""
        until = asked_at + _LEASE
        rows = [self._row(cell, "reserved", asked_at, until, None) for cell in cells]
        if rows:
            self.store.write(Bundle({"cells": rows}))

    def standing(self, cells: Collection[Cell]) -> Standing:
        """Return how cells stand that this run has reserved; others' rows are taken into the tables for that.

        Runs that were killed leave what they had reserved, so those that live are found first, and only theirs is read.

        What a run that has just ended wrote last may still lie in the spool. A cell is reserved here once more: that is
        written after it, so that the next reading of the store sees both.
        """
        asked = list({cell.digest for cell in cells}), self._members, self._kind
        found = self.store.read(_RUNS, *asked).rows()
        others = {run_id for state, run_id in found if state == "reserved"} - {self.run_id}
        living = self.alive.others(others)
        ended = others - living - self._ended
        self._ended |= ended
        if ended:
            self.reserve([next(iter(cells))], datetime.now(UTC))
        elsewhere = self._held(asked, living) if living else frozenset()
        return Standing(elsewhere, bool(ended) or any(state == "settled" for state, _ in found))

    def _held(self, asked: tuple[object, ...], living: frozenset[str]) -> frozenset[Cell]:
        """Return the cells that one of these runs reserved before this one, and has not failed to get since."""
        rows = self.store.read(_RESERVED, *asked, [*living, self.run_id], waiting=False).rows()
        # A run that failed to get a cell is done with it, also where a row with the same prompt reserved it once more.
        failed = {(Cell(*names), run_id) for *names, run_id, state in rows if state == "failed"}
        holders: dict[Cell, str] = {}
        for *names, run_id, _ in rows:
            if (Cell(*names), run_id) not in failed:
                holders.setdefault(Cell(*names), run_id)
        return frozenset(cell for cell, run_id in holders.items() if run_id != self.run_id)

    def rows(self, cell: Cell, response: Response, question: Question) -> Bundle:
        """Return the rows that settle a cell, or say that it failed."""
        state = "settled" if response.outcome in SETTLED else "failed"
        row = self._row(cell, state, question.asked_at, None, response.id)
        return Bundle({"responses": [response_row(response, question.asked_at)], "cells": [row]})

    def decided(self, verdict: Verdict, withheld: Iterable[Response] = ()) -> Bundle:
        """Return the rows of a question and its verdict, and of the responses of those who were not asked."""
        return bundle(verdict.question, withheld, verdict, self.circle)

    def started(self, prompt: str, spec: str, key: str | None, n_rows: int, replicates: int) -> None:
        """Say in the table of runs that this one begins, and who is asked in that of experts."""
        self._said = (
            prompt,
            spec,
            json.dumps(list(self._hashes), ensure_ascii=False),
            key,
            n_rows,
            replicates,
        )
        self.store.write(
            Bundle(
                {**self._state("started", None, None, None, None).tables, **provenance(self._experts).tables}
            )
        )

    @property
    def begun(self) -> bool:
        """Whether it was said that the run began."""
        return self._said is not None

    def ended(self, state: str, asked: int, reused: int, failed: int, cost: float | None) -> Bundle:
        """Return the row that says how it ended."""
        return self._state(state, asked, reused, failed, cost)

    def _state(
        self, state: str, asked: int | None, reused: int | None, failed: int | None, cost: float | None
    ) -> Bundle:
        assert self._said is not None
        prompt, spec, experts, key, n_rows, replicates = self._said
        column = None if key is None else storable(key)
        said: Row = (storable(prompt), storable(spec), storable(experts), column, n_rows, replicates)
        row: Row = (
            uuid.uuid4().hex,
            datetime.now(UTC),
            self.run_id,
            state,
            *said,
            asked,
            reused,
            failed,
            cost,
        )
        return Bundle({"runs": [row]})

    def _row(
        self, cell: Cell, state: str, asked_at: datetime, until: datetime | None, response: str | None
    ) -> Row:
        expert, hashed = self._named[cell.expert]
        return (
            f"{self.run_id}-{next(self._numbers)}",
            asked_at,
            self.run_id,
            state,
            cell.digest,
            expert,
            hashed,
            self._kind,
            cell.replicate,
            until,
            response,
        )


def _own(response: Response, question_id: str) -> Response:
    # The question it was an answer to, which may be another one with the same words.
    object.__setattr__(response, "question_id", question_id)
    return response
