"""Near-duplicates among texts: all pairs whose sets of words are alike enough, joined into clusters."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from consilience.dedup.clusters import Clusters, PairSource, fraction_of, numbered
from consilience.errors import InvalidInput
from consilience.patterns.texts import columns, to_series

if TYPE_CHECKING:
    from consilience.kernels import RankedSets
    from consilience.kernels._arrays import Codes

__all__ = ["Method", "NearDuplicates", "near_duplicates"]

Method = Literal["auto", "exact", "minhash"]

BANDS = 64
LEAST_RECALL = 0.999
LONG = 250  # words of a set on average from which "auto" takes MinHash; see benchmarks/near_duplicates.py


def bands_for(threshold: Fraction) -> tuple[int, int]:
    """Return how many bands of how many rows find a pair at the threshold often enough.

    Examples
    --------
    >>> bands_for(Fraction(1, 2))
    (64, 3)
    """
    rows = 1
    while rows < 32 and recall_of(threshold, (BANDS, rows + 1)) >= LEAST_RECALL:
        rows += 1
    bands = BANDS
    while bands < 500 and recall_of(threshold, (bands, rows)) < LEAST_RECALL:
        bands += 1
    return bands, rows


def recall_of(threshold: Fraction, bands: tuple[int, int]) -> float:
    """Return the chance that a pair with just this similarity shares a band."""
    return -math.expm1(bands[0] * math.log1p(-(float(threshold) ** bands[1]))) if threshold < 1 else 1.0


class NearDuplicates:
    """Near-duplicates of texts that come in batches: sets of word numbers are kept, the texts are not.

    Parameters
    ----------
    threshold
        As in `near_duplicates`.
    shingle
        As in `near_duplicates`.
    method
        As in `near_duplicates`.
    threads
        As in `near_duplicates`.
    most_bytes
        Memory that the sets may take, checked after each batch. Once it is reached, later batches are counted and
        not compared, and `Clusters.complete` is False. None sets no cap.

    Examples
    --------
    >>> near = NearDuplicates(0.7)
    >>> near.add(["add an index", "shard it"]).add(["Add an index now"]).clusters().labels
    array([0, 1, 0], dtype=int32)
    """

    def __init__(
        self,
        threshold: float | Fraction = 0.7,
        shingle: int = 1,
        *,
        method: Method = "auto",
        threads: int | None = None,
        most_bytes: int | None = None,
    ) -> None:
        from consilience.kernels import TokenSets

        if method not in ("auto", "exact", "minhash"):
            raise InvalidInput(f"method must be 'auto', 'exact' or 'minhash', got {method!r}")
        self.threshold = fraction_of(threshold)
        self.shingle = shingle
        self.method = method
        self.threads = threads
        self.most_bytes = most_bytes
        self._sets = TokenSets(shingle, threads)
        self._left_out = 0

    def __repr__(self) -> str:
        return f"NearDuplicates({self._sets.n_rows + self._left_out:,} texts, {self._sets.n_bytes:,} bytes)"

    def add(self, texts: Any) -> NearDuplicates:
        """Add a batch and return self. After an exception or an interrupt the batch may be added again.

        Raises
        ------
        InvalidInput
            If these are not texts.
        """
        series = to_series(texts)
        if self.most_bytes is not None and self._sets.n_bytes >= self.most_bytes:
            self._left_out += len(series)
            return self
        for _, column in columns(series):
            self._sets.add(column)
        return self

    def clusters(self) -> Clusters:
        """Join all texts so far; more may be added afterwards."""
        n = self._sets.n_rows
        return self._clusters(lambda _, chosen: self._pairs(chosen, n), last=False)

    def _clusters(self, source: Callable[[Codes, str], PairSource], *, last: bool) -> Clusters:
        from consilience.kernels import near_join

        sets = self._sets.ranked(last=last)
        bands = self._bands(sets)
        labels = near_join(sets, self.threshold, bands=bands, threads=self.threads).labels
        numbers, representatives = numbered(labels, self._left_out)
        method = "minhash, verified" if bands else "exact"
        return Clusters(
            numbers,
            representatives,
            float(self.threshold),
            self.shingle,
            method,
            recall_of(self.threshold, bands) if bands else 1.0,
            self._left_out == 0,
            cache(lambda: source(numbers, method)),
        )

    def _bands(self, sets: RankedSets) -> tuple[int, int] | None:
        long = len(sets.size) > 0 and float(sets.size.mean()) > LONG
        if self.method == "exact" or (self.method == "auto" and 2 * self.threshold > 1 and not long):
            return None
        return bands_for(self.threshold)

    def _pairs(self, method: str, n: int) -> PairSource:
        """Join all sets once more, and keep the pairs of the first n rows."""
        import numpy as np

        from consilience.kernels import Joined, near_join

        sets = self._sets.ranked()
        bands = bands_for(self.threshold) if method != "exact" else None
        joined = near_join(sets, self.threshold, bands=bands, threads=self.threads, collect=True)
        # A set's first row and a pair's left one stand for later rows, never the other way round.
        early = Joined(joined.labels[:n], joined.same[:n], joined.pairs[joined.pairs[:, 1] < n])
        # a copy, since no rows can be added while something views the sets
        return PairSource(np.arange(n, dtype=np.int32), sets.size[:n].copy(), early)


def near_duplicates(
    texts: Any,
    threshold: float | Fraction = 0.7,
    shingle: int = 1,
    *,
    method: Method = "auto",
    threads: int | None = None,
) -> Clusters:
    """Find the texts that say nearly the same.

    Two texts are alike if the Jaccard similarity of their sets of words, shared by either, reaches the threshold.
    Words are what `consilience.kernels.words` says: case, punctuation and order do not count.

    Parameters
    ----------
    texts
        Polars, pandas or Arrow column, or strings. A null is alike to nothing. Texts without a word, as ``""`` and
        ``"..."``, are alike to each other, and to nothing else.
    threshold
        Above 0, at most 1. It is compared as a fraction: at 2 / 3, two shared words of three are enough.
    shingle
        Runs of so many words are compared instead of words: order counts. A shorter text is one run.
    method
        ``"exact"`` finds every pair. ``"minhash"`` proposes pairs by MinHash and verifies each: none is wrong, some
        are missed, and `Clusters.recall` says how likely. ``"auto"`` is exact above a threshold of 0.5 unless texts
        have more than 250 distinct words on average. `Clusters.method` says which it was.
    threads
        None uses every core. The result is the same with any number.

    Returns
    -------
    Clusters
        Labels, representatives, and the pairs on demand.

    Raises
    ------
    InvalidInput
        If these are not texts, or a parameter cannot be used.

    Examples
    --------
    >>> import consilience as cs
    >>> cs.dedup.near_duplicates(["Add an index.", "shard it", "add an INDEX"])
    Clusters(3 texts in 2 clusters, 1 near-duplicates, exact)
    """
    import numpy as np

    series = to_series(texts)
    near = NearDuplicates(threshold, shingle, method=method, threads=threads).add(series)

    def pairs(numbers: Codes, chosen: str) -> PairSource:
        # Only what stands in a cluster with others can be in a pair.
        rows = np.flatnonzero(np.bincount(numbers)[numbers] > 1).astype(np.int32)
        again = NearDuplicates(
            threshold, shingle, method="exact" if chosen == "exact" else "minhash", threads=threads
        )
        source = again.add(series.gather(rows))._pairs(chosen, len(rows))  # noqa: SLF001 - of this class
        return PairSource(rows, source.size, source.joined)

    return near._clusters(pairs, last=True)  # noqa: SLF001 - of this class
