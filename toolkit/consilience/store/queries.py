"""Statements that read: what the faces of `History` run, whatever the engine."""

from __future__ import annotations

from consilience.store.query import Listed, Query
from consilience.store.schema import TABLES, time_column

_RESPONSES = TABLES["responses"]
_SHOWN_OF_A_RESPONSE = (
    "expert",
    "source",
    "outcome",
    "answer",
    "reason",
    "confidence",
    "latency_s",
    "input_tokens",
    "output_tokens",
    "cost_usd",
)

# A bound of time beside a join lets the engine pass over rows within a row group too: a third less.
_SHOWN = """
), decided AS (
    SELECT v.*, row_number() OVER (PARTITION BY v.question_id ORDER BY v.decided_at DESC, v.id) AS nth
    FROM verdicts v JOIN chosen q ON v.question_id = q.id AND v.asked_at = q.asked_at
    WHERE v.asked_at >= (SELECT min(asked_at) FROM chosen)
), heard AS (
    SELECT r.question_id, {responses} AS responses
    FROM responses r JOIN chosen q ON r.question_id = q.id AND r.asked_at = q.asked_at
    WHERE r.asked_at >= (SELECT min(asked_at) FROM chosen)
    GROUP BY r.question_id
)
SELECT
    q.id AS question_id, q.asked_at, q.text AS question, q.answer_kind,
    v.id AS verdict_id, v.decided_at, v.method, v.decision, v.answer, v.ties, v.degraded,
    v.support_n, v.support_of, v.support_share, v.support_low, v.support_high,
    v.agreement, v.agreement_low, v.agreement_high, v.agreement_method,
    v.input_tokens, v.output_tokens, v.cost_usd, h.responses
FROM chosen q
LEFT JOIN decided v ON v.question_id = q.id AND v.nth = 1
LEFT JOIN heard h ON h.question_id = q.id
ORDER BY q.asked_at DESC, q.id
"""

_NEWEST = """
WITH chosen AS (
    SELECT id, asked_at, text, answer_kind FROM questions ORDER BY asked_at DESC, id LIMIT ?"""

_HOLDING = """
WITH given AS (
    SELECT ?::TEXT AS pattern, ?::TEXT AS expert, ?::TEXT AS kind, ?::TIMESTAMPTZ AS since, ?::TIMESTAMPTZ AS until
), spoken AS (
    SELECT DISTINCT r.question_id, r.asked_at FROM responses r, given g
    WHERE (g.expert IS NULL OR r.expert = g.expert)
        AND (g.since IS NULL OR r.asked_at >= g.since) AND (g.until IS NULL OR r.asked_at < g.until)
        AND (r.answer ILIKE g.pattern ESCAPE '\\' OR r.raw ILIKE g.pattern ESCAPE '\\')
), heard_from AS (
    SELECT DISTINCT r.question_id, r.asked_at FROM responses r, given g WHERE r.expert = g.expert
), chosen AS (
    SELECT q.id, q.asked_at, q.text, q.answer_kind FROM given g, questions q
    LEFT JOIN spoken s ON s.question_id = q.id AND s.asked_at = q.asked_at
    LEFT JOIN heard_from f ON f.question_id = q.id AND f.asked_at = q.asked_at
    WHERE (g.kind IS NULL OR q.answer_kind = g.kind) AND (g.expert IS NULL OR f.question_id IS NOT NULL)
        AND (g.since IS NULL OR q.asked_at >= g.since) AND (g.until IS NULL OR q.asked_at < g.until)
        AND (s.question_id IS NOT NULL OR q.text ILIKE g.pattern ESCAPE '\\' OR q.context ILIKE g.pattern ESCAPE '\\')
    ORDER BY q.asked_at DESC, q.id LIMIT ?"""

_SHORT = {
    "responses": Listed("r", {name: _RESPONSES[name] for name in _SHOWN_OF_A_RESPONSE}, "r.expert, r.id")
}
LATEST = Query(_NEWEST + _SHOWN, _SHORT)
SEARCH = Query(_HOLDING + _SHOWN, _SHORT)

_RECORDED = """
WITH wanted AS (
    SELECT id FROM questions WHERE id = ANY(?::TEXT[])
    UNION SELECT question_id FROM verdicts WHERE id = ANY(?::TEXT[])
), chosen AS (
    SELECT q.* FROM questions q JOIN wanted w ON w.id = q.id
), heard AS (
    SELECT r.question_id, {responses} AS found
    FROM responses r JOIN chosen q ON r.question_id = q.id AND r.asked_at = q.asked_at
    WHERE r.asked_at >= (SELECT min(asked_at) FROM chosen) AND r.asked_at <= (SELECT max(asked_at) FROM chosen)
    GROUP BY r.question_id
), decided AS (
    SELECT v.question_id, {verdicts} AS found
    FROM verdicts v JOIN chosen q ON v.question_id = q.id AND v.asked_at = q.asked_at
    WHERE v.asked_at >= (SELECT min(asked_at) FROM chosen) AND v.asked_at <= (SELECT max(asked_at) FROM chosen)
    GROUP BY v.question_id
), merged AS (
    SELECT m.question_id, {recommendations} AS found
    FROM recommendations m JOIN chosen q ON m.question_id = q.id AND m.asked_at = q.asked_at
    WHERE m.asked_at >= (SELECT min(asked_at) FROM chosen) AND m.asked_at <= (SELECT max(asked_at) FROM chosen)
    GROUP BY m.question_id
), gone_through AS (
    SELECT o.question_id, {rounds} AS found
    FROM rounds o JOIN chosen q ON o.question_id = q.id AND o.asked_at = q.asked_at
    WHERE o.asked_at >= (SELECT min(asked_at) FROM chosen) AND o.asked_at <= (SELECT max(asked_at) FROM chosen)
    GROUP BY o.question_id
)
SELECT q.*, h.found AS responses, d.found AS verdicts, m.found AS recommendations, g.found AS rounds
FROM chosen q
LEFT JOIN heard h ON h.question_id = q.id
LEFT JOIN decided d ON d.question_id = q.id
LEFT JOIN merged m ON m.question_id = q.id
LEFT JOIN gone_through g ON g.question_id = q.id
"""

RECORDED = Query(
    _RECORDED,
    {
        "responses": Listed("r", _RESPONSES, "r.expert, r.id"),
        "verdicts": Listed("v", TABLES["verdicts"], "v.decided_at DESC, v.id"),
        "rounds": Listed("o", TABLES["rounds"], "o.number, o.expert"),
        "recommendations": Listed("m", TABLES["recommendations"], "m.place"),
    },
)

SLOW = "SELECT asked_at, seconds, row_count, text, plan FROM statements ORDER BY seconds DESC, asked_at DESC LIMIT ?"

_HELD = "SELECT '{name}' AS name, {rows} AS rows, min({time}) AS oldest, max({time}) AS newest FROM {name}"
STATUS = " UNION ALL ".join(
    [
        *(_HELD.format(name=name, rows="count(*)", time=time_column(name)) for name in TABLES),
        _HELD.format(name="schema_version", rows="max(version)", time="applied_at"),
    ]
)
