"""Unicode: NFKC and case folding by a table of code points, filled page by page as texts ask for it.

The table comes from ``consilience.kernels.words.page`` and so from this Python's own ``unicodedata``. A code point
whose result depends on its neighbours is marked there; the cluster round it goes to ``words.fold_cluster``.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport malloc
from libc.string cimport memcpy

from _shard cimport Text, text_room

cdef enum:
    # An entry of the table: the folded code point (21 bits), its kind (2 bits), and flags.
    CODE_POINT = 0x1FFFFF
    KIND = 0x600000
    SEPARATOR = 0x000000
    WORD = 0x200000
    SINGLE = 0x400000
    MARK = 0x600000
    DROPPED = 0x800000
    SEVERAL = 0x1000000  # the code point is a place in the page where a length and so many entries stand
    CONTEXT = 0x2000000
    ATOMIC = 0x4000000  # has no decomposition: a pure mark behind it changes nothing
    PURE_MARK = 0x8000000
    N_PAGES = 0x1100

cdef struct Folding:
    Text *text
    uint64_t used
    bint single  # the last word is one character that stands alone


cdef inline uint32_t decode(const unsigned char *at, uint64_t left, uint64_t *width) noexcept nogil:
    """Return the code point at ``at``; what is not UTF-8 counts as U+FFFD, one byte wide."""
    cdef uint32_t first = at[0]
    width[0] = 1
    if first < 0x80:
        return first
    if 0xC2 <= first < 0xE0 and left >= 2 and at[1] >> 6 == 2:
        width[0] = 2
        return (first & 0x1F) << 6 | (at[1] & 0x3F)
    if 0xE0 <= first < 0xF0 and left >= 3 and at[1] >> 6 == 2 and at[2] >> 6 == 2:
        width[0] = 3
        return (first & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F)
    if 0xF0 <= first < 0xF5 and left >= 4 and at[1] >> 6 == 2 and at[2] >> 6 == 2 and at[3] >> 6 == 2:
        width[0] = 4
        first = (first & 0x07) << 18 | (at[1] & 0x3F) << 12 | (at[2] & 0x3F) << 6 | (at[3] & 0x3F)
        return first if first <= 0x10FFFF else 0xFFFD
    return 0xFFFD


cdef inline void write_point(Folding *f, uint32_t point) noexcept nogil:
    cdef unsigned char *to = f.text.bytes + f.used
    if point < 0x80:
        to[0] = <unsigned char>point
        f.used += 1
    elif point < 0x800:
        to[0] = <unsigned char>(0xC0 | point >> 6)
        to[1] = <unsigned char>(0x80 | (point & 0x3F))
        f.used += 2
    elif point < 0x10000:
        to[0] = <unsigned char>(0xE0 | point >> 12)
        to[1] = <unsigned char>(0x80 | (point >> 6 & 0x3F))
        to[2] = <unsigned char>(0x80 | (point & 0x3F))
        f.used += 3
    else:
        to[0] = <unsigned char>(0xF0 | point >> 18)
        to[1] = <unsigned char>(0x80 | (point >> 12 & 0x3F))
        to[2] = <unsigned char>(0x80 | (point >> 6 & 0x3F))
        to[3] = <unsigned char>(0x80 | (point & 0x3F))
        f.used += 4


cdef inline bint write_entry(Folding *f, uint32_t entry) noexcept nogil:
    """Append a folded code point; words end up with spaces between them."""
    cdef uint32_t kind = entry & KIND
    if not text_room(f.text, f.used + 8):
        return False
    if kind == SEPARATOR or kind == SINGLE or (kind == WORD and f.single):
        f.text.bytes[f.used] = 0x20
        f.used += 1
    if kind != MARK:
        f.single = kind == SINGLE
    if kind != SEPARATOR:
        write_point(f, entry & CODE_POINT)
    return True


cdef inline bint write_entries(Folding *f, const uint32_t *entries, uint64_t n) noexcept nogil:
    cdef uint64_t i
    for i in range(n):
        if not write_entry(f, entries[i]):
            return False
    return True
