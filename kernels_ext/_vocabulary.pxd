"""Interning: each distinct word becomes a number, and equal hashes are confirmed by the bytes.

A word of at most 15 bytes stands in its slot, so that most look-ups touch one cache line. A longer one stands in the
arena; its slot holds the hash and the place.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy

from _bits cimport load64, mix
from _pages cimport ask_large_pages

cdef enum:
    IN_SLOT = 15  # bytes of a word that fit beside its length
    NO_WORD = 0xFFFFFFFF  # memory ran out, or the numbers did

cdef struct Slot:
    uint64_t low  # bytes 0 to 7; of a long word the hash
    uint64_t high  # bytes 8 to 14 and the length in the last byte, 0 in an empty slot; of a long word its place
    uint32_t word
    uint32_t count

cdef struct Vocabulary:
    Slot *slots
    uint64_t capacity  # a power of two
    uint64_t n_words
    unsigned char *arena  # of each long word the length (8 bytes) and the bytes
    uint64_t arena_used
    uint64_t arena_size


cdef inline bint vocabulary_open(Vocabulary *v) noexcept nogil:
    v.capacity = 1 << 12
    v.n_words = v.arena_used = v.arena_size = 0
    v.arena = NULL
    v.slots = <Slot *>calloc(v.capacity, sizeof(Slot))
    return v.slots != NULL


cdef inline void vocabulary_close(Vocabulary *v) noexcept nogil:
    free(v.slots)
    free(v.arena)
    v.slots = NULL
    v.arena = NULL
    v.capacity = v.arena_used = 0


cdef inline uint64_t slot_hash(uint64_t low, uint64_t high) noexcept nogil:
    return mix(low ^ (high * <uint64_t>0x9E3779B97F4A7C15))


cdef inline uint64_t long_hash(const unsigned char *at, uint64_t length) noexcept nogil:
    cdef uint64_t h = length
    cdef uint64_t i = 0
    while i + 8 <= length:
        h = mix(h ^ load64(at + i)) + <uint64_t>0x9E3779B97F4A7C15
        i += 8
    # The last eight bytes again: a long word has at least sixteen.
    return mix(h ^ load64(at + length - 8))


cdef inline bint vocabulary_grow(Vocabulary *v) noexcept nogil:
    cdef uint64_t capacity = v.capacity * 2
    cdef Slot *slots = <Slot *>calloc(capacity, sizeof(Slot))
    cdef Slot *old
    cdef uint64_t i
    cdef uint64_t at
    if slots == NULL:
        return False
    ask_large_pages(slots, capacity * sizeof(Slot))
    for i in range(v.capacity):
        old = v.slots + i
        if old.high == 0:
            continue
        at = home_of(v, old, capacity)
        while slots[at].high != 0:
            at = (at + 1) & (capacity - 1)
        slots[at] = old[0]
    free(v.slots)
    v.slots = slots
    v.capacity = capacity
    return True


cdef inline bint is_long(const Slot *slot) noexcept nogil:
    return (slot.high >> 56) == 0xFF


cdef inline uint64_t home_of(const Vocabulary *v, const Slot *slot, uint64_t capacity) noexcept nogil:
    if is_long(slot):
        return slot.low & (capacity - 1)
    return slot_hash(slot.low, slot.high) & (capacity - 1)


cdef inline const unsigned char *long_word(const Vocabulary *v, const Slot *slot, uint64_t *length) noexcept nogil:
    cdef const unsigned char *at = v.arena + (slot.high & <uint64_t>0xFFFFFFFFFFFFFF)
    memcpy(length, at, 8)
    return at + 8


cdef inline uint64_t arena_put(Vocabulary *v, const unsigned char *at, uint64_t length) noexcept nogil:
    """Return where the word was put; the largest number when memory ran out."""
    cdef uint64_t place = v.arena_used
    cdef uint64_t size
    cdef unsigned char *arena
    if place + length + 8 > v.arena_size:
        size = 2 * v.arena_size + length + 4096
        arena = <unsigned char *>realloc(v.arena, size)
        if arena == NULL:
            return <uint64_t>-1
        v.arena = arena
        v.arena_size = size
    memcpy(v.arena + place, &length, 8)
    memcpy(v.arena + place + 8, at, length)
    v.arena_used = place + length + 8
    return place


cdef inline uint32_t word_added(Vocabulary *v, Slot *slot, uint64_t low, uint64_t high, uint32_t count) noexcept nogil:
    cdef uint32_t word = <uint32_t>v.n_words
    if v.n_words >= <uint64_t>0x7FFFFFFF:
        return NO_WORD
    slot.low = low
    slot.high = high
    slot.word = word
    slot.count = count
    v.n_words += 1
    if v.n_words * 5 > v.capacity * 3 and not vocabulary_grow(v):
        return NO_WORD
    return word


cdef inline uint32_t intern_slot(
    Vocabulary *v, uint64_t low, uint64_t high, uint64_t h, uint32_t count
) noexcept nogil:
    """Return the number of a word that stands in its slot, and count it; ``h`` is its `slot_hash`."""
    cdef uint64_t at = h & (v.capacity - 1)
    cdef Slot *slot = v.slots + at
    while slot.high != 0:
        if slot.low == low and slot.high == high:
            slot.count += count
            return slot.word
        at = (at + 1) & (v.capacity - 1)
        slot = v.slots + at
    return word_added(v, slot, low, high, count)


cdef inline uint32_t intern_long(
    Vocabulary *v, const unsigned char *word, uint64_t length, uint32_t count
) noexcept nogil:
    cdef uint64_t h = long_hash(word, length)
    cdef uint64_t at = h & (v.capacity - 1)
    cdef Slot *slot = v.slots + at
    cdef const unsigned char *known
    cdef uint64_t known_length = 0
    while slot.high != 0:
        if slot.low == h and is_long(slot):
            known = long_word(v, slot, &known_length)
            if known_length == length and memcmp(known, word, length) == 0:
                slot.count += count
                return slot.word
        at = (at + 1) & (v.capacity - 1)
        slot = v.slots + at
    known_length = arena_put(v, word, length)
    if known_length == <uint64_t>-1:
        return NO_WORD
    return word_added(v, slot, h, known_length | (<uint64_t>0xFF << 56), count)


cdef inline void pack(const unsigned char *word, uint64_t length, uint64_t *low, uint64_t *high) noexcept nogil:
    """Pack a word of 1 to 15 bytes as a slot holds it. Reads 16 bytes from ``word`` on."""
    low[0] = load64(word)
    high[0] = length << 56
    if length < 8:
        low[0] &= (<uint64_t>1 << (8 * length)) - 1
    else:
        high[0] |= load64(word + 8) & ((<uint64_t>1 << (8 * (length - 8))) - 1)


cdef inline uint32_t intern(Vocabulary *v, const unsigned char *word, uint64_t length) noexcept nogil:
    """Return the number of a word of at least one byte, and count it. Reads 16 bytes from ``word`` on."""
    cdef uint64_t low
    cdef uint64_t high
    if length > IN_SLOT:
        return intern_long(v, word, length, 1)
    pack(word, length, &low, &high)
    return intern_slot(v, low, high, slot_hash(low, high), 1)


cdef inline uint32_t intern_from(Vocabulary *v, const Vocabulary *other, const Slot *slot) noexcept nogil:
    """Return the number that a word of another vocabulary has in this one, with the counts added."""
    cdef uint64_t length = 0
    cdef const unsigned char *word
    if not is_long(slot):
        return intern_slot(v, slot.low, slot.high, slot_hash(slot.low, slot.high), slot.count)
    word = long_word(other, slot, &length)
    return intern_long(v, word, length, slot.count)
