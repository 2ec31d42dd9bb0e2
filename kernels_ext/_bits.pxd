"""The few instructions that Cython has no name for; every one has a plain form."""

from libc.stdint cimport int32_t, uint32_t, uint64_t


cdef extern from * nogil:
    """
    #include <stdint.h>
    #include <string.h>

    static inline uint64_t cs_load64(const uint8_t *at) {
        uint64_t word;
        memcpy(&word, at, 8);
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        return word;
    }
    static inline void cs_store64(uint8_t *at, uint64_t word) {
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        memcpy(at, &word, 8);
    }
    #if defined(__GNUC__)
    #define cs_lowest_bit(x) __builtin_ctzll(x)
    #define cs_prefetch(address) __builtin_prefetch(address)
    #define cs_load_int(at) __atomic_load_n(at, __ATOMIC_RELAXED)
    static inline int cs_swap_int(int32_t *at, int32_t old, int32_t new_) {
        return __atomic_compare_exchange_n(at, &old, new_, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
    #else
    #error "Consilience's kernels need GCC or Clang: they use its atomic and bit builtins"
    #endif
    /* The finalizer of SplitMix64: every input bit reaches every output bit. */
    static inline uint64_t cs_mix(uint64_t x) {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        return x ^ (x >> 31);
    }
    """
    ctypedef const unsigned char* const_bytes "const uint8_t *"
    uint64_t load64 "cs_load64"(const unsigned char *at)
    void store64 "cs_store64"(unsigned char *at, uint64_t word)
    int lowest_bit "cs_lowest_bit"(uint64_t word)
    void prefetch "cs_prefetch"(const void *address)
    int32_t load_int "cs_load_int"(const int32_t *at)
    bint swap_int "cs_swap_int"(int32_t *at, int32_t old, int32_t new)
    uint64_t mix "cs_mix"(uint64_t word)
