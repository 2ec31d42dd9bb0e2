"""Join entries: key, row and signature in sixteen bytes, so that sorting and filtering read no other memory."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

cdef enum:
    FEW = 32  # up to here insertion sorts faster,
    SOME = 1024  # and up to here counting by bytes


cdef extern from * nogil:
    """
    typedef struct { uint32_t key; uint32_t row; uint64_t signature; } cs_entry;

    /* The next entry whose signature differs in at most so many bits. */
    #define CS_NEXT_CLOSE(name, attributes)                                                       \\
        attributes static uint64_t name(const cs_entry *e, uint64_t j, uint64_t end,              \\
                                        uint64_t signature, uint64_t limit) {                     \\
            for (; j < end; j++)                                                                  \\
                if ((uint64_t)__builtin_popcountll(e[j].signature ^ signature) <= limit)          \\
                    break;                                                                        \\
            return j;                                                                             \\
        }
    CS_NEXT_CLOSE(cs_next_close_plain, )
    #if defined(__x86_64__) && !defined(CONSILIENCE_PLAIN)
    CS_NEXT_CLOSE(cs_next_close_popcnt, __attribute__((target("popcnt"))))
    static int cs_counts_bits(void) { return __builtin_cpu_supports("popcnt") != 0; }
    #else
    #define cs_next_close_popcnt cs_next_close_plain
    static int cs_counts_bits(void) { return 0; }
    #endif
    """
    ctypedef struct Entry "cs_entry":
        uint32_t key
        uint32_t row
        uint64_t signature
    uint64_t next_close_plain "cs_next_close_plain"(
        const Entry *e, uint64_t j, uint64_t end, uint64_t signature, uint64_t limit)
    uint64_t next_close_popcnt "cs_next_close_popcnt"(
        const Entry *e, uint64_t j, uint64_t end, uint64_t signature, uint64_t limit)
    bint counts_bits "cs_counts_bits"()


cdef inline uint64_t signature_of(const uint32_t *words, uint64_t size) noexcept nogil:
    cdef uint64_t signature = 0
    cdef uint64_t i
    for i in range(size):
        signature ^= <uint64_t>1 << ((words[i] * <uint32_t>0x9E3779B1) >> 26)
    return signature


cdef inline void mark_keys(unsigned char *seen, uint32_t shift, const uint64_t *keys, uint64_t n) noexcept nogil:
    """Note keys in a table of two bits each: seen, seen again."""
    cdef uint64_t i
    cdef uint64_t at
    cdef unsigned char bits
    for i in range(n):
        at = <uint32_t>keys[i] >> shift
        bits = 1 << ((at & 3) << 1)
        # The first time sets the low bit; with the low bit set, the sum carries it into the high one.
        seen[at >> 2] |= bits | ((seen[at >> 2] & bits) << 1)


cdef inline bint is_repeated(const unsigned char *seen, uint32_t shift, uint64_t key) noexcept nogil:
    cdef uint64_t at = <uint32_t>key >> shift
    return seen[at >> 2] >> ((at & 3) << 1) & 2


cdef inline void sort_few(Entry *a, uint64_t n) noexcept nogil:
    cdef uint64_t i
    cdef uint64_t j
    cdef Entry moving
    for i in range(1, n):
        moving = a[i]
        j = i
        while j > 0 and a[j - 1].key > moving.key:
            a[j] = a[j - 1]
            j -= 1
        a[j] = moving


cdef inline void sort_pass(
    const Entry *source, Entry *target, uint64_t n, uint32_t shift, uint32_t digits
) noexcept nogil:
    """One pass of a stable counting sort, by some bits of the key."""
    cdef uint32_t[2048] place
    cdef uint32_t start = 0
    cdef uint32_t size
    cdef uint32_t digit
    cdef uint64_t i
    memset(place, 0, digits * sizeof(uint32_t))
    for i in range(n):
        place[source[i].key >> shift & (digits - 1)] += 1
    for digit in range(digits):
        size = place[digit]
        place[digit] = start
        start += size
    for i in range(n):
        target[place[source[i].key >> shift & (digits - 1)]] = source[i]
        place[source[i].key >> shift & (digits - 1)] += 1


cdef inline void sort_bucket(Entry *a, Entry *scratch, uint64_t n) noexcept nogil:
    """Sort a bucket, in which the first eleven bits of the key are the same."""
    if n <= FEW:
        sort_few(a, n)
    elif n <= SOME:
        sort_pass(a, scratch, n, 0, 256)
        sort_pass(scratch, a, n, 8, 256)
        sort_pass(a, scratch, n, 16, 256)
        memcpy(a, scratch, n * sizeof(Entry))
    else:
        sort_pass(a, scratch, n, 0, 2048)
        sort_pass(scratch, a, n, 11, 2048)


cdef inline void spread_entries(Entry *a, uint64_t n, uint64_t *starts) noexcept nogil:
    """Bring entries into 2,048 buckets by the first bits of the key, in place (American flag sort)."""
    cdef uint64_t[2048] next_free
    cdef uint64_t i
    cdef uint64_t bucket
    cdef Entry moving
    cdef Entry found
    memset(starts, 0, 2049 * sizeof(uint64_t))
    for i in range(n):
        starts[(a[i].key >> 21) + 1] += 1
    for bucket in range(2048):
        starts[bucket + 1] += starts[bucket]
        next_free[bucket] = starts[bucket]
    for bucket in range(2048):
        while next_free[bucket] < starts[bucket + 1]:
            moving = a[next_free[bucket]]
            while moving.key >> 21 != bucket:
                i = next_free[moving.key >> 21]
                next_free[moving.key >> 21] += 1
                found = a[i]
                a[i] = moving
                moving = found
            a[next_free[bucket]] = moving
            next_free[bucket] += 1


cdef inline bint sort_entries(Entry *a, uint64_t n) noexcept nogil:
    """Sort by key, with scratch space for the largest bucket only; False when memory ran out."""
    cdef uint64_t[2049] starts
    cdef uint64_t largest = 1
    cdef uint64_t bucket
    cdef Entry *scratch
    spread_entries(a, n, starts)
    for bucket in range(2048):
        largest = max(largest, starts[bucket + 1] - starts[bucket])
    scratch = <Entry *>malloc(largest * sizeof(Entry))
    if scratch == NULL:
        return False
    for bucket in range(2048):
        if starts[bucket + 1] > starts[bucket] + 1:
            sort_bucket(a + starts[bucket], scratch, starts[bucket + 1] - starts[bucket])
    free(scratch)
    return True
