"""Comparing: entries that share a key are filtered by signature, verified, and united."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport realloc

from _bits cimport load_int, prefetch, swap_int
from _entries cimport Entry, next_close_plain, next_close_popcnt
from _keys cimport Sets, needed_by_both, set_of

cdef extern from *:
    """
    #define CS_KEYS_END ((uint64_t)1 << 32)
    """
    const uint64_t KEYS_END "CS_KEYS_END"

cdef enum:
    AHEAD = 16  # entries whose memory is asked for in advance
    CROWD = 8  # entries of one key from which it pays to look whether they are joined
    BUDGET = 1 << 24  # comparisons between two looks at signals

cdef struct Part:
    uint8_t *seen
    uint32_t shift
    Entry *entries
    uint64_t n
    uint64_t room
    uint32_t number
    uint64_t first  # the entries at hand cover the keys from here ...
    uint64_t until  # ... to here
    uint64_t i  # where the comparison stopped
    uint64_t j
    uint32_t *pairs  # left, right, overlap, where they are wanted
    uint64_t n_pairs
    uint64_t pairs_room
    bint has_popcnt


cdef inline int32_t root_of(int32_t *parent, int32_t node) noexcept nogil:
    # Path halving; another thread may do the same, and both only shorten.
    cdef int32_t up
    cdef int32_t above
    while True:
        up = load_int(parent + node)
        if up == node:
            return node
        above = load_int(parent + up)
        if above != up:
            swap_int(parent + node, up, above)
        node = above


cdef inline void unite(int32_t *parent, int32_t a, int32_t b) noexcept nogil:
    # The smaller row stays root: the result does not depend on the order.
    while True:
        a = root_of(parent, a)
        b = root_of(parent, b)
        if a == b:
            return
        if a > b:
            a, b = b, a
        if swap_int(parent + b, b, a):
            return


cdef inline uint64_t overlap_of(
    const uint32_t *x, uint64_t n_x, const uint32_t *y, uint64_t n_y, uint64_t needed
) noexcept nogil:
    """Return how many words two sets share; 0 as soon as it cannot reach ``needed``."""
    cdef uint64_t i = 0
    cdef uint64_t j = 0
    cdef uint64_t shared = 0
    while i < n_x and j < n_y:
        if x[i] == y[j]:
            shared += 1
            i += 1
            j += 1
        elif x[i] < y[j]:
            i += 1
            if shared + n_x - i < needed:
                return 0
        else:
            j += 1
            if shared + n_y - j < needed:
                return 0
    return shared if shared >= needed else 0


cdef inline bint keep_pair(Part *p, uint32_t x, uint32_t y, uint64_t shared) noexcept nogil:
    cdef uint32_t *moved
    if p.n_pairs == p.pairs_room:
        p.pairs_room = 2 * p.pairs_room + 1024
        moved = <uint32_t *>realloc(p.pairs, p.pairs_room * 3 * sizeof(uint32_t))
        if moved == NULL:
            return False
        p.pairs = moved
    p.pairs[3 * p.n_pairs] = min(x, y)
    p.pairs[3 * p.n_pairs + 1] = max(x, y)
    p.pairs[3 * p.n_pairs + 2] = <uint32_t>shared
    p.n_pairs += 1
    return True


cdef inline bint compare(
    const Sets *s, Part *p, int32_t *parent, uint32_t x, uint32_t y, int32_t *root, bint collect
) noexcept nogil:
    """Verify a candidate, then unite; ``root`` is that of x. False when memory ran out."""
    cdef uint64_t n_x
    cdef uint64_t n_y
    cdef uint64_t needed
    cdef uint64_t shared
    # First, because a pair that is alike meets under several keys.
    if not collect and root_of(parent, y) == root[0]:
        return True
    n_x = s.size[x]
    n_y = s.size[y]
    needed = needed_by_both(s, n_x, n_y)
    if needed > min(n_x, n_y):
        return True
    shared = overlap_of(set_of(s, x), n_x, set_of(s, y), n_y, needed)
    if shared == 0:
        return True
    unite(parent, x, y)
    root[0] = root_of(parent, x)
    return not collect or keep_pair(p, x, y, shared)


cdef inline bint are_joined(int32_t *parent, const Entry *e, uint64_t i, uint64_t end) noexcept nogil:
    """Say whether entries are one component already; a crowd of copies then costs no square of its size."""
    cdef int32_t root = root_of(parent, e[i].row)
    cdef uint64_t j
    for j in range(i + 1, end):
        if root_of(parent, e[j].row) != root:
            return False
    return True


cdef inline void prefetch_row(const Sets *s, const Part *p, const int32_t *parent, uint64_t i) noexcept nogil:
    if i + AHEAD < p.n:
        prefetch(parent + p.entries[i + AHEAD].row)
        prefetch(s.size + p.entries[i + AHEAD].row)


cdef inline bint compare_groups(const Sets *s, Part *p, int32_t *parent, bint collect) noexcept nogil:
    """Compare entries of one key with each other, until the budget is spent; False when memory ran out."""
    cdef Entry *e = p.entries
    cdef uint64_t spent = 0
    cdef uint64_t i = p.i
    cdef uint64_t j
    cdef uint64_t end
    cdef uint64_t limit
    cdef int32_t root
    while i < p.n and spent < BUDGET:
        if p.j <= i:
            end = i + 1
            prefetch_row(s, p, parent, end)
            while end < p.n and e[end].key == e[i].key:
                end += 1
                prefetch_row(s, p, parent, end)
            p.j = end
        end = p.j
        if end == i + 1:
            i = end
            continue
        # |x| (1 - t) / t bounds the words in which x and anything alike differ.
        limit = s.size[e[i].row] * (s.denominator - s.numerator) // s.numerator
        root = root_of(parent, e[i].row)
        j = i + 1
        spent += end - i
        while j < end:
            if p.has_popcnt:
                j = next_close_popcnt(e, j, end, e[i].signature, limit)
            else:
                j = next_close_plain(e, j, end, e[i].signature, limit)
            if j < end:
                spent += 16
                if not compare(s, p, parent, e[i].row, e[j].row, &root, collect):
                    return False
                j += 1
        i += 1
        if end - i > CROWD and not collect and are_joined(parent, e, i, end):
            i = end
    p.i = i
    return True
