# cython: language_level=3
"""Positions where no literal can stand, told by hashed grams of four bytes and then by up to eight."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    MULTIPLIER = 0x9E3779B1  # Knuth, The Art of Computer Programming 3, section 6.4: 2**32 / golden ratio
    DENSE = 32  # of so many positions one hit: more, and a branch for each group costs more than it saves

cdef extern from *:
    """
    #define WIDE_MULTIPLIER 0x9E3779B97F4A7C15ULL
    """
    const uint64_t WIDE_MULTIPLIER


cdef struct Sieve:
    uint32_t mask  # of a gram's bytes
    int64_t width
    int64_t stride
    uint32_t shift
    const uint8_t* table
    # By the hash of the gram that begins a literal: how many of its bytes, up to eight, are looked up next.
    const uint8_t* reach
    const uint8_t* beginnings
    uint32_t beginnings_shift
    uint64_t masks[9]
    bint dense
    # Grams that begin a literal, by hash: gram[slot[h]:slot[h + 1]] and the nodes that they lead to.
    const int32_t* slot
    const uint32_t* gram
    const int32_t* node


cdef inline uint32_t load(const uint8_t* text) noexcept nogil:
    cdef uint32_t word
    memcpy(&word, text, 4)
    return word


cdef inline uint32_t load_tail(const uint8_t* text, int64_t n) noexcept nogil:
    cdef uint32_t word = 0
    memcpy(&word, text, n if n < 4 else 4)
    return word


cdef inline uint32_t hashed(const uint8_t* text, uint32_t shift) noexcept nogil:
    return (load(text) * <uint32_t>MULTIPLIER) >> shift


cdef inline int64_t hits_of(
    const Sieve* sieve, const uint8_t* text, int64_t start, int64_t stop, int64_t n, uint32_t* hits
) noexcept nogil:
    """Collect every position whose gram may belong to a literal, whatever the gram's width."""
    cdef int64_t found = 0
    cdef int64_t p
    stop = min(stop, n - sieve.width + 1)
    for p in range(start, stop):
        hits[found] = <uint32_t>p
        found += sieve.table[((load_tail(text + p, n - p) & sieve.mask) * <uint32_t>MULTIPLIER) >> sieve.shift]
    return found


cdef inline uint8_t may_start(const uint8_t* table, uint32_t shift, const uint8_t* text) noexcept nogil:
    """Return 1 where the gram and the byte after it may belong to a literal, else 0."""
    return (table[hashed(text, shift)] >> (text[4] & 7)) & 1


cdef inline int64_t append_hits(
    const uint8_t* table, uint32_t shift, const uint8_t* text, int64_t p, int64_t stop, int64_t stride,
    uint32_t* hits, int64_t found,
) noexcept nogil:
    """Write every position, and go past it only where a literal may stand: no branch for it."""
    while p < stop:
        hits[found] = <uint32_t>p
        found += may_start(table, shift, text + p)
        p += stride
    return found


cdef inline int64_t wide_hits_of(
    Sieve* sieve, const uint8_t* text, int64_t start, int64_t stop, int64_t n, uint32_t* hits
) noexcept nogil:
    """Collect every position, a stride apart, whose gram of four bytes may belong to a literal."""
    cdef int64_t stride = sieve.stride
    cdef int64_t p = (start + stride - 1) // stride * stride
    cdef int64_t found = 0
    cdef uint32_t shift = sieve.shift
    cdef const uint8_t* table = sieve.table
    cdef const uint8_t* at = text + p
    cdef const uint8_t* half
    cdef int64_t last = n - 4  # a gram that no byte follows
    cdef bint ends = last >= start and last < stop and last % stride == 0
    cdef int64_t groups = 0
    stop = min(stop, last)
    cdef const uint8_t* fast = text + (0 if sieve.dense else stop - 7 * stride)
    while at < fast:
        half = at + 4 * stride
        # Eight at a time: most groups have no hit, and the branch is foreseen.
        if (
            table[hashed(at, shift)] | table[hashed(at + stride, shift)]
            | table[hashed(at + 2 * stride, shift)] | table[hashed(half - stride, shift)]
            | table[hashed(half, shift)] | table[hashed(half + stride, shift)]
            | table[hashed(half + 2 * stride, shift)] | table[hashed(half + 3 * stride, shift)]
        ):
            found = append_hits(table, shift, text, at - text, half - text + 4 * stride, stride, hits, found)
            groups += 1
        at = half + 4 * stride
    found = append_hits(table, shift, text, at - text, stop, stride, hits, found)
    sieve.dense = max(groups, found if sieve.dense else 0) * DENSE * stride > stop - start
    if ends:
        hits[found] = <uint32_t>last
        found += table[hashed(text + last, shift)] != 0
    return found


cdef inline int32_t node_of(const Sieve* sieve, uint32_t gram) noexcept nogil:
    """Return the node at the end of the gram, 0 where no literal begins so."""
    cdef uint32_t h = (gram * <uint32_t>MULTIPLIER) >> sieve.shift
    cdef int32_t i
    for i in range(sieve.slot[h], sieve.slot[h + 1]):
        if sieve.gram[i] == gram:
            return sieve.node[i]
    return 0


cdef inline int64_t starts_of(
    const Sieve* sieve, const uint8_t* text, const uint32_t* hits, int64_t n_hits, int64_t start, int64_t stop,
    int64_t n, uint32_t* starts,
) noexcept nogil:
    """Keep, of the positions that a hit can come from, those where the first bytes of a literal may stand."""
    cdef int64_t found = 0
    cdef int64_t i
    cdef int64_t p
    cdef uint64_t word
    # Copies stay in registers: what is written to starts might else be the sieve.
    cdef const uint8_t* reach = sieve.reach
    cdef const uint8_t* beginnings = sieve.beginnings
    cdef uint32_t shift = sieve.shift
    cdef uint32_t beginnings_shift = sieve.beginnings_shift
    cdef int64_t back = sieve.stride - 1
    for i in range(n_hits):
        for p in range(max(start, <int64_t>hits[i] - back), min(stop, <int64_t>hits[i] + 1)):
            starts[found] = <uint32_t>p
            if p + 8 > n:
                found += 1
                continue
            memcpy(&word, text + p, 8)
            word &= sieve.masks[reach[hashed(text + p, shift)]]
            found += beginnings[(word * WIDE_MULTIPLIER) >> beginnings_shift]
    return found
