# cython: language_level=3
"""Rows of an Arrow string_view column, laid one after another for the scan.

Rows that lie next to each other in memory are read where they are; others, and folded ones, are copied into a
stage that fits the second-level cache. The limits between rows go along, and the scan keeps to them.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy

cdef enum:
    STAGE = 32768  # bytes that are copied together
    IN_PLACE = 8192  # bytes side by side that are worth reading where they are
    RUN = 262144  # most bytes of a segment of several rows
    ROWS = 32768  # most rows of a segment
    PIECE = 1048576  # a longer row is scanned in pieces of so many bytes


cdef struct Column:
    const uint8_t* views
    const uint8_t* valid  # bits, or NULL where no row is null
    int64_t offset
    const uint8_t** buffers


cdef struct Segment:
    const uint8_t* text
    int64_t n
    int64_t limit  # a match starts before it; what follows is there for its end
    int64_t taken  # bytes of the column that it stands for
    int64_t n_rows
    int64_t* row
    int64_t* begin  # position of the row in the segment
    int64_t* end
    int64_t* base  # offset in its own row = position + shift - base
    uint8_t* stage
    int64_t capacity
    # Folding can change the length of a character: from mark_at[i] on, positions are shifted by mark_shift[i].
    int64_t n_marks
    int64_t marks_capacity
    int64_t* mark_at
    int64_t* mark_shift
    int64_t shift
    int64_t next_row
    int64_t next_byte


cdef inline int64_t look(const Column* column, int64_t row, const uint8_t** start) noexcept nogil:
    """Return the length of a row, 0 for a null one, and where it starts."""
    cdef const uint8_t* view
    cdef uint32_t part[4]
    row += column.offset
    if column.valid != NULL and not (column.valid[row >> 3] >> (row & 7)) & 1:
        return 0
    view = column.views + 16 * row
    memcpy(part, view, 16)
    # Up to 12 bytes stand in the view itself.
    start[0] = view + 4 if part[0] <= 12 else column.buffers[part[2]] + part[3]
    return part[0]


cdef inline bint reserve(Segment* segment, int64_t size) noexcept nogil:
    cdef void* grown
    if size <= segment.capacity:
        return True
    grown = realloc(segment.stage, size)
    if grown == NULL:
        return False
    segment.stage = <uint8_t*>grown
    segment.capacity = size
    return True


cdef inline bint mark(Segment* segment) noexcept nogil:
    """Note the shift that holds from here on."""
    cdef int64_t capacity
    cdef void* grown
    if segment.n_marks == segment.marks_capacity:
        capacity = 2 * segment.marks_capacity + 64
        grown = realloc(segment.mark_at, capacity * sizeof(int64_t))
        if grown == NULL:
            return False
        segment.mark_at = <int64_t*>grown
        grown = realloc(segment.mark_shift, capacity * sizeof(int64_t))
        if grown == NULL:
            return False
        segment.mark_shift = <int64_t*>grown
        segment.marks_capacity = capacity
    segment.mark_at[segment.n_marks] = segment.n
    segment.mark_shift[segment.n_marks] = segment.shift
    segment.n_marks += 1
    return True


cdef inline int64_t original(const Segment* segment, int64_t position) noexcept nogil:
    """Return a position as it was before folding, by binary search of the marks."""
    cdef int64_t low = 0
    cdef int64_t high = segment.n_marks
    cdef int64_t middle
    while low < high:
        middle = (low + high) >> 1
        if segment.mark_at[middle] <= position:
            low = middle + 1
        else:
            high = middle
    return position + (segment.mark_shift[low - 1] if low else 0)


cdef inline int64_t fold_ascii(const uint8_t* source, uint8_t* target, int64_t n) noexcept nogil:
    """Fold ASCII up to the first other byte, in steps that the compiler turns into vectors."""
    cdef int64_t i = 0
    cdef int64_t j
    cdef uint8_t seen
    while i + 32 <= n:
        seen = 0
        for j in range(32):
            seen |= source[i + j]
            target[i + j] = source[i + j] + (<uint8_t>(<uint8_t>(source[i + j] - 65) < 26) << 5)
        if seen & 0x80:
            break
        i += 32
    while i < n and source[i] < 0x80:
        target[i] = source[i] + (<uint8_t>(<uint8_t>(source[i] - 65) < 26) << 5)
        i += 1
    return i


cdef inline int32_t decode(const uint8_t* source, int64_t* size) noexcept nogil:
    if source[0] < 0xE0:
        size[0] = 2
        return (source[0] & 0x1F) << 6 | (source[1] & 0x3F)
    if source[0] < 0xF0:
        size[0] = 3
        return (source[0] & 0x0F) << 12 | (source[1] & 0x3F) << 6 | (source[2] & 0x3F)
    size[0] = 4
    return (
        (source[0] & 0x07) << 18 | (source[1] & 0x3F) << 12 | (source[2] & 0x3F) << 6 | (source[3] & 0x3F)
    )


cdef inline int64_t encode(int32_t point, uint8_t* target) noexcept nogil:
    if point < 0x80:
        target[0] = <uint8_t>point
        return 1
    if point < 0x800:
        target[0] = <uint8_t>(0xC0 | point >> 6)
        target[1] = <uint8_t>(0x80 | (point & 0x3F))
        return 2
    if point < 0x10000:
        target[0] = <uint8_t>(0xE0 | point >> 12)
        target[1] = <uint8_t>(0x80 | (point >> 6 & 0x3F))
        target[2] = <uint8_t>(0x80 | (point & 0x3F))
        return 3
    target[0] = <uint8_t>(0xF0 | point >> 18)
    target[1] = <uint8_t>(0x80 | (point >> 12 & 0x3F))
    target[2] = <uint8_t>(0x80 | (point >> 6 & 0x3F))
    target[3] = <uint8_t>(0x80 | (point & 0x3F))
    return 4


cdef inline bint fold_into(
    Segment* segment, const uint8_t* source, int64_t n, const int32_t* folds, int64_t n_folds
) noexcept nogil:
    """Append the folded bytes to the stage; a character grows from 2 bytes to 3 at most."""
    cdef int64_t i = 0
    cdef int64_t ascii
    cdef int64_t size = 0
    cdef int64_t written
    cdef int32_t point
    # 32 more, because ASCII is written in steps of 32.
    if not reserve(segment, segment.n + n + n // 2 + 32):
        return False
    while i < n:
        ascii = fold_ascii(source + i, segment.stage + segment.n, n - i)
        i += ascii
        segment.n += ascii
        while i < n and source[i] >= 0x80:
            point = decode(source + i, &size)
            written = encode(folds[point] if point < n_folds else point, segment.stage + segment.n)
            i += size
            segment.n += written
            if written != size:
                segment.shift += size - written
                if not mark(segment):
                    return False
    return True


cdef inline bint append(
    Segment* segment, const uint8_t* source, int64_t n, const int32_t* folds, int64_t n_folds
) noexcept nogil:
    """Add bytes to the segment: in place while they follow what is there, else through the stage."""
    if n_folds:
        if not fold_into(segment, source, n, folds, n_folds):
            return False
        segment.text = segment.stage
        return True
    if segment.n == 0:
        segment.text = source
    elif segment.text + segment.n != source or segment.text == segment.stage:
        if not reserve(segment, max(<int64_t>STAGE + RUN, segment.n + n)):
            return False
        if segment.text != segment.stage:
            memcpy(segment.stage, segment.text, segment.n)
            segment.text = segment.stage
        memcpy(segment.stage + segment.n, source, n)
    segment.n += n
    return True


cdef inline void open_row(Segment* segment, int64_t row, int64_t byte) noexcept nogil:
    segment.row[segment.n_rows] = row
    segment.begin[segment.n_rows] = segment.n
    segment.base[segment.n_rows] = segment.n + segment.shift - byte


cdef inline void close_row(Segment* segment) noexcept nogil:
    segment.end[segment.n_rows] = segment.n
    segment.n_rows += 1


cdef inline int64_t whole(const uint8_t* start, int64_t n, int64_t size) noexcept nogil:
    """Return at most n, moved back to a character's first byte."""
    if n >= size:
        return size
    while n > 0 and (start[n] & 0xC0) == 0x80:
        n -= 1
    return n


cdef inline bint take_piece(
    Segment* segment, const uint8_t* start, int64_t size, int64_t row, int64_t byte, int64_t longest,
    const int32_t* folds, int64_t n_folds,
) noexcept nogil:
    """Make a segment of a part of one long row, and as much after it as a match can need."""
    cdef int64_t piece = whole(start, max(<int64_t>PIECE, 4 * longest), size)
    # A folded byte came from three bytes at most.
    cdef int64_t ahead = whole(start + piece, 3 * longest + 4, size - piece)
    open_row(segment, row, byte)
    if not append(segment, start, piece, folds, n_folds):
        return False
    segment.limit = segment.n
    if ahead and not append(segment, start + piece, ahead, folds, n_folds):
        return False
    close_row(segment)
    segment.taken = piece
    segment.next_row = row if piece < size else row + 1
    segment.next_byte = byte + piece if piece < size else 0
    return True


cdef inline bint fill(
    Segment* segment, const Column* column, int64_t row, int64_t byte, int64_t stop, int64_t longest,
    const int32_t* folds, int64_t n_folds,
) noexcept nogil:
    """Lay out rows from here on; False when there is no memory."""
    cdef const uint8_t* start = NULL
    cdef int64_t size
    segment.n = segment.n_rows = segment.n_marks = segment.shift = segment.taken = 0
    segment.text = NULL
    while row < stop and segment.n_rows < ROWS:
        size = look(column, row, &start) - byte
        if size > RUN:
            if segment.n_rows == 0:
                return take_piece(segment, start + byte, size, row, byte, longest, folds, n_folds)
            break
        if size > 0:
            if segment.n_rows:
                if segment.n + size > (STAGE if segment.text == segment.stage else RUN):
                    break
                if segment.text != segment.stage and segment.n >= IN_PLACE and start != segment.text + segment.n:
                    break
            open_row(segment, row, byte)
            if not append(segment, start + byte, size, folds, n_folds):
                return False
            close_row(segment)
            segment.taken += size
        row += 1
        byte = 0
    segment.limit = segment.n
    segment.next_row = row
    segment.next_byte = 0
    return True
