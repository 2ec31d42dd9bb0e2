"""Join keys: two sets that are alike enough share one.

Prefix keys never miss a pair. Let a = ceil(t |x|), the overlap that x needs at least, and p = |x| - a + 1. Sets that
are alike share one of the p rarest words of each; if a >= 2 the second word they share is among the p + 1 rarest, and
if a >= 3 the third among the p + 2 rarest. So a rare word among the first p is a key by itself, a frequent one is a key
with each word behind it up to place p + 1, and a pair that is frequent too is one with each word behind that up to
place p + 2. What is frequent is one decision for all sets. MinHash bands miss pairs with a known probability.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from _bits cimport mix

cdef enum:
    SHARD_SHIFT = 40

cdef struct Sets:
    const uint32_t *words[64]  # by shard
    const int64_t *begin
    const int32_t *size
    uint64_t numerator  # the threshold as a fraction
    uint64_t denominator
    uint32_t n_once  # words below this rank stand in one set only
    const unsigned char *frequent  # by rank
    const unsigned char *frequent_pairs  # by the first bits of the pair's key; NULL while they are counted
    uint32_t pair_shift  # leaves those bits
    const uint64_t *word_hashes  # by rank: the bands do not depend on how words are numbered
    uint32_t n_parts  # threads; the first word of a key, or the band, says whose it is
    uint32_t bands
    uint32_t band_rows

cdef struct Keys:
    # What is left to do for one row, so that a buffer of fixed size serves any row.
    uint32_t part
    uint64_t i
    uint64_t j
    uint64_t m
    uint64_t prefix
    uint64_t needed


cdef inline const uint32_t *set_of(const Sets *s, uint32_t row) noexcept nogil:
    cdef uint64_t place = <uint64_t>s.begin[row]
    return s.words[place >> SHARD_SHIFT] + (place & ((<uint64_t>1 << SHARD_SHIFT) - 1))


cdef inline uint64_t needed_by(const Sets *s, uint64_t size) noexcept nogil:
    """The overlap that a set of this size needs with whatever is alike."""
    return (s.numerator * size + s.denominator - 1) // s.denominator


cdef inline uint64_t needed_by_both(const Sets *s, uint64_t a, uint64_t b) noexcept nogil:
    """The overlap at which two sets of these sizes reach the threshold."""
    cdef uint64_t both = s.numerator + s.denominator
    return (s.numerator * (a + b) + both - 1) // both


cdef inline uint64_t pair_key(uint32_t first, uint32_t second) noexcept nogil:
    return mix((<uint64_t>first << 32 | second) + <uint64_t>0x9E3779B97F4A7C15)


cdef inline uint32_t part_of(const Sets *s, uint32_t word) noexcept nogil:
    return <uint32_t>((<uint64_t>(word * <uint32_t>0x9E3779B1) * s.n_parts) >> 32)


cdef inline void keys_start(const Sets *s, uint64_t size, uint32_t part, Keys *k) noexcept nogil:
    k.part = part
    k.i = 0
    k.j = 0
    k.m = 0
    k.needed = needed_by(s, size)
    k.prefix = size - k.needed + 1


cdef inline uint64_t longer_keys(
    const Sets *s, const uint32_t *words, uint64_t size, Keys *k, uint64_t *out, uint64_t n, uint64_t room
) noexcept nogil:
    """Write the keys that the frequent word at place i leads, from place j on; k.j is 0 when all are written."""
    cdef uint64_t key
    while k.j <= min(k.prefix, size - 1):
        key = pair_key(words[k.i], words[k.j])
        if s.frequent_pairs == NULL or not s.frequent_pairs[key >> s.pair_shift]:
            if n == room:
                return n
            out[n] = key
            n += 1
        else:
            if k.m == 0:
                if n == room:
                    return n
                if k.needed < 3:
                    # Two small sets may share these words and no third one.
                    out[n] = key
                    n += 1
                k.m = k.j + 1
            while k.m <= min(k.prefix + 1, size - 1):
                if n == room:
                    return n
                out[n] = mix(key + words[k.m])
                n += 1
                k.m += 1
            k.m = 0
        k.j += 1
    k.j = 0
    return n


cdef inline uint64_t prefix_keys(
    const Sets *s, const uint32_t *words, uint64_t size, Keys *k, uint64_t *out, uint64_t room
) noexcept nogil:
    """Write the next keys of a set, at most ``room``; return how many, fewer than ``room`` at the end."""
    cdef uint64_t n = 0
    cdef uint32_t word
    while k.i < k.prefix:
        word = words[k.i]
        if word >= s.n_once and part_of(s, word) == k.part:
            if n == room:
                return n
            if k.j == 0 and (not s.frequent[word] or k.needed < 2):
                # The latter only at a threshold of 0.5 or less: two small sets may share this word and no second.
                out[n] = pair_key(word, 0xFFFFFFFF)
                n += 1
            if s.frequent[word]:
                k.j = max(k.j, k.i + 1)
                n = longer_keys(s, words, size, k, out, n, room)
                if k.j != 0:
                    return n
        k.i += 1
    return n


cdef inline uint64_t band_keys(
    const Sets *s, const uint32_t *words, uint64_t size, Keys *k, uint64_t *out, uint64_t room
) noexcept nogil:
    """Write the MinHash bands of a set; ``room`` is larger than their number."""
    cdef uint64_t band
    cdef uint64_t row
    cdef uint64_t i
    cdef uint64_t h
    cdef uint64_t least
    cdef uint64_t key
    cdef uint64_t n = 0
    if k.i:
        return 0
    k.i = 1
    for band in range(s.bands):
        if band % s.n_parts != k.part:
            continue
        key = band
        for row in range(s.band_rows):
            h = mix(band * s.band_rows + row + 1) | 1
            least = <uint64_t>-1
            for i in range(size):
                # An odd factor makes each hash another order of the words.
                least = min(least, mix(s.word_hashes[words[i]] * h))
            key = mix(key ^ least)
        out[n] = key
        n += 1
    return n
