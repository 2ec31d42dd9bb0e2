"""Literals prepared for a scan: a trie with failure links, and the sieves before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from consilience.errors import InvalidInput
from consilience.kernels import _selector
from consilience.kernels._arrays import MOST, Codes

__all__ = ["Literals", "Sieve", "Trie", "literals"]

Octets: TypeAlias = npt.NDArray[np.uint8]
Words: TypeAlias = npt.NDArray[np.uint32]

Places: TypeAlias = npt.NDArray[np.int64]

GRAM, WORD = 4, 8  # bytes that the scan loads at once
MULTIPLIER, WIDE_MULTIPLIER = (
    np.uint32(0x9E3779B1),
    np.uint64(0x9E3779B97F4A7C15),
)  # as in kernels_ext/_sieves.pxd
ONE = np.uint8(1)
SLOTS_PER_GRAM = 32
LEAST_BITS, MOST_BITS = 14, 20


@dataclass(frozen=True, slots=True, eq=False)
class Trie:
    """Nodes of a trie in preorder, root first; every array has the shape ``(n_nodes,)``.

    Attributes
    ----------
    label
        uint8: the byte that leads to the node.
    child, sibling
        int32: its first child and its next sibling, 0 for none; siblings ascend by label.
    literal
        int32: the literal that ends here, -1 for none.
    depth
        int32: bytes from the root.
    fail, report
        int32: the longest other suffix of this node in the trie, and the longest one that is a literal;
        0 for none.
    longest
        Bytes of the longest literal.
    """

    label: Octets
    child: Codes
    sibling: Codes
    literal: Codes
    depth: Codes
    fail: Codes
    report: Codes
    longest: int


@dataclass(frozen=True, slots=True, eq=False)
class Sieve:
    """A table that says of most positions in a text that no literal stands there.

    Every ``stride``-th position of a text is looked up; a literal of ``width + stride - 1`` bytes or more covers
    one of them with a whole gram.

    Attributes
    ----------
    width, stride
        Bytes of a gram, and from one position to the next.
    shift
        Bits that the hash is shifted down.
    table
        uint8 by hash: of the grams that fall there, a bit for each byte that may follow, by its lowest three bits;
        all of them where a literal ends with the gram. Of grams below four bytes only whether one falls there.
    reach
        uint8 by hash of the gram that begins a literal: of how many bytes, `GRAM` to `WORD`, the beginning is
        looked up next; 0 where no literal begins so.
    beginnings, beginnings_shift
        uint8 by hash of so many bytes: 1 where a literal begins so; and the bits that this hash is shifted down.
    slot, gram, node
        The grams that begin a literal: ``gram[slot[h]:slot[h + 1]]`` have the hash h and lead to the nodes.
    """

    width: int
    stride: int
    shift: int
    table: Octets
    reach: Octets
    beginnings: Octets
    beginnings_shift: int
    slot: Codes
    gram: Words
    node: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Literals:
    """Literals ready for `scan`: distinct, sorted by their bytes.

    Attributes
    ----------
    trie
        All of them.
    short, long
        The sieves for literals below and from four bytes; None where there are none.
    """

    trie: Trie
    short: Sieve | None
    long: Sieve | None


def literals(values: Sequence[bytes]) -> Literals:
    """Prepare literals for `scan`.

    Parameters
    ----------
    values
        Distinct and sorted, none empty.

    Returns
    -------
    Literals
        About 30 bytes of memory per byte of the literals, less where they share beginnings.

    Raises
    ------
    InvalidInput
        If there are none, one is empty, they are not sorted and distinct, or exceed 2 GB together.

    Notes
    -----
    The trie with its failure links is that of Aho and Corasick [1]_; positions are sieved by hashed grams as
    Wu and Manber [2]_ do.

    References
    ----------
    .. [1] A. V. Aho, M. J. Corasick. Efficient string matching: an aid to bibliographic search. CACM 18(6), 1975.
    .. [2] S. Wu, U. Manber. A fast algorithm for multi-pattern searching. TR 94-17, University of Arizona, 1994.

    Examples
    --------
    >>> literals([b"he", b"her", b"she"]).trie.depth
    array([0, 1, 2, 3, 1, 2, 3], dtype=int32)
    """
    _check(values)
    data = np.frombuffer(b"".join(values), dtype=np.uint8)
    offsets = np.zeros(len(values) + 1, dtype=np.int64)
    sizes = np.fromiter(map(len, values), dtype=np.int64, count=len(values))
    np.cumsum(sizes, out=offsets[1:])
    trie = Trie(*_selector.trie(data, offsets), longest=int(sizes.max()))
    short = sizes < GRAM
    return Literals(
        trie,
        _short_sieve(data, offsets[:-1][short], sizes[short]) if short.any() else None,
        _long_sieve(data, offsets[:-1][~short], sizes[~short], trie) if not short.all() else None,
    )


def _check(values: Sequence[bytes]) -> None:
    if not values:
        raise InvalidInput("At least one literal is required, none came; leave the scan out")
    if not values[0]:
        raise InvalidInput("A literal must not be empty: it would match everywhere; take the empty one out")
    if any(left >= right for left, right in pairwise(values)):
        raise InvalidInput("Literals must be sorted and distinct; pass sorted(set(values))")
    if (total := sum(map(len, values))) >= MOST:
        raise InvalidInput(
            f"Literals must be below {MOST:,} bytes together, got {total:,}; scan in several sets"
        )


def _short_sieve(data: Octets, starts: Places, sizes: Places) -> Sieve:
    width = int(sizes.min())
    nothing = np.zeros(1, dtype=np.uint8)
    table, shift = _table(_bytes(data, starts, width, GRAM).view(np.uint32).ravel(), MULTIPLIER)
    slot = np.zeros(table.size + 1, dtype=np.int32)
    return Sieve(
        width, 1, shift, table, nothing, nothing, 63, slot, np.zeros(1, np.uint32), np.zeros(1, np.int32)
    )


def _long_sieve(data: Octets, starts: Places, sizes: Places, trie: Trie) -> Sieve:
    stride = min(int(sizes.min()) - GRAM + 1, GRAM)
    first, *others = (
        _bytes(data, starts + skipped, GRAM, GRAM).view(np.uint32).ravel() for skipped in range(stride)
    )
    follows = [_followers(data, starts, sizes, GRAM + skipped) for skipped in range(stride)]
    table, shift = _table(np.concatenate([first, *others]), MULTIPLIER, np.concatenate(follows))

    # Literals whose grams share a hash are looked up by as many bytes as the shortest of them has.
    hashes = (first * MULTIPLIER) >> np.uint32(shift)
    reach = np.full(table.size, WORD + 1, dtype=np.uint8)
    np.minimum.at(reach, hashes, np.minimum(sizes, WORD).astype(np.uint8))
    reach[reach > WORD] = 0
    words = _bytes(data, starts, reach[hashes], WORD).view(np.uint64).ravel()
    beginnings, beginnings_shift = _table(words, WIDE_MULTIPLIER)

    # Sorted literals that begin alike are neighbours, and preorder lists their common nodes in the same order.
    begins = np.flatnonzero(np.append(True, first[1:] != first[:-1]))
    node = np.flatnonzero(trie.depth == GRAM).astype(np.int32)
    order = np.argsort(hashes[begins], kind="stable")
    slot = np.searchsorted(hashes[begins][order], np.arange(table.size + 1, dtype=np.uint32)).astype(np.int32)
    return Sieve(
        GRAM,
        stride,
        shift,
        table,
        reach,
        beginnings,
        beginnings_shift,
        slot,
        first[begins][order],
        node[order],
    )


def _bytes(data: Octets, starts: Places, widths: npt.ArrayLike, room: int) -> Octets:
    """Return the first bytes of each literal, shape ``(n, room)``, zero beyond its width."""
    columns = np.arange(room)
    inside = columns < np.broadcast_to(widths, starts.shape)[:, None]
    taken = data[np.minimum(starts[:, None] + columns, data.size - 1)]
    return np.where(inside, taken, np.uint8(0))


def _followers(data: Octets, starts: Places, sizes: Places, at: int) -> Octets:
    """Return a bit for the byte of each literal at a place, all bits where the literal ends before it."""
    byte = data[np.minimum(starts + at, data.size - 1)]
    return np.where(sizes > at, np.uint8(1) << (byte & 7), np.uint8(255))


def _table(
    keys: npt.NDArray[np.unsignedinteger],
    multiplier: np.unsignedinteger,
    bits: Octets | np.uint8 = ONE,
) -> tuple[Octets, int]:
    """Return a table with the bits at the hash of each key, and the shift of the hash."""
    width = int(np.clip(np.ceil(np.log2(SLOTS_PER_GRAM * keys.size)), LEAST_BITS, MOST_BITS))
    shift = 8 * keys.itemsize - width
    table = np.zeros(1 << width, dtype=np.uint8)
    np.bitwise_or.at(table, (keys * multiplier) >> keys.dtype.type(shift), bits)
    return table, shift
