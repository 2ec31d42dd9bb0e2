"""Sets of words from texts, the near-duplicate join of such sets, and the matrix of their similarities."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from consilience.errors import InvalidInput
from consilience.kernels import _selector
from consilience.kernels._arrays import Codes
from consilience.kernels.columns import StringColumn
from consilience.kernels.sets import RankedSets, Words
from consilience.kernels.threads import thread_count

__all__ = ["Joined", "TokenSets", "jaccard_matrix", "near_join"]

MOST_SHINGLE = 1 << 20
MOST_DENOMINATOR = 10**9  # so that the comparison of sizes up to 2**31 stays within 64 bits


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """What a join found.

    Attributes
    ----------
    labels
        int32, shape ``(n,)``: the smallest row that each row is joined with, directly or through others.
    same
        int32, shape ``(n,)``: the first row with the identical set; empty unless pairs were collected.
    pairs
        uint32, shape ``(n_pairs, 3)``: two rows of different sets, the first the smaller, and how many words they
        share; empty unless pairs were collected.
    """

    labels: Codes
    same: Codes
    pairs: Words


class TokenSets:
    """Texts into sets of words or shingles; it keeps numbers and the vocabulary, not the texts.

    Parameters
    ----------
    shingle
        Words in a row that count as one element.
    threads
        Threads that read texts side by side; None uses every core. The sets are the same with any number.

    Examples
    --------
    >>> import pyarrow as pa
    >>> sets = TokenSets(threads=1)
    >>> texts = pa.array(["Add an index", None, "add an INDEX!"], pa.string_view())
    >>> sets.add(StringColumn.of(texts))
    >>> sets.ranked().size
    array([ 3, -1,  3], dtype=int32)
    """

    def __init__(self, shingle: int = 1, threads: int | None = None) -> None:
        if not 1 <= shingle <= MOST_SHINGLE:
            raise InvalidInput(
                f"shingle must be a number of words from 1 up, got {shingle}; 1 compares single words"
            )
        self._sets = _selector.token_sets(shingle, thread_count(threads))

    @property
    def n_rows(self) -> int:
        """How many rows were added."""
        return self._sets.n_rows

    @property
    def n_bytes(self) -> int:
        """How many bytes the sets and the vocabulary take."""
        return self._sets.n_bytes

    def add(self, column: StringColumn) -> None:
        """Add rows, which are read in place and not kept; after an exception none of them was added.

        Raises
        ------
        InvalidInput
            If sets that `ranked` gave are still in use.
        """
        try:
            self._sets.add(column)
        except BufferError as error:
            raise InvalidInput(f"Rows cannot be added: {error}; drop them first, or begin anew") from error

    def ranked(self, *, last: bool = False) -> RankedSets:
        """Return the sets of all rows so far; they share memory with this object.

        Parameters
        ----------
        last
            Give up the vocabulary, which frees its memory: no rows can be added, and nothing ranked, afterwards.
        """
        return self._sets.ranked(last)

    def words(self) -> list[str]:
        """Return the words by number, as of the last `ranked`."""
        return self._sets.words()


def near_join(
    sets: RankedSets,
    threshold: Fraction,
    *,
    bands: tuple[int, int] | None = None,
    threads: int | None = None,
    collect: bool = False,
) -> Joined:
    """Join sets whose Jaccard similarity reaches a threshold.

    Parameters
    ----------
    sets
        From `TokenSets.ranked`. Null rows join nothing; rows without a word join each other.
    threshold
        ``0 < threshold <= 1``. It is compared as a fraction of integers: a pair at the boundary is in.
    bands
        None joins exactly, at a cost that grows as the threshold falls and the sets get longer. ``(bands, rows)``
        proposes pairs by MinHash instead, and verifies them: none is wrong, some are missed.
    threads
        None uses every core. The result is the same with any number.
    collect
        Return the pairs too.

    Raises
    ------
    InvalidInput
        If the threshold or the bands cannot be used.

    Notes
    -----
    Prefix filtering [1]_ with pairs and triples of words as keys where one word has too many holders; candidates
    pass a size bound and a 64-bit parity signature, then the sets are compared. MinHash and its bands: [2]_.

    References
    ----------
    .. [1] R. J. Bayardo, Y. Ma, R. Srikant. Scaling up all pairs similarity search. WWW 2007.
    .. [2] A. Z. Broder. On the resemblance and containment of documents. SEQUENCES 1997.

    Examples
    --------
    >>> import pyarrow as pa
    >>> sets = TokenSets(threads=1)
    >>> texts = pa.array(["add an index", "shard it", "add one index an"], pa.string_view())
    >>> sets.add(StringColumn.of(texts))
    >>> near_join(sets.ranked(), Fraction(3, 4), threads=1).labels
    array([0, 1, 0], dtype=int32)
    """
    if not 0 < threshold <= 1 or threshold.denominator > MOST_DENOMINATOR:
        raise InvalidInput(
            f"threshold must be a fraction above 0, at most 1, with a denominator up to {MOST_DENOMINATOR:,}, "
            f"got {threshold}; Fraction(x).limit_denominator() gives one"
        )
    if bands is not None and not (1 <= bands[0] <= 500 and 1 <= bands[1] <= 500):
        raise InvalidInput(f"bands must be two numbers between 1 and 500, (bands, rows a band), got {bands}")
    fraction = (threshold.numerator, threshold.denominator)
    return Joined(*_selector.near_join(sets, fraction, bands or (0, 0), thread_count(threads), collect))


# Nanoseconds, measured on one machine: they move words between two ways that count the same.
PER_BITS, PER_HOLDER = 0.45, 0.6


def bit_width(counts: npt.NDArray[np.int64], n: int) -> int:
    """Return how many times 64 of the most frequent words are cheapest as bits.

    Examples
    --------
    >>> bit_width(np.array([1, 1, 2]), n=1_000)
    0
    """
    listed = np.concatenate([[0.0], np.cumsum(counts.astype(np.float64) ** 2 / 2)])
    widths = np.arange(65)
    left = listed[np.maximum(0, len(counts) - 64 * widths)]
    return int(np.argmin(widths * PER_BITS * n * n / 2 + left * PER_HOLDER))


def jaccard_matrix(sets: RankedSets, threads: int | None = None) -> npt.NDArray[np.float32]:
    """Return the Jaccard similarity of every pair of sets.

    Parameters
    ----------
    sets
        From `TokenSets.ranked`.
    threads
        None uses every core.

    Returns
    -------
    numpy.ndarray
        float32, shape ``(n, n)``, symmetric. Two rows without a word have 1, a null row has NaN with every row.

    Examples
    --------
    >>> import pyarrow as pa
    >>> sets = TokenSets(threads=1)
    >>> texts = pa.array(["add an index", "add an index now"], pa.string_view())
    >>> sets.add(StringColumn.of(texts))
    >>> jaccard_matrix(sets.ranked(), threads=1)
    array([[1.  , 0.75],
           [0.75, 1.  ]], dtype=float32)
    """
    offsets, words = sets.flat()
    size = np.maximum(sets.size, 0)
    counts = np.bincount(words, minlength=sets.n_words)
    matrix = _selector.jaccard_matrix(
        offsets, words, size, sets.n_words, bit_width(counts, len(size)), thread_count(threads)
    )
    null = sets.size < 0
    matrix[null], matrix[:, null] = np.nan, np.nan
    return matrix
