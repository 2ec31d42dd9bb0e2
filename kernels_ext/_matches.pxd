# cython: language_level=3
"""Matches of a scan: a growing list, and the choice of those that do not overlap."""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport realloc


cdef struct Match:
    int64_t row
    int64_t start
    int64_t end
    int64_t literal


cdef struct Matches:
    Match* items
    int64_t n
    int64_t capacity
    bint exhausted  # there was no memory for another


cdef inline void add(Matches* matches, int64_t row, int64_t start, int64_t end, int64_t literal) noexcept nogil:
    cdef int64_t capacity
    cdef void* grown
    cdef Match* item
    if matches.n == matches.capacity:
        capacity = 2 * matches.capacity + 1024
        grown = realloc(matches.items, capacity * sizeof(Match))
        if grown == NULL:
            matches.exhausted = True
            return
        matches.items = <Match*>grown
        matches.capacity = capacity
    item = &matches.items[matches.n]
    item.row, item.start, item.end, item.literal = row, start, end, literal
    matches.n += 1


cdef inline int by_start_then_end(const void* left, const void* right) noexcept nogil:
    cdef const Match* a = <const Match*>left
    cdef const Match* b = <const Match*>right
    if a.start != b.start:
        return -1 if a.start < b.start else 1
    return (a.end > b.end) - (a.end < b.end)


cdef inline void keep_longest(Matches* matches, int64_t first, int64_t* free) noexcept nogil:
    """Of the sorted matches from first on keep the leftmost, of these the longest, and no two that overlap."""
    cdef int64_t i
    cdef int64_t kept = first
    for i in range(first, matches.n):
        if i + 1 < matches.n and matches.items[i + 1].start == matches.items[i].start:
            continue
        if matches.items[i].start >= free[0]:
            free[0] = matches.items[i].end
            matches.items[kept] = matches.items[i]
            kept += 1
    matches.n = kept
