# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Jaccard similarity of every pair of sets; the readable twin is ``consilience.kernels._reference.jaccard_matrix``.

The most frequent words are bits, and two sets share as many of them as ``popcount(a & b)``; the others are counted
along the lists of the sets that hold them. Only j > i is computed; the lower half is a mirror.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

import numpy as np

from consilience.kernels.threads import spread


cdef extern from * nogil:
    """
    #include <stdint.h>
    #define CS_SHARE(name, attributes)                                                                   \\
        attributes static void name(const uint64_t *bits, int64_t width, int64_t i, int64_t n,           \\
                                    int32_t *shared) {                                                   \\
            const uint64_t *a = bits + i * width;                                                        \\
            for (int64_t j = i + 1; j < n; j++) {                                                        \\
                const uint64_t *b = bits + j * width;                                                    \\
                int32_t count = 0;                                                                       \\
                for (int64_t w = 0; w < width; w++)                                                      \\
                    count += __builtin_popcountll(a[w] & b[w]);                                          \\
                shared[j] += count;                                                                      \\
            }                                                                                            \\
        }
    CS_SHARE(cs_share_plain, )
    #if defined(__x86_64__) && !defined(CONSILIENCE_PLAIN)
    CS_SHARE(cs_share_popcnt, __attribute__((target("popcnt"))))
    static int cs_counts_bits(void) { return __builtin_cpu_supports("popcnt") != 0; }
    #else
    #define cs_share_popcnt cs_share_plain
    static int cs_counts_bits(void) { return 0; }
    #endif
    """
    void share_plain "cs_share_plain"(const uint64_t *bits, int64_t width, int64_t i, int64_t n, int32_t *shared)
    void share_popcnt "cs_share_popcnt"(const uint64_t *bits, int64_t width, int64_t i, int64_t n, int32_t *shared)
    bint counts_bits "cs_counts_bits"()

cdef enum:
    STEP = 16  # rows between two looks at signals
    TILE = 64

cdef bint has_popcnt = counts_bits()

cdef struct Sets:
    const int64_t *offsets
    const uint32_t *words
    const int32_t *size
    int64_t n
    uint32_t first_bit  # words from this rank on are bits
    int64_t width  # numbers of 64 bits a set
    uint64_t *bits
    int64_t *ends  # of the list of each other word
    int32_t *holders  # the lists: sets in ascending order
    int64_t *places  # of each word of each set, where the set stands in the list


cdef void list_holders(Sets *s) noexcept nogil:
    cdef int64_t i
    cdef int64_t k
    cdef int64_t start = 0
    cdef int64_t count
    cdef uint32_t word
    for k in range(s.offsets[s.n]):
        if s.words[k] < s.first_bit:
            s.ends[s.words[k]] += 1
    for k in range(s.first_bit):
        count = s.ends[k]
        s.ends[k] = start
        start += count
    for i in range(s.n):
        for k in range(s.offsets[i], s.offsets[i + 1]):
            word = s.words[k]
            if word < s.first_bit:
                s.holders[s.ends[word]] = <int32_t>i
                s.places[k] = s.ends[word]
                s.ends[word] += 1
            else:
                word -= s.first_bit
                s.bits[i * s.width + (word >> 6)] |= <uint64_t>1 << (word & 63)


cdef void compare_row(const Sets *s, int64_t i, int32_t *shared, float *out) noexcept nogil:
    """Write the similarities of row i with every later row."""
    cdef int64_t j
    cdef int64_t k
    cdef int64_t place
    cdef int32_t size = s.size[i]
    cdef int32_t either
    for j in range(i + 1, s.n):
        shared[j] = 0
    for k in range(s.offsets[i], s.offsets[i + 1]):
        if s.words[k] < s.first_bit:
            for place in range(s.places[k] + 1, s.ends[s.words[k]]):
                shared[s.holders[place]] += 1
    if s.width:
        if has_popcnt:
            share_popcnt(s.bits, s.width, i, s.n, shared)
        else:
            share_plain(s.bits, s.width, i, s.n, shared)
    for j in range(i + 1, s.n):
        either = size + s.size[j] - shared[j]
        # Two sets without a word are equal.
        out[j] = <float>shared[j] / <float>either if either else 1


cdef void mirror(float *out, int64_t n, int64_t top) noexcept nogil:
    """Copy a band of tiles above the diagonal to below it."""
    cdef int64_t left = top
    cdef int64_t i
    cdef int64_t j
    while left < n:
        for j in range(left, min(left + TILE, n)):
            for i in range(top, min(min(top + TILE, n), j)):
                out[j * n + i] = out[i * n + j]
        left += TILE


cdef class Matrix:
    """The work on one matrix; every method that yields is the work of one thread."""

    cdef Sets s
    cdef int threads
    cdef list kept  # what s points to
    cdef float[:, ::1] out

    def __cinit__(
        self, const int64_t[::1] offsets, const uint32_t[::1] words, const int32_t[::1] size,
        uint32_t n_words, int64_t width, int threads, out,
    ):
        cdef int64_t n = size.shape[0]
        cdef uint64_t[::1] bits = np.zeros(n * width + 1, np.uint64)
        cdef int64_t[::1] ends = np.zeros(n_words + 1, np.int64)
        cdef int32_t[::1] holders = np.empty(words.shape[0] + 1, np.int32)
        cdef int64_t[::1] places = np.empty(words.shape[0] + 1, np.int64)
        self.kept, self.out, self.threads = [offsets, words, size, bits, ends, holders, places], out, threads
        self.s.n, self.s.width = n, width
        self.s.first_bit = n_words - <uint32_t>min(<int64_t>n_words, 64 * width)
        self.s.offsets, self.s.size = &offsets[0], &size[0]
        self.s.words = &words[0] if words.shape[0] else NULL
        self.s.bits, self.s.ends, self.s.holders, self.s.places = &bits[0], &ends[0], &holders[0], &places[0]
        with nogil:
            list_holders(&self.s)

    def rows(self, int part):
        cdef int64_t top = part * STEP
        cdef int64_t i
        cdef int32_t[::1] shared = np.empty(self.s.n, np.int32)
        while top < self.s.n:
            with nogil:
                for i in range(top, min(top + STEP, self.s.n)):
                    compare_row(&self.s, i, &shared[0], &self.out[i, 0])
                    self.out[i, i] = 1
            top += self.threads * STEP
            yield

    def columns(self, int part):
        cdef int64_t top = part * TILE
        while top < self.s.n:
            with nogil:
                mirror(&self.out[0, 0], self.s.n, top)
            top += self.threads * TILE
            yield


def jaccard_matrix(offsets, words, size, n_words, width, threads):
    out = np.empty((len(size), len(size)), np.float32)
    if len(size):
        matrix = Matrix(offsets, words, size, n_words, width, threads, out)
        spread(matrix.rows, threads)
        spread(matrix.columns, threads)
    return out
