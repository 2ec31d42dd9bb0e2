"""Recommendations of several experts, merged with their sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.models import canonical

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommendation and who made it.

    Parameters
    ----------
    text
        In the words of the first expert by name.
    experts
        Distinct names in alphabetical order; their number is the support.
    """

    text: str
    experts: tuple[str, ...]

    @property
    def support(self) -> int:
        """How many distinct experts made it."""
        return len(self.experts)


@dataclass(frozen=True, slots=True)
class Merged:
    """Merged recommendations, most supported first.

    Parameters
    ----------
    rows
        One `Recommendation` a row.
    method
        When two texts counted as the same.
    """

    rows: tuple[Recommendation, ...]
    method: str = "same words"

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Recommendation:
        return self.rows[index]

    def to_polars(self) -> pl.DataFrame:
        """Return the columns ``text``, ``support``, ``experts``."""
        import polars as pl

        return pl.DataFrame(
            {
                "text": [row.text for row in self.rows],
                "support": [row.support for row in self.rows],
                "experts": [list(row.experts) for row in self.rows],
            },
            schema={"text": pl.String, "support": pl.Int64, "experts": pl.List(pl.String)},
        )


def merge(recommendations: Mapping[str, Iterable[str]]) -> Merged:
    """Merge recommendations that are the same words, and keep who said them.

    Parameters
    ----------
    recommendations
        Texts by expert name. Case, white space and closing punctuation do not tell texts apart; every word does, so
        a negated or renumbered recommendation stays one of its own.

    Returns
    -------
    Merged
        Ordered by support, then by text; independent of the order of the experts.

    Examples
    --------
    >>> for row in merge({"ana": ["Add an index."], "ben": ["add an index", "Shard"]}):
    ...     print(row.support, row.text)
    2 Add an index.
    1 Shard
    """
    wordings: dict[str, dict[str, str]] = {}
    for expert, texts in sorted(recommendations.items()):
        for text in texts:
            wordings.setdefault(canonical(text), {}).setdefault(expert, text)
    rows = [Recommendation(next(iter(said.values())), tuple(said)) for said in wordings.values()]
    return Merged(tuple(sorted(rows, key=lambda row: (-row.support, row.text))))
