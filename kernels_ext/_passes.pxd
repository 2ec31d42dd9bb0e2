"""The two passes over the keys of sets: note each, then write entries for those that were seen again."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport realloc

from _bits cimport prefetch
from _compare cimport KEYS_END, Part
from _entries cimport Entry, is_repeated, mark_keys, signature_of
from _keys cimport Keys, Sets, band_keys, keys_start, prefix_keys, set_of
from _pages cimport ask_large_pages

cdef enum:
    BUFFER = 512  # keys at a time


cdef inline uint64_t next_keys(
    const Sets *s, const uint32_t *words, uint64_t size, Keys *k, uint64_t *out
) noexcept nogil:
    if s.bands:
        return band_keys(s, words, size, k, out, BUFFER)
    return prefix_keys(s, words, size, k, out, BUFFER)


cdef inline uint64_t keys_within(const Part *p, uint64_t *keys, uint64_t n, uint64_t end) noexcept nogil:
    """Keep the keys from ``p.first`` to ``end``, and ask for their bits."""
    cdef uint64_t kept = n
    cdef uint64_t i
    if p.first > 0 or end < KEYS_END:
        kept = 0
        for i in range(n):
            keys[kept] = keys[i]
            kept += p.first <= keys[i] >> 32 < end
    for i in range(kept):
        prefetch(p.seen + (<uint32_t>keys[i] >> p.shift >> 2))
    return kept


cdef inline void mark_rows(const Sets *s, Part *p, const int32_t *rows, int64_t n) noexcept nogil:
    """Note the keys of these rows, several rows at a time."""
    cdef uint64_t[2 * BUFFER] keys
    cdef Keys k
    cdef int64_t i
    cdef uint64_t found
    cdef uint64_t held = 0
    for i in range(n):
        keys_start(s, s.size[rows[i]], p.number, &k)
        found = BUFFER
        while found == BUFFER:
            found = next_keys(s, set_of(s, rows[i]), s.size[rows[i]], &k, keys + held)
            held += found
            if held >= BUFFER:
                mark_keys(p.seen, p.shift, keys, keys_within(p, keys, held, KEYS_END))
                held = 0
    mark_keys(p.seen, p.shift, keys, keys_within(p, keys, held, KEYS_END))


cdef inline bint entry_room(Part *p, uint64_t most) noexcept nogil:
    """Make room for one buffer of keys: by growing, then by leaving the upper half of the keys for later."""
    cdef Entry *moved
    cdef uint64_t kept
    cdef uint64_t i
    while p.n + BUFFER > p.room:
        if p.room < most or p.until - p.first < 2:
            p.room = p.room + p.room // 2 + 4 * BUFFER
            moved = <Entry *>realloc(p.entries, p.room * sizeof(Entry))
            if moved == NULL:
                return False
            ask_large_pages(moved, p.room * sizeof(Entry))
            p.entries = moved
            continue
        p.until = p.first + (p.until - p.first) // 2
        kept = 0
        for i in range(p.n):
            p.entries[kept] = p.entries[i]
            kept += p.entries[i].key < p.until
        p.n = kept
    return True


cdef inline bint write_keys(const Sets *s, Part *p, uint32_t row, const uint64_t *keys, uint64_t n) noexcept nogil:
    cdef uint64_t i
    cdef uint64_t signature = 0
    for i in range(n):
        if not is_repeated(p.seen, p.shift, keys[i]):
            continue
        if signature == 0:
            signature = signature_of(set_of(s, row), s.size[row])
        p.entries[p.n].key = <uint32_t>(keys[i] >> 32)
        p.entries[p.n].row = row
        p.entries[p.n].signature = signature
        p.n += 1
    return True


cdef inline bint write_rows(const Sets *s, Part *p, const int32_t *rows, int64_t n, uint64_t most) noexcept nogil:
    """Append an entry for each key of these rows that another set has too; False when memory ran out."""
    cdef uint64_t[2 * BUFFER] keys  # of this row, and of the one before, whose bits are on their way
    cdef Keys k
    cdef int64_t i
    cdef uint64_t found
    cdef uint64_t own
    cdef uint64_t half = 0
    cdef uint64_t waiting = 0
    cdef uint32_t row = 0
    for i in range(n):
        keys_start(s, s.size[rows[i]], p.number, &k)
        found = BUFFER
        while found == BUFFER:
            found = next_keys(s, set_of(s, rows[i]), s.size[rows[i]], &k, keys + half)
            own = keys_within(p, keys + half, found, p.until)
            if not entry_room(p, most):
                return False
            half = BUFFER - half
            write_keys(s, p, row, keys + half, waiting)
            waiting = own
            row = rows[i]
    if not entry_room(p, most):
        return False
    return write_keys(s, p, row, keys + BUFFER - half, waiting)
