"""Merged recommendations: what was said, by whom, in which words, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from consilience.dedup.richness import Unseen, chao1
from consilience.markup.displayed import Displayed

if TYPE_CHECKING:
    import polars as pl


class Wording(NamedTuple):
    """One recommendation as an expert gave it.

    Parameters
    ----------
    expert
        Who gave it.
    position
        Its place in that expert's list, from 1.
    text
        The words.
    """

    expert: str
    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommendation and who made it.

    Parameters
    ----------
    text
        In the wording that most experts chose; among equals, that of the first expert by name.
    experts
        Distinct names in alphabetical order; their number is the support.
    sources
        Every wording behind it, by expert and position.
    conflicts
        Numbers of the rows that contradict it, from 0.
    """

    text: str
    experts: tuple[str, ...]
    sources: tuple[Wording, ...] = ()
    conflicts: tuple[int, ...] = ()

    @property
    def support(self) -> int:
        """How many distinct experts made it, however often each did."""
        return len(self.experts)


@dataclass(frozen=True, slots=True)
class Merged(Displayed):
    """Merged recommendations, most supported first.

    Parameters
    ----------
    rows
        One `Recommendation` a row.
    method
        When two texts counted as the same.
    experts
        Everyone who was asked, in alphabetical order, also who recommended nothing.
    """

    rows: tuple[Recommendation, ...]
    method: str = "same words"
    experts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Recommendation:
        return self.rows[index]

    def __repr__(self) -> str:
        given = sum(len(row.sources) for row in self.rows)
        contradicted = sum(bool(row.conflicts) for row in self.rows)
        return (
            f"<Merged: {given:,} recommendations of {len(self.experts):,} experts in {len(self.rows):,} rows, "
            f"{contradicted:,} contradicted, by {self.method}>"
        )

    def unseen(self, *, confidence: float = 0.95) -> Unseen:
        """Estimate how many recommendations nobody has made yet (Chao 1984, 1987): see `chao1`.

        Examples
        --------
        >>> import consilience as cs
        >>> merged = cs.dedup.merge({"ana": ["Index", "Shard"], "ben": ["index", "Cache"], "cy": ["Vacuum"]})
        >>> merged.unseen().estimate
        3.0
        """
        return chao1([row.support for row in self.rows], len(self.experts), confidence=confidence)

    def minority_report(self) -> pl.DataFrame:
        """Return what could get lost: ``row``, ``text``, ``experts``, ``support``, ``why``.

        That is what one expert of several alone said, and what stands against a row with more support.
        """
        import polars as pl

        rows = [(n, row, self._why(row)) for n, row in enumerate(self.rows)]
        kept = [(n, row.text, list(row.experts), row.support, why) for n, row, why in rows if why]
        return pl.DataFrame(
            kept,
            schema={
                "row": pl.Int64,
                "text": pl.String,
                "experts": pl.List(pl.String),
                "support": pl.Int64,
                "why": pl.String,
            },
            orient="row",
        )

    def _why(self, row: Recommendation) -> str:
        against = [n for n in row.conflicts if self.rows[n].support > row.support]
        why = [f"said by {row.experts[0]} alone"] if row.support == 1 < len(self.experts) else []
        why += [f"contradicts row {n}, said by {self.rows[n].support}" for n in against]
        return "; ".join(why)

    def to_polars(self) -> pl.DataFrame:
        """Return ``text``, ``support``, ``experts``, ``conflicts`` (rows) and ``sources`` (expert, position, text)."""
        import polars as pl

        return pl.DataFrame(
            {
                "text": [row.text for row in self.rows],
                "support": [row.support for row in self.rows],
                "experts": [list(row.experts) for row in self.rows],
                "conflicts": [list(row.conflicts) for row in self.rows],
                "sources": [
                    [
                        {"expert": each.expert, "position": each.position, "text": each.text}
                        for each in row.sources
                    ]
                    for row in self.rows
                ],
            },
            schema={
                "text": pl.String,
                "support": pl.Int64,
                "experts": pl.List(pl.String),
                "conflicts": pl.List(pl.Int64),
                "sources": pl.List(pl.Struct({"expert": pl.String, "position": pl.Int64, "text": pl.String})),
            },
        )

    def _repr_html_(self) -> str:
        from consilience.dedup.display import recommendations_table
        from consilience.markup import page

        note = repr(self).strip("<>")
        return page(
            recommendations_table(self), note=f"{note}. {self.unseen().explain()}" if self.rows else note
        )
