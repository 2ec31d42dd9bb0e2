# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Literals found in rows of text; the readable twin is ``consilience.kernels._reference.scan``.

Every position is looked up in a table of hashed grams without a branch; what is left goes to the trie. Where the
trie is walked in vain too often, the block is done again by Aho and Corasick, whose time is linear.
Callers check the arguments: nothing here looks at bounds.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc, qsort
from libc.string cimport memcpy, memset

import numpy as np

from _matches cimport Match, Matches, add, by_start_then_end, keep_longest
from _segments cimport ROWS, Column, Segment, fill, original
from _sieves cimport Sieve, hits_of, load, node_of, starts_of, wide_hits_of

cdef enum:
    BLOCK = 16384  # starts that are filtered together; their text stays in the first-level cache
    PATIENCE = 16  # steps in the trie per byte, beyond those that led to a match
    STEPS_PER_MATCH = 16
    SHARE = 4194304  # bytes of a call, so that the caller can look up in between


cdef struct Trie:
    const uint8_t* label
    const int32_t* child
    const int32_t* sibling
    const int32_t* literal
    const int32_t* depth
    const int32_t* fail
    const int32_t* report
    int32_t root[256]
    int64_t longest


cdef struct Scan:
    Trie trie
    Sieve short
    Sieve long
    Segment segment
    Matches matches
    uint32_t* hits
    uint32_t* starts
    uint32_t* short_starts
    int64_t at_row  # index in the segment
    int64_t taken  # first position that a match may start at
    int64_t most
    bint full
    bint longest_only


cdef inline int32_t step(const Trie* trie, int32_t node, uint8_t byte, int64_t* steps) noexcept nogil:
    if node == 0:
        return trie.root[byte]
    node = trie.child[node]
    while node and trie.label[node] != byte:
        steps[0] += 1
        node = trie.sibling[node]
    return node


cdef inline void report(Scan* scan, int64_t start, int64_t end, int32_t literal) noexcept nogil:
    add(&scan.matches, 0, start, end, literal)


cdef void walk(Scan* scan, int32_t node, int64_t start, int64_t at, int64_t end, int64_t* steps) noexcept nogil:
    """Report the literals that start here, from a node that stands for the bytes up to ``at``."""
    cdef const Trie* trie = &scan.trie
    cdef int64_t reached = 0
    cdef int32_t last = -1
    while True:
        if node and trie.literal[node] >= 0:
            if scan.longest_only:
                last = trie.literal[node]
                reached = at
            else:
                report(scan, start, at, trie.literal[node])
        if at == end:
            break
        steps[0] += 1
        node = step(trie, node, scan.segment.text[at], steps)
        if node == 0:
            break
        at += 1
    if last >= 0:
        report(scan, start, reached, last)


cdef inline int64_t row_end(Scan* scan, int64_t position) noexcept nogil:
    while scan.segment.end[scan.at_row] <= position:
        scan.at_row += 1
    return scan.segment.end[scan.at_row]


cdef int64_t try_start(Scan* scan, int64_t start, bint short, bint long, int64_t* steps) noexcept nogil:
    cdef int64_t end = row_end(scan, start)
    cdef int64_t before = scan.matches.n
    cdef int32_t node
    if short:
        walk(scan, 0, start, start, min(end, start + 3), steps)
    if long and start + 4 <= end:
        node = node_of(&scan.long, load(scan.segment.text + start))
        if scan.trie.depth[node] == 4:
            walk(scan, node, start, start + 4, end, steps)
    if scan.longest_only and scan.matches.n > before:
        keep_longest(&scan.matches, before, &scan.taken)
    return scan.matches.n - before


cdef bint by_walks(Scan* scan, int64_t n_short, int64_t n_long, int64_t budget, int64_t* next) noexcept nogil:
    """Walk from every start; False when it was in vain too often. ``next`` says where the matches were full."""
    cdef int64_t i = 0
    cdef int64_t j = 0
    cdef int64_t steps = 0
    cdef int64_t found
    cdef int64_t start
    cdef bint short
    cdef bint long
    while i < n_short or j < n_long:
        short = i < n_short and (j == n_long or scan.short_starts[i] <= scan.starts[j])
        long = j < n_long and (i == n_short or scan.starts[j] <= scan.short_starts[i])
        start = scan.short_starts[i] if short else scan.starts[j]
        i += short
        j += long
        if start < scan.taken:
            continue
        if scan.matches.n >= scan.most:
            scan.full = True
            next[0] = start
            return True
        # Two statements: in one, C may read steps before the call adds to it.
        found = try_start(scan, start, short, long, &steps)
        steps -= STEPS_PER_MATCH * found
        if steps > budget:
            return False
    return True


cdef void by_links(Scan* scan, int64_t start, int64_t stop) noexcept nogil:
    """Scan a block by Aho and Corasick: every byte once, whatever the literals."""
    cdef const Trie* trie = &scan.trie
    cdef int64_t first = scan.matches.n
    cdef int64_t i = start
    cdef int64_t end
    cdef int64_t steps = 0
    cdef int32_t state
    cdef int32_t found
    while i < stop:
        end = row_end(scan, i)
        state = 0
        while i < end and i - trie.depth[state] < stop:
            found = step(trie, state, scan.segment.text[i], &steps)
            while state and not found:
                state = trie.fail[state]
                found = step(trie, state, scan.segment.text[i], &steps)
            state = found
            i += 1
            found = state if trie.literal[state] >= 0 else trie.report[state]
            while found:
                if i - trie.depth[found] < stop:
                    report(scan, i - trie.depth[found], i, trie.literal[found])
                found = trie.report[found]
    qsort(scan.matches.items + first, scan.matches.n - first, sizeof(Match), by_start_then_end)
    if scan.longest_only:
        keep_longest(&scan.matches, first, &scan.taken)


cdef int64_t scan_block(Scan* scan, int64_t start, int64_t stop) noexcept nogil:
    """Report the matches that start in the block, and return the position to go on from."""
    cdef const uint8_t* text = scan.segment.text
    cdef int64_t first = scan.matches.n
    cdef int64_t at_row = scan.at_row
    cdef int64_t taken = scan.taken
    cdef int64_t next = stop
    cdef int64_t n_short = 0
    cdef int64_t n_long = 0
    if scan.long.width:
        n_long = wide_hits_of(&scan.long, text, start, stop + scan.long.stride - 1, scan.segment.n, scan.hits)
        n_long = starts_of(&scan.long, text, scan.hits, n_long, start, stop, scan.segment.n, scan.starts)
    if scan.short.width:
        n_short = hits_of(&scan.short, text, start, stop, scan.segment.n, scan.short_starts)
    if not by_walks(scan, n_short, n_long, PATIENCE * (stop - start) + scan.trie.longest, &next):
        scan.matches.n = first
        scan.at_row = at_row
        scan.taken = taken
        # It reads as much as the longest literal past its end: a longer block keeps that in proportion.
        next = min(scan.segment.limit, start + max(<int64_t>BLOCK, scan.trie.longest))
        by_links(scan, start, next)
    return next


cdef void place(Scan* scan, int64_t first) noexcept nogil:
    """Turn positions in the segment into offsets in the original rows."""
    cdef const Segment* segment = &scan.segment
    cdef Match* item
    cdef int64_t i
    cdef int64_t k = 0
    for i in range(first, scan.matches.n):
        item = &scan.matches.items[i]
        while segment.end[k] <= item.start:
            k += 1
        item.row = segment.row[k]
        item.start = original(segment, item.start) - segment.base[k]
        item.end = original(segment, item.end) - segment.base[k]


cdef void resume_at(Scan* scan, int64_t position) noexcept nogil:
    """Say where the next call goes on when this one stopped within the segment."""
    cdef Segment* segment = &scan.segment
    cdef int64_t k = 0
    while k + 1 < segment.n_rows and segment.end[k] <= position:
        k += 1
    segment.next_row = segment.row[k]
    segment.next_byte = original(segment, position) - segment.base[k]


cdef void scan_segment(Scan* scan) noexcept nogil:
    cdef int64_t first = scan.matches.n
    cdef int64_t position = 0
    scan.at_row = scan.taken = 0
    while position < scan.segment.limit and not scan.full:
        position = scan_block(scan, position, min(position + <int64_t>BLOCK, scan.segment.limit))
    # Where a match reaches beyond the piece of a long row, the next may not start in it.
    if scan.full or scan.taken > scan.segment.limit:
        resume_at(scan, max(position, scan.taken))
    place(scan, first)


cdef void point_sieve(Sieve* sieve, object given):
    cdef const uint8_t[::1] table = given.table
    cdef const int32_t[::1] slot = given.slot
    cdef const uint32_t[::1] gram = given.gram
    cdef const int32_t[::1] node = given.node
    cdef const uint8_t[::1] reach = given.reach
    cdef const uint8_t[::1] beginnings = given.beginnings
    cdef int64_t width
    sieve.width, sieve.stride = given.width, given.stride
    sieve.shift, sieve.beginnings_shift = given.shift, given.beginnings_shift
    # Set bytes by their place in memory, so that the order of bytes in a word does not matter.
    memset(&sieve.mask, 255, given.width)
    for width in range(9):
        memset(&sieve.masks[width], 255, width)
    sieve.table, sieve.reach, sieve.beginnings = &table[0], &reach[0], &beginnings[0]
    sieve.slot = &slot[0]
    sieve.gram = &gram[0]
    sieve.node = &node[0]


cdef void point_trie(Trie* trie, object given):
    cdef const uint8_t[::1] label = given.label
    cdef const int32_t[::1] child = given.child
    cdef const int32_t[::1] sibling = given.sibling
    cdef const int32_t[::1] literal = given.literal
    cdef const int32_t[::1] depth = given.depth
    cdef const int32_t[::1] fail = given.fail
    cdef const int32_t[::1] report = given.report
    cdef int32_t node
    trie.label, trie.child, trie.sibling = &label[0], &child[0], &sibling[0]
    trie.literal, trie.depth = &literal[0], &depth[0]
    trie.fail, trie.report = &fail[0], &report[0]
    trie.longest = given.longest
    memset(trie.root, 0, sizeof(trie.root))
    node = child[0]
    while node:
        trie.root[label[node]] = node
        node = sibling[node]


cdef object array_of(const Matches* matches):
    """Copy the matches into an int64 array with the columns row, start, end, literal."""
    found = np.empty((matches.n, 4), dtype=np.int64)
    cdef int64_t[:, ::1] view = found
    if matches.n:
        memcpy(&view[0, 0], matches.items, matches.n * sizeof(Match))
    return found


cdef bint reserve_room(Scan* scan) noexcept:
    cdef Segment* segment = &scan.segment
    cdef size_t block = (2 * BLOCK) * sizeof(uint32_t)
    segment.row = <int64_t*>malloc(4 * ROWS * sizeof(int64_t))
    scan.hits = <uint32_t*>malloc(3 * block)
    if segment.row == NULL or scan.hits == NULL:
        return False
    segment.begin, segment.end, segment.base = segment.row + ROWS, segment.row + 2 * ROWS, segment.row + 3 * ROWS
    scan.starts, scan.short_starts = scan.hits + 2 * BLOCK, scan.hits + 4 * BLOCK
    return True


cdef void release(Scan* scan) noexcept:
    free(scan.segment.row)
    free(scan.segment.stage)
    free(scan.segment.mark_at)
    free(scan.segment.mark_shift)
    free(scan.hits)
    free(scan.matches.items)


cdef bint run(Scan* scan, const Column* column, int64_t stop, const int32_t* folds, int64_t n_folds) noexcept nogil:
    """Scan segment after segment until the call's share is done; False when there is no memory."""
    cdef Segment* segment = &scan.segment
    cdef int64_t taken = 0
    while segment.next_row < stop and taken < SHARE and not scan.full:
        if not fill(
            segment, column, segment.next_row, segment.next_byte, stop, scan.trie.longest, folds, n_folds
        ):
            return False
        taken += segment.taken + segment.n_rows
        if segment.n_rows:
            scan_segment(scan)
        if scan.matches.exhausted:
            return False
    return True


def scan(literals, column, const int32_t[::1] folds, bint longest_only, tuple place, int64_t most):
    cdef Scan state
    cdef Column rows
    cdef const uint8_t[::1] view = column.views
    cdef const uint8_t[::1] valid = column.valid
    cdef int64_t stop = place[2]
    cdef int64_t i
    cdef bint done = False
    memset(&state, 0, sizeof(Scan))
    point_trie(&state.trie, literals.trie)
    if literals.short is not None:
        point_sieve(&state.short, literals.short)
    if literals.long is not None:
        point_sieve(&state.long, literals.long)
    state.longest_only, state.most = longest_only, most
    state.segment.next_row, state.segment.next_byte = place[0], place[1]

    rows.views = &view[0]
    rows.valid = &valid[0] if valid.shape[0] else NULL
    rows.offset = column.offset
    rows.buffers = <const uint8_t**>malloc((len(column.buffers) + 1) * sizeof(uint8_t*))
    try:
        if rows.buffers == NULL or not reserve_room(&state):
            raise MemoryError
        for i in range(len(column.buffers)):
            view = column.buffers[i]
            rows.buffers[i] = &view[0]
        with nogil:
            done = run(&state, &rows, stop, &folds[0], folds.shape[0])
        if not done:
            raise MemoryError
        return array_of(&state.matches), state.segment.next_row, state.segment.next_byte
    finally:
        release(&state)
        free(rows.buffers)
