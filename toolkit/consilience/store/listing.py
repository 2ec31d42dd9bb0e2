"""The history on one line a question: what a list of it shows, read by one statement and without the responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from consilience.models import Items, Ranking, Score
from consilience.models.given import check_moments, count
from consilience.verdict import Decision

if TYPE_CHECKING:
    import polars as pl

    from consilience.store.history import History

# Without a text to look for nothing is scanned but the questions.
_LISTED = """
WITH given AS (
    SELECT ?::TEXT AS pattern, ?::TEXT AS expert, ?::TEXT AS kind, ?::TIMESTAMPTZ AS since, ?::TIMESTAMPTZ AS until
), heard_from AS (
    SELECT DISTINCT r.question_id, r.asked_at FROM responses r, given g
    WHERE r.expert = g.expert AND (g.since IS NULL OR r.asked_at >= g.since)
), spoken AS (
    SELECT DISTINCT r.question_id, r.asked_at FROM responses r, given g
    WHERE g.pattern IS NOT NULL AND (g.expert IS NULL OR r.expert = g.expert)
        AND (g.since IS NULL OR r.asked_at >= g.since) AND (g.until IS NULL OR r.asked_at < g.until)
        AND (r.answer ILIKE g.pattern ESCAPE '\\' OR r.raw ILIKE g.pattern ESCAPE '\\')
), chosen AS (
    SELECT q.id, q.asked_at, substr(q.text, 1, 400) AS question, q.answer_kind FROM given g, questions q
    LEFT JOIN spoken s ON s.question_id = q.id AND s.asked_at = q.asked_at
    LEFT JOIN heard_from f ON f.question_id = q.id AND f.asked_at = q.asked_at
    WHERE (g.kind IS NULL OR q.answer_kind = g.kind) AND (g.expert IS NULL OR f.question_id IS NOT NULL)
        AND (g.since IS NULL OR q.asked_at >= g.since) AND (g.until IS NULL OR q.asked_at < g.until)
        AND (g.pattern IS NULL OR s.question_id IS NOT NULL OR q.text ILIKE g.pattern ESCAPE '\\'
            OR q.context ILIKE g.pattern ESCAPE '\\')
    ORDER BY q.asked_at DESC, q.id LIMIT ?
), decided AS (
    SELECT v.*, row_number() OVER (PARTITION BY v.question_id ORDER BY v.decided_at DESC, v.id) AS nth
    FROM verdicts v JOIN chosen q ON v.question_id = q.id AND v.asked_at = q.asked_at
    WHERE v.asked_at >= (SELECT min(asked_at) FROM chosen)
)
SELECT q.id AS question_id, q.asked_at, q.question, q.answer_kind, v.decided_at, v.method, v.decision, v.answer, v.ties,
    v.degraded, v.support_n, v.support_of, v.agreement, v.cost_usd
FROM chosen q LEFT JOIN decided v ON v.question_id = q.id AND v.nth = 1
ORDER BY q.asked_at DESC, q.id
"""

_NEWEST = """
SELECT (SELECT count(*) FROM questions) AS n_questions, (SELECT max(asked_at) FROM questions) AS asked_at,
    (SELECT count(*) FROM verdicts) AS n_verdicts, (SELECT max(decided_at) FROM verdicts) AS decided_at
"""


def listed(
    history: History,
    text: str = "",
    n: int = 1_000,
    *,
    expert: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pl.DataFrame:
    """Return the newest questions that fit, as `History.search` finds them, without their responses; one statement.

    Parameters
    ----------
    history
        A store.
    text, n, expert, kind, since, until
        As in `History.search`.

    Returns
    -------
    polars.DataFrame
        Newest first: ``question_id, asked_at, question`` (its first 400 characters), ``answer_kind, headline`` (the
        newest verdict in one line, null without one), ``decided_at, method, decision, degraded, support_n,
        support_of, agreement, cost_usd``.

    Raises
    ------
    InvalidInput
        A time has no zone, or ``n`` is below 1.

    Examples
    --------
    >>> import tempfile
    >>> from consilience.models import Question
    >>> from consilience.store import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/history.duckdb") as store:
    ...     store.record(Question("Is water wet?"), [], None)
    ...     listed(store, "WATER").select("question", "headline").rows()
    [('Is water wet?', None)]
    """
    import polars as pl

    n = count("The number of rows of listed()", n)
    check_moments(since=since, until=until)
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found = history.read(_LISTED, f"%{escaped}%" if text else None, expert, kind, since, until, n)
    lines = pl.Series("headline", [headline(row) for row in found.iter_rows(named=True)], dtype=pl.String)
    return found.insert_column(found.get_column_index("answer_kind") + 1, lines).drop("answer", "ties")


def newest(history: History) -> tuple[object, ...]:
    """Return what differs as soon as a question or a verdict was added; one short statement."""
    return history.read(_NEWEST).row(0)


def headline(row: Mapping[str, Any]) -> str | None:
    """Return a stored verdict in one line, as `Verdict.headline` says it, from its columns; ``None`` without one.

    Examples
    --------
    >>> headline({"answer_kind": "score", "decision": "pooled", "answer": "7.250000001", "ties": "[]"})
    '7.25'
    """
    decision, answer = row["decision"], row["answer"]
    if decision is None:
        return None
    if decision == Decision.TIE:
        return f"tie: {' | '.join(json.loads(row['ties'] or '[]'))}"
    if answer is None:
        return str(decision)
    if row["answer_kind"] == Items.kind:
        return f"{len(json.loads(answer))} recommendations"
    if row["answer_kind"] == Ranking.kind:
        return " > ".join(json.loads(answer))
    return f"{float(answer):.6g}" if row["answer_kind"] == Score.kind else str(answer)


def experts_of(history: History) -> list[str]:
    """Return the names of all who were ever asked, in alphabetical order; one statement."""
    found = history.read("SELECT DISTINCT expert FROM responses ORDER BY expert LIMIT 1000")
    return [str(name) for name in found["expert"].to_list()]
