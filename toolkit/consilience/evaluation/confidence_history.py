"""What a store knows of experts' confidence: each answer with one, and whether it was right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.errors import InvalidFrame, InvalidInput
from consilience.evaluation.confidence import CalibratedConfidence, calibrate
from consilience.frames import Frame, to_polars
from consilience.models.reading import choice_key

if TYPE_CHECKING:
    import polars as pl

    from consilience.store import Store

_ANSWERS = """
SELECT r.question_id, q.text, r.expert, r.answer, r.confidence, r.confidence_source, r.asked_at
FROM responses r JOIN questions q ON q.id = r.question_id AND q.asked_at = r.asked_at
WHERE q.answer_kind = 'label' AND r.outcome = 'answered' AND r.answer IS NOT NULL
ORDER BY r.asked_at DESC, r.id LIMIT ?
"""


def confidence_history(store: Store, gold: Frame | None = None, *, n: int = 200_000) -> pl.DataFrame:
    """Return the stored answers to labelled questions with their confidence, and whether they were right.

    Parameters
    ----------
    store
        A circle's history.
    gold
        Known answers: a frame with ``label`` and ``question`` (the text) or ``question_id``. Without it, *right* is
        what more than half of the other experts said, of two or more; an expert's own answer never counts for it.
    n
        Newest answers that are read.

    Returns
    -------
    polars.DataFrame
        ``question_id``, ``expert``, ``answer``, ``confidence``, ``confidence_source``, ``right`` (null where unknown).

    Raises
    ------
    InvalidFrame
        Gold has not these columns.
    StoreError
        The store cannot be read.
    """
    import polars as pl

    if n < 1:
        raise InvalidInput(f"confidence_history() reads a number of answers from 1 up, {n} came.")
    answers = store.read(_ANSWERS, n).unique(
        ["question_id", "expert"], keep="first", maintain_order=True
    )  # the newest of an expert, where it was asked several times
    keyed = answers.with_columns(key=pl.col("answer").map_elements(choice_key, return_dtype=pl.String))
    judged = _by_others(keyed) if gold is None else _by_gold(keyed, gold)
    columns = ["question_id", "expert", "answer", "confidence", "confidence_source", "right"]
    return judged.drop_nulls("confidence").select(columns)


def calibrate_from(store: Store, gold: Frame | None = None, *, n: int = 200_000) -> CalibratedConfidence:
    """Calibrate experts' confidence by what a store knows of it: `calibrate` over `confidence_history`.

    Examples
    --------
    >>> import tempfile
    >>> import consilience as cs
    >>> sure = cs.Reply("yes", 0.99, cs.models.ConfidenceSource.SELF_REPORTED)
    >>> with tempfile.TemporaryDirectory() as folder, cs.Store(f"{folder}/history.duckdb") as store:
    ...     circle = cs.Circle([cs.Scripted("ana", [sure])], store=store)
    ...     verdict = circle.ask_sync("Is it?", answer=cs.Label("yes", "no"))
    ...     found = calibrate_from(store, {"question": ["Is it?"], "label": ["no"]})
    >>> found.curves[0].answers, found.curves[0].right, found.curves[0].method
    (1, 0, 'none')
    """
    found = confidence_history(store, gold, n=n)
    return calibrate(found, against="the others" if gold is None else "gold")


def _by_gold(answers: pl.DataFrame, gold: Frame) -> pl.DataFrame:
    import polars as pl

    known = to_polars(gold)
    on = next((name for name in ("question_id", "question") if name in known.columns), None)
    if on is None or "label" not in known.columns:
        raise InvalidFrame(
            f"Gold has the columns 'label' and 'question' or 'question_id', {', '.join(known.columns)} came."
        )
    truth = known.select(
        pl.col(on).cast(pl.String).alias("question_id" if on == "question_id" else "text"),
        truth=pl.col("label").cast(pl.String).map_elements(choice_key, return_dtype=pl.String),
    ).unique()
    by = truth.columns[0]
    twice = truth[by].is_duplicated()
    if twice.any():
        raise InvalidFrame(f"Gold has one label a question, {truth[by].filter(twice)[0]!r} has several.")
    return answers.join(truth, on=by, how="left").with_columns(right=pl.col("key") == pl.col("truth"))


def _by_others(answers: pl.DataFrame) -> pl.DataFrame:
    """Judge each answer by a strict majority of the other experts' answers to the same question."""
    import polars as pl

    votes = answers.group_by("question_id", "key").len("votes").sort("votes", descending=True)
    most = votes.group_by("question_id", maintain_order=True).agg(
        pl.col("key").first().alias("first"),
        pl.col("votes").first().alias("n_first"),
        pl.col("votes").shift(-1).first().fill_null(0).alias("n_second"),
        pl.col("votes").sum().alias("of"),
    )
    others = pl.col("of") - 1
    against = pl.when(pl.col("key") == pl.col("first")).then("n_second").otherwise("n_first")
    right = (
        pl.when(others < 2)
        .then(None)
        .when((pl.col("votes") - 1) * 2 > others)
        .then(True)
        .when(against * 2 > others)
        .then(False)
    )
    joined = answers.join(votes, on=["question_id", "key"]).join(most, on="question_id")
    return joined.with_columns(right=right)
