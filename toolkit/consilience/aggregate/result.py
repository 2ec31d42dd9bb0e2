"""The result that every aggregation method returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One answer a task, with what supports it.

    Parameters
    ----------
    answers
        A row a task in order of first appearance: ``task``, ``answer`` (null where there is none), ``votes`` for
        the leading answer, ``answered`` and ``asked`` experts, ``decision`` (``majority``, ``plurality``, ``tie``,
        ``no majority``, ``no answer``).
    ties
        A row a task and label that lead together: ``task``, ``label``, ``votes``.
    method
        The method's name.
    """

    answers: pl.DataFrame
    ties: pl.DataFrame
    method: str

    @property
    def decided(self) -> int:
        """Tasks with an answer."""
        return len(self.answers) - self.answers["answer"].null_count()

    def __repr__(self) -> str:
        return (
            f"<Aggregation by {self.method}: {self.decided:,} of {len(self.answers):,} tasks decided, "
            f"{self.ties['task'].n_unique():,} tied>"
        )

    def to_polars(self) -> pl.DataFrame:
        """Return `answers`."""
        return self.answers

    def _repr_html_(self) -> str:
        from consilience.markup import page, table

        rows = self.answers.head(50).rows()
        return page(table(self.answers.columns, rows), note=repr(self).strip("<>"))
