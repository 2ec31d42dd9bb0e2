"""What aggregating free text returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.markup.displayed import FrameDisplayed

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextAggregation(FrameDisplayed):
    """One row a task, and the clusters of its answers.

    Parameters
    ----------
    answers
        A row a task in order of first appearance: ``task``, what the method finds, ``unrelated`` (what as many
        unrelated texts would give: null where that is not known), ``clusters``, ``answered`` and ``asked`` experts.
    clusters
        A row a task and cluster, most votes first: ``task``, ``cluster`` (from 0), ``text`` (the wording most experts
        chose), ``votes``, ``experts``.
    method
        The method's name.
    equivalence
        When two texts counted as the same answer.
    note
        One sentence on what limits the figures; empty when there is nothing to say.
    """

    answers: pl.DataFrame
    clusters: pl.DataFrame
    method: str
    equivalence: str
    note: str = ""

    def __repr__(self) -> str:
        said = (
            f"<TextAggregation by {self.method}: {len(self.answers):,} tasks, {len(self.clusters):,} clusters by "
            f"{self.equivalence}"
        )
        return f"{said}; {self.note}>" if self.note else f"{said}>"

    def to_polars(self) -> pl.DataFrame:
        """Return `answers`."""
        return self.answers
