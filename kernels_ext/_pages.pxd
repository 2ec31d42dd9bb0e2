"""Large pages, where the system gives them on request: reads all over a big table then miss fewer translations."""

cdef extern from * nogil:
    """
    #include <stddef.h>
    #include <stdint.h>
    #if defined(__linux__)
    #include <sys/mman.h>
    #include <unistd.h>
    #endif
    #define CS_LARGE ((size_t)4 << 20) /* less holds no large page for sure */

    static inline void cs_ask_large_pages(void *memory, size_t size) {
    #if defined(__linux__) && defined(MADV_HUGEPAGE)
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        /* Whole pages, outwards: a mapping of which a part is advised is two, and realloc cannot move two. */
        uintptr_t start = (uintptr_t)memory & ~(page - 1);
        uintptr_t end = ((uintptr_t)memory + size + page - 1) & ~(page - 1);
        /* Advice: a system without large pages refuses, and nothing else changes. */
        if (size >= CS_LARGE)
            (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
    #else
        (void)memory;
        (void)size;
    #endif
    }
    """
    void ask_large_pages "cs_ask_large_pages"(void *memory, size_t size)
