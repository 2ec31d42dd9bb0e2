"""Words of all shards under common numbers, rarest first, and rows into sets of these numbers."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from _shard cimport NULL_ROW, Shard, text_room
from _sorted_set cimport FEW, drop_repeats, radix_sort, set_hash, sort_few
from _vocabulary cimport NO_WORD, Slot, Vocabulary, intern_from, is_long, slot_hash

cdef enum:
    SHARD_SHIFT = 40  # a row's place: the shard's number above, the offset in it below


cdef inline uint32_t merge_words(Vocabulary *into, Vocabulary *other, uint32_t *number) noexcept nogil:
    """Add the words and counts of one vocabulary to another; ``number`` tells what each is called there."""
    cdef uint64_t i
    cdef uint32_t word = 0
    for i in range(other.capacity):
        if other.slots[i].high == 0:
            continue
        word = intern_from(into, other, other.slots + i)
        if word == NO_WORD:
            return NO_WORD
        number[other.slots[i].word] = word
        other.slots[i].count = 0
    return word


cdef inline void list_words(const Vocabulary *v, uint32_t *count, uint64_t *hashes) noexcept nogil:
    """Write how often each word occurs, and a hash of its bytes."""
    cdef const Slot *slot
    cdef uint64_t i
    for i in range(v.capacity):
        slot = v.slots + i
        if slot.high != 0:
            count[slot.word] = slot.count
            hashes[slot.word] = slot.low if is_long(slot) else slot_hash(slot.low, slot.high)


cdef inline void order_by(
    const uint32_t *key, const uint32_t *order, uint32_t *sorted_, uint32_t n, int shift
) noexcept nogil:
    """One pass of a stable counting sort by sixteen bits of the key."""
    cdef uint32_t[65537] place
    cdef uint32_t i
    for i in range(65537):
        place[i] = 0
    for i in range(n):
        place[(key[i] >> shift & 0xFFFF) + 1] += 1
    for i in range(65536):
        place[i + 1] += place[i]
    for i in range(n):
        sorted_[place[key[order[i]] >> shift & 0xFFFF]] = order[i]
        place[key[order[i]] >> shift & 0xFFFF] += 1


cdef inline int64_t sort_row(Shard *s, uint32_t *words, uint64_t n) noexcept nogil:
    """Sort a row, and return how many distinct words it has; -1 when memory ran out."""
    cdef uint32_t largest = 0
    cdef uint64_t i
    if n <= FEW:
        return <int64_t>sort_few(words, n)
    if not text_room(&s.joined, n * sizeof(uint32_t)):
        return -1
    for i in range(n):
        largest = max(largest, words[i])
    radix_sort(words, <uint32_t *>s.joined.bytes, n, largest)
    return <int64_t>drop_repeats(words, n)


cdef inline bint make_sets(
    Shard *s, uint64_t *place, uint64_t first, uint64_t n, const uint32_t *number,
    int64_t *begin, int32_t *size, uint64_t *hashes, uint64_t shard,
) noexcept nogil:
    """Rows into sorted sets, in place; ``number`` gives each word its rank."""
    cdef uint64_t row
    cdef uint64_t i
    cdef uint32_t length
    cdef uint32_t *words
    for row in range(n):
        length = s.lengths[first + row]
        begin[row] = shard << SHARD_SHIFT | place[0]
        if length == NULL_ROW:
            size[row] = -1
            continue
        words = s.words + place[0]
        place[0] += length
        for i in range(length):
            words[i] = number[words[i]]
        size[row] = <int32_t>sort_row(s, words, length)
        if size[row] < 0:
            return False
        hashes[row] = set_hash(words, size[row])
    return True
