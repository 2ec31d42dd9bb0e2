"""What a run gave: one row a question, its displays, and what to look at first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from consilience.errors import InvalidInput
from consilience.frames import Frame, require_columns, to_polars
from consilience.markup.displayed import Displayed
from consilience.markup.plain import plain
from consilience.runs.collected import ROW_NUMBER

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from consilience.evaluation import CircleReport, UnverifiedReport
    from consilience.models import Question
    from consilience.runs.rows import Rows
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
        """Return another frame with the columns of this one beside its rows, by the key."""
        whole = to_polars(frame)
        require_columns(whole, (self.key,))
        taken = [name for name in self.frame.columns if name != self.key and name in whole.columns]
        if taken:
            raise InvalidInput(
                f"The frame has columns of the same name: {', '.join(taken)}. Rename them before, for example with "
                f"frame.rename({{{taken[0]!r}: 'my_{taken[0]}'}})."
            )
        return whole.join(self.frame, on=self.key, how="left", maintain_order="left")

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

        if n < 1:
            raise InvalidInput(f"review_queue() takes a number of rows from 1 up, {n} came.")
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
        source = self.rows.of(list(keys))
        found = {row[self.key]: row for row in source.select(self.rows.columns).iter_rows(named=True)}
        return [self.job.question(found[key]) for key in keys]

    @overload
    def report(self, gold: None = None, **settings: Any) -> UnverifiedReport: ...

    @overload
    def report(self, gold: Frame | Mapping[object, object], **settings: Any) -> CircleReport: ...

    def report(
        self, gold: Frame | Mapping[object, object] | None = None, **settings: Any
    ) -> CircleReport | UnverifiedReport:
        """Say whether the circle helped, as `cs.evaluate` does.

        Parameters
        ----------
        gold
            The known answers: a frame with the run's key (or ``task``) and ``label``. Without it the report says how
            far the experts agree, and no word on who is right.
        **settings
            ``draws``, ``seed``, ``methods`` of `cs.evaluate`.
        """
        from consilience.evaluation import evaluate

        answers = self.answers.drop("outcome").with_columns(provider=self._provider())
        if gold is None:
            unverified: UnverifiedReport = evaluate(answers, None, **settings)
            return unverified
        known = to_polars(gold)
        if "task" not in known.columns and self.key in known.columns:
            known = known.rename({self.key: "task"})
        report: CircleReport = evaluate(answers, known, **settings)
        return report

    def _provider(self) -> pl.Expr:
        import polars as pl

        member = pl.col("expert").cast(pl.String).str.replace(r" #\d+$", "")
        return member.replace_strict(self.providers, default=None, return_dtype=pl.String)

    def decisions(self) -> dict[str, int]:
        """Return how many rows fell to each decision, most first."""
        counted = self.frame["decision"].value_counts(sort=True)
        return dict(counted.iter_rows())

    def explain(self) -> str:
        """Say in plain text what was asked, decided and spent."""
        lines = [f"Degraded: {self.banner}"] if self.degraded else []
        lines += [self._counts(), self._spent()]
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
