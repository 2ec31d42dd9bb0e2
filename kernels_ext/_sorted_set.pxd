"""A row of word numbers into a sorted set, and its hash."""

from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from _bits cimport mix

cdef enum:
    FEW = 40  # longest row that is sorted by counting, for each value, the smaller ones: no branch depends on them
    NOTHING = 0xFFFFFFFF


cdef inline uint64_t sort_few(uint32_t *a, uint64_t n) noexcept nogil:
    """Sort a row, and return how many distinct values it has; they stand first, the last of them fills the rest."""
    cdef int32_t[FEW] values  # signed, because every processor compares these side by side
    cdef uint32_t[FEW] placed
    cdef int32_t smaller
    cdef int32_t value
    cdef uint64_t i
    cdef uint64_t j
    cdef uint64_t kept = 0
    for i in range(n):
        values[i] = <int32_t>a[i]
        placed[i] = NOTHING
    for i in range(n):
        value = values[i]
        smaller = 0
        for j in range(n):
            smaller += values[j] < value
        # Equal values meet in one place and leave the next ones empty.
        placed[smaller] = <uint32_t>value
    for i in range(n):
        a[kept] = placed[i]
        kept += placed[i] != NOTHING
    for i in range(kept, n):
        a[i] = a[kept - 1]
    return kept


cdef inline void radix_sort(uint32_t *a, uint32_t *scratch, uint64_t n, uint32_t largest) noexcept nogil:
    cdef uint64_t[256] place
    cdef uint32_t *source = a
    cdef uint32_t *target = scratch
    cdef uint32_t *other
    cdef uint32_t shift = 0
    cdef uint64_t start
    cdef uint64_t size
    cdef uint64_t i
    while shift < 32 and largest >> shift:
        memset(place, 0, sizeof(place))
        for i in range(n):
            place[source[i] >> shift & 0xFF] += 1
        start = 0
        for i in range(256):
            size = place[i]
            place[i] = start
            start += size
        for i in range(n):
            target[place[source[i] >> shift & 0xFF]] = source[i]
            place[source[i] >> shift & 0xFF] += 1
        other = source
        source = target
        target = other
        shift += 8
    if source != a:
        memcpy(a, source, n * sizeof(uint32_t))


cdef inline uint64_t drop_repeats(uint32_t *a, uint64_t n) noexcept nogil:
    """Return how many distinct values a sorted row has; they stand first, and the last of them fills the rest."""
    cdef uint64_t kept = 1
    cdef uint64_t i
    if n == 0:
        return 0
    for i in range(1, n):
        if a[i] != a[kept - 1]:
            a[kept] = a[i]
            kept += 1
    for i in range(kept, n):
        a[i] = a[kept - 1]
    return kept


cdef inline uint64_t set_hash(const uint32_t *a, uint64_t n) noexcept nogil:
    # A sum, so that the terms do not wait for each other.
    cdef uint64_t h = n
    cdef uint64_t i
    for i in range(n):
        h += mix(a[i] + <uint64_t>0x9E3779B97F4A7C15)
    return mix(h)
