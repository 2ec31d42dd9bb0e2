# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Texts into sets of words; the readable twin is ``consilience.kernels._reference.token_sets``.

Rows come as Arrow string views. Callers check the type: nothing here looks at bounds.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

import numpy as np

from consilience.kernels import words as rules
from consilience.kernels.sets import RankedSets
from consilience.kernels.threads import spread

from _fold cimport (
    ATOMIC, CODE_POINT, CONTEXT, DROPPED, N_PAGES, PURE_MARK, SEVERAL,
    Folding, decode, write_entries, write_entry,
)
from _ranking cimport list_words, make_sets, merge_words, order_by
from _shard cimport Shard, add_ascii, add_folded, add_null, is_ascii, look_up, shard_close, shard_open, text_room
from _vocabulary cimport NO_WORD, Slot, Vocabulary, is_long, long_word, vocabulary_close

cdef enum:
    BLOCK = 1 << 15  # rows between two looks at signals

cdef uint32_t *pages[N_PAGES]


cdef int make_page(uint32_t number) except -1:
    """Fill one page of the folding table. A page that another thread filled meanwhile stays."""
    cdef bytes table = rules.page(number)
    cdef uint32_t *page
    if pages[number] != NULL:
        return 0
    page = <uint32_t *>malloc(PyBytes_GET_SIZE(table))
    if page == NULL:
        raise MemoryError
    memcpy(page, PyBytes_AS_STRING(table), PyBytes_GET_SIZE(table))
    pages[number] = page
    return 0


cdef inline uint32_t entry_of(uint32_t point) except? 0xFFFFFFFF nogil:
    if pages[point >> 8] == NULL:
        with gil:
            make_page(point >> 8)
    return pages[point >> 8][point & 0xFF]


cdef int fold_cluster(Folding *f, const unsigned char *at, uint64_t length, dict known) except -1 with gil:
    """Append what Python makes of a few characters that depend on each other."""
    cdef bytes cluster = PyBytes_FromStringAndSize(<const char *>at, <Py_ssize_t>length)
    cdef bytes folded = known.get(cluster)
    if folded is None:
        folded = rules.fold_cluster(cluster)
        if len(known) < 100_000 and length < 64:
            known[cluster] = folded
    if not write_entries(f, <const uint32_t *>PyBytes_AS_STRING(folded), len(folded) // 4):
        raise MemoryError
    return 0


cdef int fold(Folding *f, const unsigned char *at, uint64_t length, dict known) except -1 nogil:
    """Normalise a text into ``f.text``, its words between spaces."""
    cdef uint64_t i = 0
    cdef uint64_t width = 0
    cdef uint32_t entry
    cdef const uint32_t *several
    # Where the last character began that does not depend on what stands before it, and what was written by then.
    cdef uint64_t base = 0
    cdef Folding before = f[0]
    cdef bint atomic = False
    while i < length:
        entry = entry_of(decode(at + i, length - i, &width))
        if entry & DROPPED:
            i += width
            continue
        if entry & CONTEXT or (entry & PURE_MARK and not atomic):
            while i < length and entry & (CONTEXT | PURE_MARK | DROPPED):
                i += width
                if i < length:
                    entry = entry_of(decode(at + i, length - i, &width))
            f.used = before.used
            f.single = before.single
            fold_cluster(f, at + base, i - base, known)
            base = i
            before = f[0]
            atomic = False
            continue
        if not entry & PURE_MARK:
            base = i
            before = f[0]
        atomic = (entry & (ATOMIC | PURE_MARK)) == ATOMIC
        i += width
        if entry & SEVERAL:
            several = pages[decode(at + base, length - base, &width) >> 8] + (entry & CODE_POINT)
            if not write_entries(f, several + 1, several[0]):
                with gil:
                    raise MemoryError
        elif not write_entry(f, entry):
            with gil:
                raise MemoryError
    return 0


cdef int add_row(Shard *s, const unsigned char *at, uint64_t length, dict known) except -1 nogil:
    cdef Folding f
    cdef bint done
    if is_ascii(at, length):
        done = add_ascii(s, at, length)
    else:
        f.text = &s.text
        f.used = 0
        f.single = False
        fold(&f, at, length, known)
        done = text_room(&s.text, f.used) and add_folded(s, f.used)
    if not done:
        with gil:
            raise MemoryError
    return 0


cdef class Rows:
    """The addresses inside one `StringColumn`, which it keeps alive."""

    cdef object column
    cdef const uint8_t *valid
    cdef const uint8_t *views
    cdef const uint8_t **data
    cdef int64_t offset
    cdef readonly int64_t n

    def __cinit__(self, column):
        cdef const uint8_t[::1] octets
        self.column, self.n, self.offset = column, column.length, column.offset
        self.valid = self.views = NULL
        self.data = <const uint8_t **>calloc(len(column.buffers) + 1, sizeof(void *))
        if self.data == NULL:
            raise MemoryError
        if column.valid.size:
            octets = column.valid
            self.valid = &octets[0]
        if column.views.size:
            octets = column.views
            self.views = &octets[0]
        for i, buffer in enumerate(column.buffers):
            octets = buffer
            self.data[i] = &octets[0] if octets.shape[0] else NULL

    def __dealloc__(self):
        free(self.data)

    cdef inline bint is_null(self, int64_t row) noexcept nogil:
        row += self.offset
        return self.valid != NULL and not (self.valid[row >> 3] >> (row & 7)) & 1

    cdef inline const unsigned char *text(self, int64_t row, uint64_t *length) noexcept nogil:
        # A view: length, then the text itself if it has at most 12 bytes, else prefix, buffer, place.
        cdef const uint8_t *view = self.views + 16 * (row + self.offset)
        cdef const int32_t *parts = <const int32_t *>view
        length[0] = <uint64_t>parts[0]
        if parts[0] <= 12:
            return view + 4
        return self.data[parts[2]] + parts[3]


cdef class TokenSets:
    """Sets of words of the rows that were added."""

    cdef Shard *shards
    cdef int n_shards
    cdef list segments  # (shard, rows) in the order of the rows
    cdef list known  # of each shard, the clusters that Python folded
    cdef list numbers  # of each shard, the rank of each word, once ranked
    cdef readonly int64_t n_rows
    cdef int64_t readers
    cdef bint closed

    def __cinit__(self, int shingle, int threads):
        cdef int t
        self.segments, self.known, self.numbers = [], [{} for _ in range(threads)], []
        self.n_shards = threads
        self.shards = <Shard *>calloc(threads, sizeof(Shard))
        if self.shards == NULL:
            raise MemoryError
        for t in range(threads):
            if not shard_open(self.shards + t, shingle):
                raise MemoryError

    def __dealloc__(self):
        cdef int t
        if self.shards != NULL:
            for t in range(self.n_shards):
                shard_close(self.shards + t)
            free(self.shards)

    @property
    def n_bytes(self):
        """Bytes that the sets and the vocabularies take."""
        cdef int64_t used = 0
        cdef int t
        for t in range(self.n_shards):
            used += 4 * (self.shards[t].n_words + self.shards[t].n_rows)
            used += self.shards[t].vocabulary.capacity * sizeof(Slot) + self.shards[t].vocabulary.arena_used
        return used

    def _add_rows(self, Rows rows, int shard, int64_t start, int64_t stop):
        """Add a range of rows to one shard, a block at each step."""
        cdef Shard *s = self.shards + shard
        cdef dict known = self.known[shard]
        cdef int64_t row
        cdef int64_t end
        cdef uint64_t length = 0
        cdef uint64_t done
        cdef bint found
        cdef const unsigned char *at
        while start < stop:
            end = min(stop, start + BLOCK)
            with nogil:
                row = start
                done = 0
                while row < end and done < (1 << 23):
                    if rows.is_null(row):
                        if not add_null(s):
                            with gil:
                                raise MemoryError
                    else:
                        at = rows.text(row, &length)
                        add_row(s, at, length, known)
                        done += length
                    row += 1
                found = look_up(s)
            if not found:
                raise MemoryError
            start = row
            yield

    def add(self, column):
        """Add a `StringColumn`; on an exception nothing of it stays."""
        cdef Rows rows = Rows(column)
        cdef int parts = self.n_shards if rows.n >= 4 * self.n_shards else 1
        cdef int t
        self._restore()
        kept = [(self.shards[t].n_rows, self.shards[t].n_words) for t in range(parts)]
        bounds = [rows.n * t // parts for t in range(parts + 1)]
        try:
            spread(lambda part: self._add_rows(rows, part, bounds[part], bounds[part + 1]), parts)
        except BaseException:  # also an interrupt: half of a batch would shift every later row
            for t in range(parts):
                self.shards[t].n_rows, self.shards[t].n_words = kept[t]
                self.shards[t].n_spans = self.shards[t].n_waiting = 0
            raise
        for t in range(parts):
            self.segments.append((t, bounds[t + 1] - bounds[t]))
        self.n_rows += rows.n

    def _rank(self):
        """Number the words of all shards together, rarest first; return how many there are, and how many once."""
        cdef int t
        cdef uint32_t[::1] number
        numbers = [np.zeros(max(1, self.shards[t].vocabulary.n_words), np.uint32) for t in range(self.n_shards)]
        for t in range(1, self.n_shards):
            number = numbers[t]
            with nogil:
                failed = merge_words(&self.shards[0].vocabulary, &self.shards[t].vocabulary, &number[0])
            if failed == NO_WORD:
                raise MemoryError
        cdef uint32_t n = <uint32_t>self.shards[0].vocabulary.n_words
        count = np.zeros(max(1, n), np.uint32)
        order = np.arange(max(1, n), dtype=np.uint32)
        cdef uint32_t[::1] counts = count
        cdef uint32_t[::1] orders = order
        cdef uint64_t[::1] hashes = np.zeros(max(1, n), np.uint64)
        cdef uint32_t[::1] other = np.empty(max(1, n), np.uint32)
        with nogil:
            list_words(&self.shards[0].vocabulary, &counts[0], &hashes[0])
            order_by(&counts[0], &orders[0], &other[0], n, 0)
            order_by(&counts[0], &other[0], &orders[0], n, 16)
        rank = np.empty(max(1, n), np.uint32)
        rank[order] = np.arange(max(1, n), dtype=np.uint32)
        self.numbers = [rank, *(rank[numbers[t]] for t in range(1, self.n_shards))]
        return int(n), int((count[:n] == 1).sum()), np.asarray(hashes)[order]

    def _make_sets(self, int shard, int64_t[::1] begin, int32_t[::1] size, uint64_t[::1] hashes):
        cdef const uint32_t[::1] number = self.numbers[shard]
        cdef uint64_t place = 0
        cdef uint64_t first = 0
        cdef int64_t row = 0
        cdef int64_t end
        cdef int64_t n
        cdef bint done
        for segment_shard, n_rows in self.segments:
            end = row + n_rows
            while row < end and segment_shard == shard:
                n = min(BLOCK, end - row)
                with nogil:
                    done = make_sets(
                        self.shards + shard, &place, first, n, &number[0],
                        &begin[row], &size[row], &hashes[row], shard,
                    )
                if not done:
                    raise MemoryError
                first += n
                row += n
                yield
            row = end

    def ranked(self, bint last=False):
        """Return the sets: word ranks by shard, where each row begins, its size (-1: null), hash, and two counts."""
        cdef int t
        self._restore()
        n_words, n_once, word_hashes = self._rank()
        if last:
            for t in range(self.n_shards):
                vocabulary_close(&self.shards[t].vocabulary)
            self.closed = True
        begin = np.zeros(self.n_rows, np.int64)
        size = np.zeros(self.n_rows, np.int32)
        hashes = np.zeros(self.n_rows, np.uint64)
        spread(lambda part: self._make_sets(part, begin, size, hashes), self.n_shards)
        words = [
            np.asarray(ShardWords(self, t)) if self.shards[t].n_words else np.zeros(1, np.uint32)
            for t in range(self.n_shards)
        ]
        return RankedSets(words, begin, size, hashes, word_hashes, n_words, n_once)

    def _restore(self):
        """Give the words back the numbers that their shards gave them."""
        cdef int t
        cdef uint64_t i
        cdef uint32_t[::1] inverse
        if self.readers:
            raise BufferError("the sets that were handed out are still in use")
        if self.closed:
            raise BufferError("the vocabulary was given up with the last sets")
        if not self.numbers:
            return
        for t in range(self.n_shards):
            back = np.zeros(max(1, self.shards[0].vocabulary.n_words), np.uint32)
            back[self.numbers[t]] = np.arange(len(self.numbers[t]), dtype=np.uint32)
            inverse = back
            with nogil:
                for i in range(self.shards[t].n_words):
                    self.shards[t].words[i] = inverse[self.shards[t].words[i]]
        self.numbers = []

    def words(self):
        """Return the words by rank; for looking at, it holds the GIL."""
        cdef Vocabulary *v = &self.shards[0].vocabulary
        cdef uint64_t i
        cdef uint64_t length = 0
        cdef const unsigned char *at
        ranked = [None] * v.n_words
        for i in range(v.capacity):
            if v.slots[i].high == 0:
                continue
            if is_long(v.slots + i):
                at = long_word(v, v.slots + i, &length)
            else:
                at = <const unsigned char *>(v.slots + i)
                length = v.slots[i].high >> 56
            ranked[self.numbers[0][v.slots[i].word]] = at[:length].decode()
        return ranked


cdef class ShardWords:
    """The words of one shard as a buffer; while anyone reads them, the sets refuse to change."""

    cdef TokenSets sets
    cdef Shard *shard
    cdef Py_ssize_t[1] shape
    cdef Py_ssize_t[1] strides

    def __cinit__(self, TokenSets sets, int shard):
        self.sets, self.shard = sets, sets.shards + shard

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        self.shape[0], self.strides[0] = self.shard.n_words, sizeof(uint32_t)
        buffer.buf, buffer.obj, buffer.format = self.shard.words, self, "I"
        buffer.len, buffer.itemsize = self.shard.n_words * sizeof(uint32_t), sizeof(uint32_t)
        buffer.ndim, buffer.shape, buffer.strides = 1, self.shape, self.strides
        buffer.readonly, buffer.suboffsets, buffer.internal = 1, NULL, NULL
        self.sets.readers += 1

    def __releasebuffer__(self, Py_buffer *buffer):
        self.sets.readers -= 1


def token_sets(int shingle, int threads):
    return TokenSets(shingle, threads)
