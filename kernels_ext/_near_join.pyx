# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The near-duplicate join; the readable twin is ``consilience.kernels._reference.near_join``.

A key that only one set has cannot join: a first pass over the keys notes them in two bits each, a second writes entries
for those that were seen again. Few are left to sort. Each thread owns some of the words that lead keys.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

import numpy as np

from consilience.kernels.threads import spread

from _compare cimport KEYS_END, Part, compare_groups
from _entries cimport counts_bits, sort_entries
from _keys cimport Keys, Sets, keys_start, pair_key, set_of
from _pages cimport ask_large_pages
from _passes cimport mark_rows, write_rows

cdef enum:
    BLOCK = 1 << 15  # rows between two looks at signals
    SAMPLE = 1 << 18  # sets that the choice of frequent words looks at

# Nanoseconds, measured on one machine: they move work between two ways that give the same pairs.
cdef double PER_COMPARISON = 0.7
cdef double PER_KEY = 8.0
cdef double CROWDED_PAIR = 64.0  # sets that share a pair from which on a third word is worth its keys

cdef void group_identical(
    const Sets *s, const uint64_t *hashes, uint64_t *slots, uint64_t n_slots, int32_t *parent,
    int64_t start, int64_t stop, uint64_t part, uint64_t parts,
) noexcept nogil:
    """Point each row at the first row with the same set."""
    cdef int64_t row
    cdef uint64_t at
    cdef uint64_t _tries
    cdef uint32_t other
    for row in range(start, stop):
        if s.size[row] < 0 or (<uint64_t>(<uint32_t>hashes[row]) * parts) >> 32 != part:
            continue
        at = ((hashes[row] >> 32) * n_slots) >> 32
        # A full table leaves rows ungrouped: the join finds them, at a higher cost.
        for _tries in range(n_slots):
            if slots[at] == 0:
                slots[at] = hashes[row] >> 32 << 32 | <uint64_t>(row + 1)
                break
            if slots[at] >> 32 == hashes[row] >> 32:
                other = <uint32_t>slots[at] - 1
                if s.size[other] == s.size[row] and memcmp(
                    set_of(s, <uint32_t>row), set_of(s, other), s.size[row] * sizeof(uint32_t)
                ) == 0:
                    parent[row] = <int32_t>other
                    break
            at = at + 1 if at + 1 < n_slots else 0


cdef void count_prefixes(
    const Sets *s, const int32_t *rows, int64_t n, int64_t step, uint32_t *held, uint32_t *pairs
) noexcept nogil:
    """Count, over a sample of sets, how often a word stands in a prefix and how many pairs it would lead."""
    cdef int64_t i = 0
    cdef Keys k
    cdef uint64_t place
    cdef const uint32_t *words
    while i < n:
        words = set_of(s, rows[i])
        keys_start(s, s.size[rows[i]], 0, &k)
        for place in range(k.prefix):
            held[words[place]] += 1
            pairs[words[place]] += <uint32_t>(min(k.prefix, <uint64_t>s.size[rows[i]] - 1) - place)
        i += step


cdef void count_pairs(
    const Sets *s, const int32_t *rows, int64_t n, int64_t step, uint32_t *counts
) noexcept nogil:
    """Count, over the sample, the pairs that frequent words lead, each by some bits of its key."""
    cdef int64_t i = 0
    cdef Keys k
    cdef uint64_t place
    cdef uint64_t other
    cdef const uint32_t *words
    while i < n:
        words = set_of(s, rows[i])
        keys_start(s, s.size[rows[i]], 0, &k)
        for place in range(k.prefix):
            if s.frequent[words[place]]:
                for other in range(place + 1, min(k.prefix + 1, <uint64_t>s.size[rows[i]])):
                    counts[pair_key(words[place], words[other]) >> s.pair_shift] += 1
        i += step


cdef class Join:
    """One join of sets; every method that yields is the work of one thread."""

    cdef Sets s
    cdef Part *parts
    cdef int n_parts
    cdef bint collect
    cdef list words  # keeps what s points to alive, as do the views
    cdef const int64_t[::1] begin
    cdef const int32_t[::1] size
    cdef const uint64_t[::1] word_hashes
    cdef readonly int32_t[::1] parent
    cdef readonly int32_t[::1] rows
    cdef readonly uint8_t[::1] frequent
    cdef readonly uint8_t[::1] frequent_pairs
    cdef readonly double n_keys

    def __cinit__(self, sets, fraction, bands, int threads, bint collect):
        cdef const uint32_t[::1] shard
        self.words, self.begin, self.size, self.collect = sets.words, sets.begin, sets.size, collect
        self.n_parts = threads
        self.parts = <Part *>calloc(threads, sizeof(Part))
        if self.parts == NULL:
            raise MemoryError
        for i, shard in enumerate(self.words):
            self.s.words[i] = &shard[0]
        self.s.begin, self.s.size = &self.begin[0], &self.size[0]
        self.s.numerator, self.s.denominator = fraction
        self.s.bands, self.s.band_rows = bands
        self.s.n_once, self.s.n_parts = sets.n_once, threads
        self.word_hashes = sets.word_hashes
        self.s.word_hashes = &self.word_hashes[0]
        self.parent = np.arange(len(sets.size), dtype=np.int32)

    def __dealloc__(self):
        for i in range(self.n_parts if self.parts != NULL else 0):
            self._release(i)
            free(self.parts[i].pairs)
        free(self.parts)

    cdef void _release(self, int part) noexcept:
        free(self.parts[part].seen)
        free(self.parts[part].entries)
        self.parts[part].seen = NULL
        self.parts[part].entries = NULL

    def group(self, const uint64_t[::1] hashes, int part):
        """Point the rows of identical sets at the first of them."""
        cdef int64_t n = self.size.shape[0]
        cdef int64_t row
        cdef uint64_t[::1] slots = np.zeros(n * 3 // (2 * self.n_parts) + 1024, np.uint64)
        for row in range(0, n, 8 * BLOCK):
            with nogil:
                group_identical(
                    &self.s, &hashes[0], &slots[0], slots.shape[0], &self.parent[0],
                    row, min(n, row + 8 * BLOCK), part, self.n_parts,
                )
            yield

    def choose(self, uint32_t n_words):
        """List the distinct sets; say which words are frequent, and how many keys there will be."""
        parent, size = np.asarray(self.parent), np.asarray(self.size)
        self.rows = np.flatnonzero((size > 0) & (parent == np.arange(len(size), dtype=np.int32))).astype(np.int32)
        cdef int64_t n = self.rows.shape[0]
        cdef int64_t step = n // SAMPLE + 1
        held, pairs = np.zeros((2, max(1, n_words)), np.uint32)
        cdef uint32_t[::1] held_view = held
        cdef uint32_t[::1] pairs_view = pairs
        if self.s.bands or n == 0:
            self.n_keys = <double>n * self.s.bands
            return
        with nogil:
            count_prefixes(&self.s, &self.rows[0], n, step, &held_view[0], &pairs_view[0])
        held, pairs = held * float(step), pairs * float(step)
        frequent = held * held * (PER_COMPARISON / 2) > pairs * PER_KEY
        self.n_keys = np.where(frequent, pairs, held).sum()
        self.frequent = frequent.view(np.uint8)
        self.s.frequent = &self.frequent[0]
        bits = min(20, max(8, int(n).bit_length() + 1))
        self.s.pair_shift = 64 - bits
        counts = np.zeros(1 << bits, np.uint32)
        held_view = counts
        with nogil:
            count_pairs(&self.s, &self.rows[0], n, step, &held_view[0])
        self.frequent_pairs = (counts * float(step) > CROWDED_PAIR).view(np.uint8)
        self.s.frequent_pairs = &self.frequent_pairs[0]

    cdef bint _open(self, int part) except False:
        cdef Part *p = self.parts + part
        cdef double slots = 4.0 * self.n_keys / self.n_parts
        p.has_popcnt = counts_bits()
        p.shift = 20
        while p.shift > 1 and <double>(<uint64_t>1 << (32 - p.shift)) < slots:
            p.shift -= 1
        p.seen = <uint8_t *>calloc((<uint64_t>1 << (32 - p.shift)) // 4 + 1, 1)
        if p.seen == NULL:
            raise MemoryError
        ask_large_pages(p.seen, <uint64_t>1 << (30 - p.shift))
        p.first, p.number = 0, part
        return True

    def join(self, int part):
        """Compare what shares a key of this part."""
        cdef Part *p = self.parts + part
        cdef int64_t n = self.rows.shape[0]
        cdef int64_t row
        if n == 0:
            return
        self._open(part)
        for row in range(0, n, BLOCK):
            with nogil:
                mark_rows(&self.s, p, &self.rows[row], min(BLOCK, n - row))
            yield
        while p.first < KEYS_END:
            p.until, p.n = KEYS_END, 0
            yield from self._write(part)
            yield from self._compare(part)
            p.first = p.until
        self._release(part)

    def _write(self, int part):
        cdef Part *p = self.parts + part
        cdef int64_t n = self.rows.shape[0]
        cdef int64_t row
        cdef uint64_t most = max(1 << 18, 4 * n) // self.n_parts
        cdef bint done
        for row in range(0, n, BLOCK):
            with nogil:
                done = write_rows(&self.s, p, &self.rows[row], min(BLOCK, n - row), most)
            if not done:
                raise MemoryError
            yield

    def _compare(self, int part):
        cdef Part *p = self.parts + part
        cdef bint done
        with nogil:
            done = sort_entries(p.entries, p.n)
        if not done:
            raise MemoryError
        yield
        p.i = p.j = 0
        while p.i < p.n:
            with nogil:
                done = compare_groups(&self.s, p, &self.parent[0], self.collect)
            if not done:
                raise MemoryError
            yield

    def roots(self):
        """Return the smallest row that each row is joined with."""
        cdef int32_t row
        cdef int32_t n = <int32_t>self.parent.shape[0]
        with nogil:
            # One ascending pass flattens the forest, because parents come first.
            for row in range(n):
                self.parent[row] = self.parent[self.parent[row]]
        return np.asarray(self.parent)

    def pairs(self):
        """Return the pairs of distinct sets, (n, 3): two rows and their overlap, each pair once."""
        parts = [np.zeros((0, 3), np.uint32)]
        for i in range(self.n_parts):
            if self.parts[i].n_pairs:
                parts.append(np.array(<uint32_t[:self.parts[i].n_pairs, :3]>self.parts[i].pairs))
        found = np.concatenate(parts)
        # One number a pair: NumPy sorts numbers without the GIL, and rows with it.
        _, first = np.unique(found[:, 0].astype(np.uint64) << 32 | found[:, 1], return_index=True)
        return found[first]


def near_join(sets, fraction, bands=(0, 0), threads=1, collect=False):
    if len(sets.size) == 0:
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros((0, 3), np.uint32)
    join = Join(sets, fraction, bands, threads, collect)
    spread(lambda part: join.group(sets.hashes, part), threads)
    same = np.array(join.parent) if collect else np.zeros(0, np.int32)
    join.choose(sets.n_words)
    spread(join.join, threads)
    return join.roots(), same, join.pairs()
