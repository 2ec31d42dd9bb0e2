"""What a run gave: one row a question, its displays, and what to look at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidFrame, InvalidInput, Unparseable
from consilience.frames import Frame, require_columns, to_polars
from consilience.markup.displayed import Displayed
from consilience.markup.plain import plain
from consilience.models.given import count
from consilience.runs.collected import ROW_NUMBER

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from consilience.evaluation import CircleReport, ScoreReport, UnverifiedReport
    from consilience.models import Question
    from consilience.runs.rows import Rows
    from consilience.runs.tally import Failure
    from consilience.runs.work import Job
    from consilience.store import Store

COLUMNS = (
    "answer",
    "decision",
    "support",
    "support_n",
    "support_of",
    "agreement",
    "outcomes",
    "degraded",
    "reused",
    "cost_usd",
)
_REASONS = 5
_NOT_NOMINAL = {
    "ranking": "result.frame has the agreement of each row.",
    "items": "result.frame has the merged recommendations of each row.",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class RunResult(Displayed):
    """What a run gave.

    Parameters
    ----------
    frame
        One row a question, in the order of the frame: the key, ``answer`` (null where the votes decide nothing),
        ``decision``, ``support`` (share of the asked cells behind the answer) with ``support_n`` and ``support_of``,
        ``agreement`` (null for kinds without one), ``outcomes``, ``degraded``, ``reused`` (cells that were not asked
        now), ``cost_usd`` (of the row's answers, null where one is unknown).
    answered
        Gives `answers`.
    key
        Name of the key column.
    n_rows
        Rows of the frame; `frame` has fewer where the run stopped.
    stopped
        Why it stopped before the end; empty where it did not.
    asked, reused, failed
        Cells asked now, cells that were settled before or shared by equal prompts, and cells without an answer that
        the next run asks again.
    spent
        What this execution spent, with its unknown part.
    seconds
        It took.
    store
        Where it is kept; ``None`` where it is not.
    """

    frame: pl.DataFrame
    answered: Callable[[], pl.DataFrame] = field(repr=False)
    key: str
    n_rows: int
    stopped: str
    asked: int
    reused: int
    failed: int
    spent: str
    seconds: float
    certainty: pl.DataFrame = field(repr=False)
    rows: Rows = field(repr=False)
    job: Job = field(repr=False)
    reasons: Counter[Failure] = field(repr=False)
    store: Store | None = field(repr=False)
    providers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def answers(self) -> pl.DataFrame:
        """One row an answer: ``task`` (the key), ``expert``, ``outcome``, ``label``, ``confidence``, ``cost_usd``.

        A replicate after the first is named ``expert #2``. The frame is made when it is first asked for.
        """
        return self.answered()

    @property
    def degraded(self) -> bool:
        """Whether a row is missing, or any asked expert gave no answer."""
        return bool(self.stopped) or bool(self.frame["degraded"].any())

    @property
    def banner(self) -> str:
        """One line that says what is missing; empty unless degraded."""
        parts = [self.stopped] if self.stopped else []
        n = int(self.frame["degraded"].sum())
        if n:
            again = f", {self.failed:,} of whose cells are asked again by the next run" if self.failed else ""
            parts.append(f"{n:,} of {self.frame.height:,} rows lack an answer of an expert{again}")
        return "; ".join(parts)

    def to_polars(self) -> pl.DataFrame:
        """Return `frame`."""
        return self.frame

    def to_pandas(self) -> pd.DataFrame:
        """Return `frame` as pandas."""
        return self.frame.to_pandas()

    def join(self, frame: Frame) -> pl.DataFrame:
        """Return another frame with the columns of this one beside its rows, by the key.

        Rows that were numbered, for want of a key, are joined by their place: the frame is the one that was run.

        Raises
        ------
        InvalidFrame, InvalidInput
            The frame lacks the key or holds another type in it, has other rows, or has a column of the same name.
        """
        whole = self._keyed(to_polars(frame))
        require_columns(whole, (self.key,))
        own = self.frame.schema[self.key]
        if whole.schema[self.key] != own and not (whole.schema[self.key].is_integer() and own.is_integer()):
            raise InvalidFrame(
                f"The key {self.key!r} holds {own} in the run and {whole.schema[self.key]} here: make them one type, "
                f"for example with frame.cast({{{self.key!r}: pl.{own}}})."
            )
        taken = [name for name in self.frame.columns if name != self.key and name in whole.columns]
        if taken:
            raise InvalidInput(
                f"The frame has columns of the same name: {', '.join(taken)}. Rename them before, for example with "
                f"frame.rename({{{taken[0]!r}: 'my_{taken[0]}'}})."
            )
        return whole.join(self.frame, on=self.key, how="left", maintain_order="left")

    def _keyed(self, whole: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        if not self.rows.numbered:
            return whole
        if whole.height != self.rows.n:
            raise InvalidFrame(
                f"The rows were numbered, for want of a key: the frame has the {self.rows.n:,} rows that were run, in "
                f"their order; {whole.height:,} came. With key= any frame can be joined."
            )
        self.rows.require_same(whole)
        if self.key not in whole.columns:
            return whole.with_row_index(self.key)
        numbers = pl.Series(range(whole.height))
        if not whole.schema[self.key].is_integer() or not (whole[self.key] == numbers).all():
            raise InvalidFrame(
                f"The rows were numbered from 0 in a column {self.key!r}, and the frame has one of that name with "
                f"other values: frame.rename({{{self.key!r}: 'my_{self.key}'}}), or run with key={self.key!r}."
            )
        return whole

    def review_queue(self, n: int = 50) -> pl.DataFrame:
        """Return the rows to look at first, least certain first, with their cells.

        Undecided rows come first, then by the share of experts behind the answer, then by what they say of their
        confidence; where that is equal, by the order of the frame.

        Parameters
        ----------
        n
            Rows at most.

        Returns
        -------
        polars.DataFrame
            The columns of the source that the prompt needs, and ``answer``, ``decision``, ``support``, ``outcomes``.
        """
        import polars as pl

        n = count("The number of rows of review_queue()", n)
        first = (
            self.certainty.with_columns(pl.col("answer").is_null().alias("undecided"))
            .sort(
                "undecided",
                "support",
                "confidence",
                ROW_NUMBER,
                descending=[True, False, False, False],
                nulls_last=True,
            )
            .head(n)
            .select(self.key, "answer", "decision", "support", "outcomes")
        )
        source = self.rows.of(first[self.key].to_list()).select(self.rows.columns)
        taken = {
            name: f"source_{name}" for name in source.columns if name != self.key and name in first.columns
        }
        return first.join(source.rename(taken), on=self.key, how="left", maintain_order="left")

    def questions(self, keys: Sequence[object]) -> list[Question]:
        """Return what was asked for some rows, in their order.

        Each has an id of its own; the store knows the question by its digest.
        """
        import polars as pl

        try:
            source = self.rows.of(list(keys))
        except (TypeError, pl.exceptions.PolarsError) as error:
            raise InvalidInput(
                f"questions() takes keys of the frame, of the type {self.rows.key_type}; one of these is none: "
                f"{list(keys)!r:.200}."
            ) from error
        found = {row[self.key]: row for row in source.select(self.rows.columns).iter_rows(named=True)}
        if unknown := [key for key in keys if key not in found]:
            raise InvalidInput(f"questions() takes keys of the frame, {unknown[0]!r} is none.")
        return [self.job.question(found[key]) for key in keys]

    def report(
        self, gold: Frame | Mapping[object, object] | None = None, **settings: Any
    ) -> CircleReport | UnverifiedReport | ScoreReport:
        """Say whether the circle helped, as `cs.evaluate` does, and of scores `evaluation.evaluate_scores`.

        Parameters
        ----------
        gold
            The known answers: a frame with the run's key (or ``task``) and ``label`` (for scores ``score`` or
            ``label``), or a mapping from key to label. Without it the report says how far the experts agree, and no
            word on who is right.
        **settings
            ``draws`` and ``seed``; for labels and texts ``methods`` of `cs.evaluate`.

        Raises
        ------
        InvalidInput
            The answers are rankings or recommendations: the report counts who says the same, and of those two that are
            close say different things.
        """
        from consilience.evaluation import evaluate, evaluate_scores

        kind = self.job.answer.kind
        if kind in _NOT_NOMINAL:
            raise InvalidInput(
                f"report() counts equal answers, and these are of the kind {kind}. {_NOT_NOMINAL[kind]}"
            )
        answers = self.answers.drop("outcome").with_columns(provider=self._provider())
        known = None if gold is None else self._known(gold)
        if kind != "score":
            known = None if known is None else self._as_counted(known, "Gold")
            return evaluate(self._as_counted(answers, "An answer"), known, **settings)
        if known is not None and "score" not in known.columns and "label" in known.columns:
            known = known.rename({"label": "score"})
        return evaluate_scores(_scored(answers), known, **settings)

    def _known(self, gold: Frame | Mapping[object, object]) -> pl.DataFrame:
        import polars as pl

        if hasattr(gold, "to_dict") and not hasattr(gold, "columns"):
            gold = gold.to_dict()  # a Series of pandas, by its index
        if isinstance(gold, Mapping) and not any(
            hasattr(each, "__len__") and not isinstance(each, str) for each in gold.values()
        ):
            dtype = self.frame.schema[self.key]
            try:
                keys = pl.Series("task", list(gold), dtype=dtype)
            except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
                raise InvalidInput(
                    f"Gold maps keys of the frame, of the type {dtype}, to labels; one of these is none: "
                    f"{list(gold)!r:.200}."
                ) from error
            return pl.DataFrame([keys, pl.Series("label", list(gold.values()))])
        known = to_polars(gold)
        if "task" not in known.columns and self.key in known.columns:
            return known.rename({self.key: "task"})
        return known

    def _as_counted(self, labelled: pl.DataFrame, what: str) -> pl.DataFrame:
        """Return labels as the run counts them: the choices themselves, and texts by their words.

        Raises
        ------
        InvalidInput
            One is no answer of the run's kind.
        """
        import polars as pl

        if labelled.schema.get("label") != pl.String:
            return labelled
        kind = self.job.answer
        try:
            read = {label: kind.key(kind.parse(label)) for label in labelled["label"].unique().drop_nulls()}
        except Unparseable as error:
            raise InvalidInput(f"{what} is an answer as the run takes it. {error}") from error
        return labelled.with_columns(
            pl.col("label").replace_strict(read, default=None, return_dtype=pl.String)
        )

    def _provider(self) -> pl.Expr:
        import polars as pl

        member = pl.col("expert").cast(pl.String).str.replace(r" #\d+$", "")
        return member.replace_strict(self.providers, default=None, return_dtype=pl.String)

    @property
    def failures(self) -> pl.DataFrame:
        """Why cells have no answer, most frequent first: ``expert``, ``outcome``, ``reason``, ``cells``.

        They are of this execution. What *failed*, timed out or met a closed circuit or budget the next run asks again.
        Reasons after the 200th are left out.
        """
        import polars as pl

        schema = {"expert": pl.String, "outcome": pl.String, "reason": pl.String, "cells": pl.Int64}
        rows = [(each.expert, str(each.outcome), each.reason, n) for each, n in self.reasons.most_common()]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def decisions(self) -> dict[str, int]:
        """Return how many rows fell to each decision, most first."""
        counted = self.frame["decision"].value_counts(sort=True)
        return dict(counted.iter_rows())

    def explain(self) -> str:
        """Say in plain text what was asked, decided and spent."""
        lines = [f"Degraded: {self.banner}"] if self.degraded else []
        lines += [self._counts(), self._spent()]
        first = self.reasons.most_common(_REASONS)
        lines += [
            f"{n:,} {each.outcome} by {each.expert}: {each.reason or 'no reason given'}" for each, n in first
        ]
        if len(self.reasons) > _REASONS:
            lines.append(f"and {len(self.reasons) - _REASONS:,} other reasons: result.failures")
        return plain("\n".join(lines), limit=50_000)

    def _counts(self) -> str:
        fell = ", ".join(f"{n:,} {name}" for name, n in self.decisions().items())
        return f"{self.frame.height:,} of {self.n_rows:,} rows: {fell or 'none decided'}"

    def _spent(self) -> str:
        return (
            f"{self.asked:,} cells asked, {self.reused:,} reused, {self.failed:,} failed; {self.spent} in "
            f"{self.seconds:,.1f} s"
        )

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        banner = f" ({self.banner})" if self.degraded else ""
        return f"<RunResult {self._counts()}; {self._spent()}{banner}>"

    def __str__(self) -> str:
        return self.explain()

    def _repr_html_(self) -> str:
        from consilience.runs.cards import result_card

        return result_card(self)


def _scored(answers: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return answers.drop("label").with_columns(score=answers["label"].cast(pl.Float64))
