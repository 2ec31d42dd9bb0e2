"""Clusters: which texts say the same, and what one wants to know of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import InvalidInput
from consilience.markup.displayed import Displayed

if TYPE_CHECKING:
    import polars as pl

    from consilience.kernels import Joined
    from consilience.kernels._arrays import Codes
    from consilience.kernels.sets import Words

__all__ = ["Clusters", "PairSource"]


def fraction_of(threshold: float | Fraction) -> Fraction:
    """Return the fraction that a threshold means: 0.7 is seven tenths, 2 / 3 two thirds.

    Examples
    --------
    >>> fraction_of(2 / 3)
    Fraction(2, 3)
    """
    if not 0 < threshold <= 1:
        raise InvalidInput(
            f"threshold must be a number above 0 and at most 1, got {threshold!r}; 0.7 is usual"
        )
    exact = threshold if isinstance(threshold, Fraction) else Fraction(float(threshold))
    return exact.limit_denominator(1_000_000_000)


def numbered(labels: Codes, left_out: int) -> tuple[Codes, Codes]:
    """Return the number of each row's cluster and the first row of each, given the first row of each row's cluster."""
    import numpy as np

    labels = np.concatenate([labels, np.arange(len(labels), len(labels) + left_out, dtype=np.int32)])
    first = labels == np.arange(len(labels), dtype=np.int32)
    number = np.cumsum(first, dtype=np.int32)
    number -= 1
    return number[labels], np.flatnonzero(first).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class PairSource:
    """What the pairs of some clusters are made from.

    Attributes
    ----------
    rows
        int32: the row of each joined text.
    size
        int32: words of each joined text.
    joined
        The join of these texts, with its pairs.
    """

    rows: Codes
    size: Codes
    joined: Joined

    def alike(self, threshold: float) -> Words:
        """Return the joined pairs whose similarity reaches a threshold, compared as whole numbers."""
        wanted = fraction_of(threshold)
        edges = self.joined.pairs.astype(np.int64)
        either = self.size[edges[:, 0]] + self.size[edges[:, 1]] - edges[:, 2]
        alike: Words = self.joined.pairs[edges[:, 2] * wanted.denominator >= either * wanted.numerator]
        return alike

    def labels(self, threshold: float, n: int) -> Codes:
        """Return the number of each of n rows' cluster at a threshold: clusters of the joined pairs that reach it."""
        from consilience.kernels import union_find

        edges = self.alike(threshold).astype(np.int32)
        same = self.joined.same
        left, right = np.concatenate([edges[:, 0], same]), np.concatenate([edges[:, 1], np.arange(len(same))])
        labels = np.arange(n, dtype=np.int32)
        labels[self.rows] = self.rows[union_find(left, right.astype(np.int32), len(same))]
        return labels


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Clusters(Displayed):
    """Texts in clusters: two texts are in one if they are alike, directly or through others.

    Attributes
    ----------
    labels
        int32, shape ``(n,)``: the number of each text's cluster; clusters are numbered by their first text.
    representatives
        int32, shape ``(n_clusters,)``: the first text of each cluster.
    threshold, shingle
        What counted as alike: the Jaccard similarity of the sets of ``shingle`` words.
    method
        ``"exact"``, or ``"minhash, verified"``: then no pair is wrong, and some are missed.
    recall
        The chance that a pair is found whose similarity is just the threshold; more alike ones have a higher one.
        1 for the exact method.
    complete
        False if a cap left rows out; each of them is a cluster of its own.
    """

    labels: Codes
    representatives: Codes
    threshold: float
    shingle: int
    method: str
    recall: float
    complete: bool
    _source: Callable[[], PairSource] = field(metadata={"private": True})
    _lowest: float = field(default=0.0, metadata={"private": True})

    @property
    def n_clusters(self) -> int:
        """How many clusters there are, those of a single text too."""
        return len(self.representatives)

    @property
    def n_duplicates(self) -> int:
        """How many texts are not the first of their cluster."""
        return len(self.labels) - self.n_clusters

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        left_out = "" if self.complete else ", a cap left rows out"
        return (
            f"Clusters({len(self.labels):,} texts in {self.n_clusters:,} clusters, "
            f"{self.n_duplicates:,} near-duplicates, {self.method}{left_out})"
        )

    def _repr_html_(self) -> str:
        import polars as pl

        from consilience.markup import frame_table, page

        sizes = np.bincount(self.labels, minlength=self.n_clusters)
        largest = np.argsort(-sizes, kind="stable")
        largest = largest[sizes[largest] > 1]
        if not len(largest):
            return page(
                note=f"{self!r}: no two texts are alike at {self.threshold:g}; a lower threshold finds more."
            )
        columns = {"cluster": largest, "first_row": self.representatives[largest], "texts": sizes[largest]}
        return page(frame_table(pl.DataFrame(columns)), note=repr(self))

    def to_polars(self) -> pl.DataFrame:
        """Return the columns ``row``, ``cluster``, ``representative`` (a row) and ``size`` (texts in the cluster)."""
        import polars as pl

        sizes = np.bincount(self.labels, minlength=self.n_clusters).astype(np.int32)
        return pl.DataFrame(
            {
                "row": np.arange(len(self.labels), dtype=np.int32),
                "cluster": self.labels,
                "representative": self.representatives[self.labels],
                "size": sizes[self.labels],
            }
        )

    def rethreshold(self, threshold: float) -> Clusters:
        """Return the clusters at a higher threshold, from pairs that are joined once.

        Parameters
        ----------
        threshold
            From that of the search up to 1; what was found may be asked for any threshold again.

        Raises
        ------
        InvalidInput
            If it lies below: those pairs were not looked for.

        Notes
        -----
        The first call joins the texts of clusters once more, for the pairs; each later one is a union-find over the
        pairs. With MinHash `recall` stays that of the lowest threshold, which the higher ones exceed.

        Examples
        --------
        >>> import consilience as cs
        >>> found = cs.dedup.near_duplicates(["add an index", "shard it", "Add an index now"], 0.6)
        >>> found.labels.tolist(), found.rethreshold(0.8).labels.tolist()
        ([0, 1, 0], [0, 1, 2])
        """
        lowest = self._lowest or self.threshold
        if fraction_of(threshold) < fraction_of(lowest):
            raise InvalidInput(
                f"threshold must be {lowest:g} or more, got {threshold:g}: pairs below were not looked for; search "
                f"with near_duplicates(texts, {threshold:g})"
            )
        labels, first = numbered(self._source().labels(threshold, len(self.labels)), 0)
        return replace(self, labels=labels, representatives=first, threshold=float(threshold), _lowest=lowest)

    def pairs(self, most: int = 10_000_000) -> pl.DataFrame:
        """Return every pair of texts that is alike, as ``left``, ``right`` (rows) and ``similarity``.

        The pairs are joined once more, at the first call, among the texts of clusters that have more than one: their
        texts are kept for it.

        Parameters
        ----------
        most
            How many pairs there may be; n texts that are equal have n (n - 1) / 2.

        Raises
        ------
        InvalidInput
            If there are more.

        Examples
        --------
        >>> import consilience as cs
        >>> found = cs.dedup.near_duplicates(["add an index", "shard it", "Add an index now"])
        >>> found.pairs().rows()
        [(0, 2, 0.75)]
        """
        import polars as pl

        source = self._source()
        same, edges = source.joined.same, source.alike(self.threshold)
        held = np.bincount(same, minlength=len(same)).astype(np.float64)
        count = float((held * (held - 1)).sum() / 2 + (held[edges[:, 0]] * held[edges[:, 1]]).sum())
        if count > most:
            raise InvalidInput(
                f"pairs may be {most:,} at most, there are {count:,.0f}; raise most, or the threshold"
            )
        row = pl.Series(source.rows)
        members = pl.DataFrame({"set": same, "row": row}).filter(pl.Series(source.size >= 0))
        shared = edges[:, 2].astype(np.float64)
        either = source.size[edges[:, 0]] + source.size[edges[:, 1]] - shared
        alike = pl.DataFrame(
            {
                "x": edges[:, 0].astype(np.int32),
                "y": edges[:, 1].astype(np.int32),
                "similarity": shared / either,
            }
        )
        several = np.flatnonzero(held > 1).astype(np.int32)
        equal = pl.DataFrame({"x": several, "y": several, "similarity": np.ones(len(several))})
        found = (
            pl.concat([alike, equal])
            .join(members.rename({"set": "x", "row": "one"}), on="x")
            .join(members.rename({"set": "y", "row": "other"}), on="y")
            .filter((pl.col("x") != pl.col("y")) | (pl.col("one") < pl.col("other")))
        )
        return found.select(
            pl.min_horizontal("one", "other").alias("left"),
            pl.max_horizontal("one", "other").alias("right"),
            "similarity",
        ).sort("left", "right")
