"""A shard: the word numbers of some rows, and the vocabulary that gave them; one thread writes one shard."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from _bits cimport load64, lowest_bit, prefetch, store64
from _pages cimport ask_large_pages
from _vocabulary cimport (
    IN_SLOT, NO_WORD, Vocabulary, intern, intern_slot, pack, slot_hash, vocabulary_close, vocabulary_open,
)

cdef enum:
    SLACK = 64  # bytes behind a text that may be read and written
    NULL_ROW = 0xFFFFFFFF
    WAITING = 32  # words that are looked up together

cdef struct Text:
    unsigned char *bytes
    uint64_t capacity

cdef struct Span:
    uint64_t start
    uint64_t length

cdef struct Waiting:
    # A word whose slot is on its way from memory.
    uint64_t low
    uint64_t high
    uint64_t hash
    uint64_t place

cdef struct Shard:
    Vocabulary vocabulary
    uint32_t *words  # of all rows, one after the other
    uint64_t n_words
    uint64_t words_capacity
    uint32_t *lengths  # words of each row, or NULL_ROW
    uint64_t n_rows
    uint64_t rows_capacity
    uint32_t shingle
    Text text  # the row at hand, normalised
    Text joined  # its words with one space between, where shingles are made
    Span *spans
    uint64_t n_spans
    uint64_t spans_capacity
    Waiting waiting[WAITING]
    uint64_t n_waiting


cdef inline bint shard_open(Shard *s, uint32_t shingle) noexcept nogil:
    memset(s, 0, sizeof(Shard))
    s.shingle = shingle
    return vocabulary_open(&s.vocabulary)


cdef inline void shard_close(Shard *s) noexcept nogil:
    vocabulary_close(&s.vocabulary)
    free(s.words)
    free(s.lengths)
    free(s.text.bytes)
    free(s.joined.bytes)
    free(s.spans)
    memset(s, 0, sizeof(Shard))


cdef inline bint text_room(Text *text, uint64_t size) noexcept nogil:
    """Make room for ``size`` bytes and the slack; what stands there stays."""
    cdef unsigned char *moved
    if size + SLACK <= text.capacity:
        return True
    size += size // 2 + 4096
    moved = <unsigned char *>realloc(text.bytes, size + SLACK)
    if moved == NULL:
        return False
    text.bytes = moved
    text.capacity = size + SLACK
    return True


cdef inline bint shard_room(Shard *s, uint64_t words) noexcept nogil:
    """Make room for one more row of at most so many words."""
    cdef void *moved
    cdef uint64_t size
    if s.n_rows == s.rows_capacity:
        size = s.rows_capacity + s.rows_capacity // 2 + 1024
        moved = realloc(s.lengths, size * sizeof(uint32_t))
        if moved == NULL:
            return False
        s.lengths = <uint32_t *>moved
        s.rows_capacity = size
    if s.n_words + words > s.words_capacity:
        size = s.n_words + s.n_words // 2 + words + 1024
        moved = realloc(s.words, size * sizeof(uint32_t))
        if moved == NULL:
            return False
        ask_large_pages(moved, size * sizeof(uint32_t))
        s.words = <uint32_t *>moved
        s.words_capacity = size
    return True


cdef inline bint span_put(Shard *s, uint64_t start, uint64_t length) noexcept nogil:
    cdef void *moved
    cdef uint64_t size
    if s.n_spans == s.spans_capacity:
        size = 2 * s.spans_capacity + 256
        moved = realloc(s.spans, size * sizeof(Span))
        if moved == NULL:
            return False
        s.spans = <Span *>moved
        s.spans_capacity = size
    s.spans[s.n_spans].start = start
    s.spans[s.n_spans].length = length
    s.n_spans += 1
    return True


cdef inline bint look_up(Shard *s) noexcept nogil:
    """Write the numbers of the words that wait."""
    cdef uint64_t i
    cdef Waiting *w
    cdef uint32_t word
    for i in range(s.n_waiting):
        w = s.waiting + i
        word = intern_slot(&s.vocabulary, w.low, w.high, w.hash, 1)
        if word == NO_WORD:
            return False
        s.words[w.place] = word
    s.n_waiting = 0
    return True


cdef inline bint put_word(Shard *s, uint64_t start, uint64_t end) noexcept nogil:
    """Take the word that stands in ``s.text`` from start to end."""
    cdef Waiting *w
    if s.shingle > 1:
        return span_put(s, start, end - start)
    if end - start > IN_SLOT:
        s.words[s.n_words] = intern(&s.vocabulary, s.text.bytes + start, end - start)
        s.n_words += 1
        return s.words[s.n_words - 1] != NO_WORD
    w = s.waiting + s.n_waiting
    pack(s.text.bytes + start, end - start, &w.low, &w.high)
    w.hash = slot_hash(w.low, w.high)
    w.place = s.n_words
    prefetch(s.vocabulary.slots + (w.hash & (s.vocabulary.capacity - 1)))
    s.n_words += 1
    s.n_waiting += 1
    return s.n_waiting < WAITING or look_up(s)


cdef inline bint put_shingles(Shard *s) noexcept nogil:
    """Take every run of ``shingle`` words; of a row that has fewer, all its words as one."""
    cdef uint64_t i
    cdef uint64_t last
    cdef uint64_t used = 0
    cdef uint32_t word
    for i in range(s.n_spans):
        if not text_room(&s.joined, used + s.spans[i].length + 1):
            return False
        memcpy(s.joined.bytes + used, s.text.bytes + s.spans[i].start, s.spans[i].length)
        s.spans[i].start = used
        used += s.spans[i].length
        s.joined.bytes[used] = 0x20
        used += 1
    for i in range(max(s.n_spans, <uint64_t>s.shingle) - s.shingle + 1):
        last = min(i + s.shingle, s.n_spans) - 1
        word = intern(
            &s.vocabulary,
            s.joined.bytes + s.spans[i].start,
            s.spans[last].start + s.spans[last].length - s.spans[i].start,
        )
        if word == NO_WORD:
            return False
        s.words[s.n_words] = word
        s.n_words += 1
    s.n_spans = 0
    return True


cdef inline bint end_row(Shard *s, uint64_t first) noexcept nogil:
    """Close the row whose words begin at ``first``."""
    if s.n_spans > 0 and not put_shingles(s):
        return False
    s.lengths[s.n_rows] = <uint32_t>(s.n_words - first)
    s.n_rows += 1
    return True


cdef inline bint is_ascii(const unsigned char *at, uint64_t length) noexcept nogil:
    cdef uint64_t seen = 0
    cdef uint64_t i = 0
    while i + 8 <= length:
        seen |= load64(at + i)
        i += 8
    while i < length:
        seen |= at[i]
        i += 1
    return (seen & <uint64_t>0x8080808080808080) == 0


cdef inline uint64_t at_least(uint64_t eight, unsigned char limit) noexcept nogil:
    # The top bit of each byte that is >= limit; every byte is below 128, so that none carries into its neighbour.
    return eight + <uint64_t>(0x80 - limit) * <uint64_t>0x0101010101010101


cdef inline uint64_t fold_eight(unsigned char *at) noexcept nogil:
    """Put eight ASCII bytes into lower case; return a bit for each that belongs to a word: a-z, 0-9, _."""
    cdef uint64_t top = <uint64_t>0x8080808080808080
    cdef uint64_t eight = load64(at)
    cdef uint64_t upper = at_least(eight, 0x41) & ~at_least(eight, 0x5B) & top
    eight |= upper >> 2
    store64(at, eight)
    cdef uint64_t word = (
        (at_least(eight, 0x61) & ~at_least(eight, 0x7B))
        | (at_least(eight, 0x30) & ~at_least(eight, 0x3A))
        | (at_least(eight, 0x5F) & ~at_least(eight, 0x60))
    ) & top
    # The product gathers the eight top bits in its last byte, first byte lowest.
    return ((word >> 7) * <uint64_t>0x0102040810204080) >> 56


cdef inline bint split_ascii(Shard *s, uint64_t length) noexcept nogil:
    """Split ``s.text``, ASCII and followed by zeros, into words."""
    cdef uint64_t at = 0
    cdef uint64_t start = 0
    cdef uint64_t inside = 0  # 1 while a word is open
    cdef uint64_t mask
    cdef uint64_t edges
    cdef uint64_t i
    cdef uint64_t place
    while at < length:
        mask = 0
        for i in range(min(<uint64_t>8, (length - at + 7) >> 3)):
            mask |= fold_eight(s.text.bytes + at + 8 * i) << (8 * i)
        edges = mask ^ ((mask << 1) | inside)
        while edges:
            place = at + lowest_bit(edges)
            edges &= edges - 1
            if inside:
                if not put_word(s, start, place):
                    return False
            start = place
            inside ^= 1
        at += 64
    return not inside or put_word(s, start, length)


cdef inline bint add_ascii(Shard *s, const unsigned char *at, uint64_t length) noexcept nogil:
    cdef uint64_t first = s.n_words
    if not text_room(&s.text, length) or not shard_room(s, length // 2 + 1):
        return False
    memcpy(s.text.bytes, at, length)
    memset(s.text.bytes + length, 0, 16)
    return split_ascii(s, length) and end_row(s, first)


cdef inline bint add_folded(Shard *s, uint64_t length) noexcept nogil:
    """Take ``s.text`` as a row whose words stand between spaces already."""
    cdef uint64_t first = s.n_words
    cdef uint64_t start = 0
    cdef uint64_t at
    if not shard_room(s, length // 2 + 1):
        return False
    for at in range(length):
        if s.text.bytes[at] == 0x20:
            if at > start and not put_word(s, start, at):
                return False
            start = at + 1
    if length > start and not put_word(s, start, length):
        return False
    return end_row(s, first)


cdef inline bint add_null(Shard *s) noexcept nogil:
    if not shard_room(s, 0):
        return False
    s.lengths[s.n_rows] = NULL_ROW
    s.n_rows += 1
    return True
