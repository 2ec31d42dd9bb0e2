"""Clusters that a person corrects: texts taken out, clusters merged, each step undone again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience.dedup.clusters import Clusters
from consilience.errors import InvalidInput
from consilience.markup.displayed import Displayed

if TYPE_CHECKING:
    from consilience.kernels._arrays import Codes

__all__ = ["Curated", "Edit"]


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person did.

    Parameters
    ----------
    kind
        ``"split"``: each of the rows became a cluster of its own. ``"merge"``: the clusters of the rows became one.
    rows
        Rows of texts.
    """

    kind: Literal["split", "merge"]
    rows: tuple[int, ...]


class Curated(Displayed):
    """Clusters at any threshold from the lowest up, with what a person corrected.

    Corrections name texts, not clusters, so that they hold when the threshold moves: they are done anew, in their
    order, on what the threshold gives.

    Parameters
    ----------
    found
        Clusters at the lowest threshold that will be asked for.
    threshold
        To begin with; None takes that of ``found``.

    Examples
    --------
    >>> import consilience as cs
    >>> texts = ["add an index", "Add an index now", "shard it", "shard the table"]
    >>> curated = cs.dedup.Curated(cs.dedup.near_duplicates(texts, 0.6))
    >>> curated.merge([2, 3]).clusters.labels.tolist(), curated.split([1]).clusters.labels.tolist()
    ([0, 0, 1, 1], [0, 1, 2, 2])
    >>> curated.undo().clusters.labels.tolist()
    [0, 0, 1, 1]
    """

    def __init__(self, found: Clusters, threshold: float | None = None) -> None:
        self._found = found
        self._edits: tuple[Edit, ...] = ()
        self._threshold = found.threshold if threshold is None else threshold
        self._clusters = self._done()

    @property
    def clusters(self) -> Clusters:
        """The clusters as they stand."""
        return self._clusters

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What was corrected, first to last."""
        return self._edits

    @property
    def threshold(self) -> float:
        """What counts as alike."""
        return self._threshold

    @property
    def lowest(self) -> float:
        """The lowest threshold that can be taken."""
        return self._found.threshold

    def rethreshold(self, threshold: float) -> Curated:
        """Take another threshold, as `Clusters.rethreshold` does, and return self; corrections stay."""
        return self._take(threshold, self._edits)

    def split(self, rows: Iterable[int]) -> Curated:
        """Make each of these texts a cluster of its own, and return self."""
        return self._take(self._threshold, (*self._edits, Edit("split", self._rows(rows, 1))))

    def merge(self, rows: Iterable[int]) -> Curated:
        """Make one cluster of the clusters that these texts are in, and return self."""
        return self._take(self._threshold, (*self._edits, Edit("merge", self._rows(rows, 2))))

    def undo(self) -> Curated:
        """Take the last correction back, and return self; without one nothing happens."""
        return self._take(self._threshold, self._edits[:-1])

    def _repr_html_(self) -> str:
        return self._clusters._repr_html_()

    def __repr__(self) -> str:
        n = len(self._edits)
        return f"Curated({self._clusters!r}, {n:,} correction{'' if n == 1 else 's'})"

    def _rows(self, rows: Iterable[int], least: int) -> tuple[int, ...]:
        found = tuple(dict.fromkeys(int(row) for row in rows))
        if len(found) < least or not all(0 <= row < len(self._found) for row in found):
            raise InvalidInput(
                f"{least} or more rows from 0 to {len(self._found) - 1:,} are required, {found!r:.80} came."
            )
        return found

    def _take(self, threshold: float, edits: tuple[Edit, ...]) -> Curated:
        before = self._threshold, self._edits
        self._threshold, self._edits = threshold, edits
        try:
            self._clusters = self._done()
        except InvalidInput:
            self._threshold, self._edits = before
            raise
        return self

    def _done(self) -> Clusters:
        base = (
            self._found
            if self._threshold == self._found.threshold
            else self._found.rethreshold(self._threshold)
        )
        if not self._edits:
            return base
        labels = base.labels.copy()
        following = int(labels.max()) + 1
        for edit in self._edits:
            rows = np.array(edit.rows)
            if edit.kind == "merge":
                labels[np.isin(labels, labels[rows])] = labels[rows[0]]
            else:
                labels[rows] = np.arange(following, following + rows.size, dtype=np.int32)
                following += rows.size
        labels, first = _renumbered(labels)
        return replace(base, labels=labels, representatives=first)


def _renumbered(labels: Codes) -> tuple[Codes, Codes]:
    """Return labels by the first text of each cluster, and those first texts."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty(order.size, dtype=np.int32)
    place[order] = np.arange(order.size, dtype=np.int32)
    return place[inverse], first[order].astype(np.int32)
