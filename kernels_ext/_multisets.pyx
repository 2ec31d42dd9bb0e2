# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Tasks with the same labels equally often, found; the twin is ``consilience.kernels._reference.multisets``.

Callers check the codes: nothing here looks at bounds. The labels of a task, sorted, are a path from the root of a
tree whose nodes are found by hashing (parent, label): a pattern is the node at which tasks end.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport qsort

import numpy as np

cdef enum:
    FEW = 64  # labels of a task that are sorted by insertion

# Rows between two looks for Ctrl-C: some tens of milliseconds.
cdef Py_ssize_t ROWS_AT_ONCE = 1 << 20
# The table has room for every row of a block to be a new node, so that it need not grow without the GIL.
cdef Py_ssize_t TREE_ROWS_AT_ONCE = 1 << 14


cdef void begin(int64_t[::1] end) noexcept nogil:
    """Turn sizes into starts; each start becomes the end while its bucket fills."""
    cdef Py_ssize_t i
    cdef int64_t start = 0
    cdef int64_t size
    for i in range(end.shape[0]):
        size = end[i]
        end[i] = start
        start += size


cdef void count(const int32_t[::1] code, Py_ssize_t low, Py_ssize_t high, int64_t[::1] end) noexcept nogil:
    cdef Py_ssize_t row
    for row in range(low, high):
        end[code[row]] += 1


cdef void by_code(
    const int32_t[::1] code, Py_ssize_t low, Py_ssize_t high, int64_t[::1] end, int32_t[::1] rows
) noexcept nogil:
    cdef Py_ssize_t row
    for row in range(low, high):
        rows[end[code[row]]] = <int32_t>row
        end[code[row]] += 1


cdef void by_task(
    const int32_t[::1] task, const int32_t[::1] label, Py_ssize_t low, Py_ssize_t high, int64_t[::1] end,
    int32_t[::1] labels,
) noexcept nogil:
    cdef Py_ssize_t row
    for row in range(low, high):
        labels[end[task[row]]] = label[row]
        end[task[row]] += 1


cdef int ascending(const void* left, const void* right) noexcept nogil:
    cdef int32_t a = (<const int32_t*>left)[0]
    cdef int32_t b = (<const int32_t*>right)[0]
    return (a > b) - (a < b)


cdef void sort(int32_t* labels, int64_t n) noexcept nogil:
    cdef int64_t i
    cdef int64_t j
    cdef int32_t label
    if n > FEW:
        qsort(labels, n, sizeof(int32_t), ascending)
        return
    for i in range(1, n):
        label = labels[i]
        j = i
        while j > 0 and labels[j - 1] > label:
            labels[j] = labels[j - 1]
            j -= 1
        labels[j] = label


cdef inline uint64_t slot_of(int32_t parent, int32_t label, uint64_t mask) noexcept nogil:
    cdef uint64_t key = (<uint64_t><int64_t>parent << 32) ^ <uint64_t><int64_t>label
    key = (key ^ (key >> 31)) * <uint64_t>0x9E3779B97F4A7C15
    return (key ^ (key >> 29)) & mask


cdef inline int32_t child_of(
    int32_t node, int32_t label, int32_t[::1] slots, int32_t[::1] parents, int32_t[::1] labels, int32_t* n
) noexcept nogil:
    """Return the child of a node by this label, made if it is new; the caller has seen to the room."""
    cdef uint64_t mask = slots.shape[0] - 1
    cdef uint64_t slot = slot_of(node, label, mask)
    while slots[slot] >= 0:
        if parents[slots[slot]] == node and labels[slots[slot]] == label:
            return slots[slot]
        slot = (slot + 1) & mask
    slots[slot] = n[0]
    parents[n[0]] = node
    labels[n[0]] = label
    n[0] += 1
    return slots[slot]


cdef void place(
    const int32_t[::1] parents, const int32_t[::1] labels, int32_t n, int32_t[::1] slots
) noexcept nogil:
    """Enter the nodes that are there into an empty table."""
    cdef uint64_t mask = slots.shape[0] - 1
    cdef uint64_t slot
    cdef int32_t node
    for node in range(1, n):
        slot = slot_of(parents[node], labels[node], mask)
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = node


cdef void descend(
    const int64_t[::1] end, int32_t[::1] label, Py_ssize_t low, Py_ssize_t high, int32_t[::1] slots,
    int32_t[::1] parents, int32_t[::1] labels, int64_t[::1] repeats, int32_t* n,
) noexcept nogil:
    """Sort the labels of each task, and follow them down the tree."""
    cdef Py_ssize_t t
    cdef int64_t i
    cdef int64_t first
    cdef int32_t node
    for t in range(low, high):
        first = end[t - 1] if t else 0
        if end[t] - first < 2:
            continue
        sort(&label[first], end[t] - first)
        node = 0
        for i in range(first, end[t]):
            node = child_of(node, label[i], slots, parents, labels, n)
        repeats[node] += 1


cdef void walk(
    const int32_t[::1] parents, const int32_t[::1] by_label, int32_t[::1] eldest, int32_t[::1] sibling,
    int32_t[::1] stack, int32_t[::1] order,
) noexcept nogil:
    """Order the nodes depth first, larger labels first: that is by ascending count of the first label, and so on."""
    cdef Py_ssize_t i
    cdef Py_ssize_t height = 1
    cdef Py_ssize_t seen = 0
    cdef int32_t node
    cdef int32_t child
    for i in range(by_label.shape[0] - 1, -1, -1):
        node = by_label[i] + 1
        sibling[node] = eldest[parents[node]]
        eldest[parents[node]] = node
    stack[0] = 0
    while height:
        height -= 1
        node = stack[height]
        order[seen] = node
        seen += 1
        child = eldest[node]
        while child >= 0:
            stack[height] = child
            height += 1
            child = sibling[child]


cdef void spell(
    const int32_t[::1] parents, const int32_t[::1] labels, const int32_t[::1] nodes, const int64_t[::1] start,
    int32_t[::1] value, int32_t[::1] times,
) noexcept nogil:
    """Write each pattern's distinct labels and how often they come, from its node up to the root."""
    cdef Py_ssize_t p
    cdef int64_t i
    cdef int32_t node
    for p in range(nodes.shape[0]):
        node = nodes[p]
        i = start[p + 1]
        while node > 0:
            if i == start[p + 1] or value[i] != labels[node]:
                i -= 1
                value[i] = labels[node]
                times[i] = 0
            times[i] += 1
            node = parents[node]


cdef void widths(const int32_t[::1] parents, const int32_t[::1] labels, int64_t[::1] width) noexcept nogil:
    """Count the distinct labels on the way to each node; parents come first."""
    cdef Py_ssize_t node
    for node in range(1, width.shape[0]):
        width[node] = width[parents[node]] + (labels[node] != labels[parents[node]])


def grouped_by_task(const int32_t[::1] task, const int32_t[::1] label, int32_t n_tasks):
    """Return the labels grouped by task, and where each task ends."""
    cdef Py_ssize_t n = task.shape[0]
    cdef Py_ssize_t low
    cdef int64_t[::1] end = np.zeros(n_tasks, dtype=np.int64)
    cdef int32_t[::1] grouped = np.empty(n, dtype=np.int32)
    for low in range(0, n, ROWS_AT_ONCE):
        with nogil:
            count(task, low, min(n, low + ROWS_AT_ONCE), end)
        PyErr_CheckSignals()
    with nogil:
        begin(end)
    for low in range(0, n, ROWS_AT_ONCE):
        with nogil:
            by_task(task, label, low, min(n, low + ROWS_AT_ONCE), end, grouped)
        PyErr_CheckSignals()
    return grouped, end


def multisets(const int32_t[::1] task, const int32_t[::1] label, int32_t n_tasks, int32_t n_labels):
    cdef int32_t[::1] grouped
    cdef int64_t[::1] end
    cdef Py_ssize_t room
    cdef Py_ssize_t low = 0
    cdef Py_ssize_t high
    cdef int64_t first = 0
    cdef int32_t n = 1
    grouped, end = grouped_by_task(task, label, n_tasks)
    cdef int32_t[::1] slots = np.full(64, -1, dtype=np.int32)
    parents = np.full(32, -1, dtype=np.int32)
    labels = np.full(32, -1, dtype=np.int32)
    repeats = np.zeros(32, dtype=np.int64)
    cdef int32_t[::1] parents_view = parents
    cdef int32_t[::1] labels_view = labels
    cdef int64_t[::1] repeats_view = repeats
    while low < n_tasks:
        high = low + 1
        while high < n_tasks and end[high] - first <= TREE_ROWS_AT_ONCE:
            high += 1
        room = parents.shape[0]
        while room < n + (end[high - 1] - first):
            room *= 2
        if room > parents.shape[0]:
            parents, labels, repeats = (np.resize(a, room) for a in (parents, labels, repeats))
            repeats[n:] = 0
            parents_view, labels_view, repeats_view = parents, labels, repeats
            slots = np.full(2 * room, -1, dtype=np.int32)
            with nogil:
                place(parents_view, labels_view, n, slots)
        with nogil:
            descend(end, grouped, low, high, slots, parents_view, labels_view, repeats_view, &n)
        PyErr_CheckSignals()
        first = end[high - 1]
        low = high
    return spelled(parents[:n], labels[:n], repeats[:n], n_labels)


def spelled(const int32_t[::1] parents, const int32_t[::1] labels, repeats, int32_t n_labels):
    """Return the patterns that the tree holds, in the order of the walk."""
    cdef Py_ssize_t n = parents.shape[0]
    cdef int64_t[::1] label_end = np.zeros(n_labels, dtype=np.int64)
    cdef int32_t[::1] by_label = np.empty(n - 1, dtype=np.int32)
    cdef int32_t[::1] eldest = np.full(n, -1, dtype=np.int32)
    cdef int32_t[::1] sibling = np.full(n, -1, dtype=np.int32)
    cdef int32_t[::1] stack = np.empty(n, dtype=np.int32)
    order = np.empty(n, dtype=np.int32)
    width = np.zeros(n, dtype=np.int64)
    cdef int32_t[::1] order_view = order
    cdef int64_t[::1] width_view = width
    with nogil:
        count(labels[1:], 0, n - 1, label_end)
        begin(label_end)
        by_code(labels[1:], 0, n - 1, label_end, by_label)
    PyErr_CheckSignals()
    with nogil:
        walk(parents, by_label, eldest, sibling, stack, order_view)
        widths(parents, labels, width_view)
    nodes = order[repeats[order] > 0]
    start = np.zeros(nodes.size + 1, dtype=np.int64)
    np.cumsum(width[nodes], out=start[1:])
    value = np.empty(start[-1], dtype=np.int32)
    times = np.empty(start[-1], dtype=np.int32)
    cdef int32_t[::1] nodes_view = nodes
    cdef int64_t[::1] start_view = start
    cdef int32_t[::1] value_view = value
    cdef int32_t[::1] times_view = times
    PyErr_CheckSignals()
    with nogil:
        spell(parents, labels, nodes_view, start_view, value_view, times_view)
    return start, value, times, repeats[nodes]
