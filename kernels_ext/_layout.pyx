# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Answers sorted by task, and by expert within a task; the readable twin is ``consilience.kernels._reference.layout``.

Callers check the codes: nothing here looks at bounds.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport qsort

import numpy as np

cdef enum:
    FEW = 64  # rows of a task that are sorted by insertion

# Rows between two looks for Ctrl-C: some tens of milliseconds.
cdef Py_ssize_t ROWS_AT_ONCE = 1 << 20


cdef void count(const int32_t[::1] code, Py_ssize_t low, Py_ssize_t high, int64_t[::1] end) noexcept nogil:
    cdef Py_ssize_t row
    for row in range(low, high):
        end[code[row]] += 1


cdef void begin(int64_t[::1] end) noexcept nogil:
    """Turn sizes into starts; each start becomes the end while its bucket fills."""
    cdef Py_ssize_t i
    cdef int64_t start = 0
    cdef int64_t size
    for i in range(end.shape[0]):
        size = end[i]
        end[i] = start
        start += size


cdef void by_task(
    const int32_t[::1] task,
    const int32_t[::1] expert,
    const int32_t[::1] label,
    Py_ssize_t low,
    Py_ssize_t high,
    int64_t[::1] end,
    int32_t[::1] experts,
    int32_t[::1] labels,
) noexcept nogil:
    cdef Py_ssize_t row
    cdef int64_t place
    for row in range(low, high):
        place = end[task[row]]
        end[task[row]] += 1
        experts[place] = expert[row]
        labels[place] = label[row]


cdef int by_expert(const void* left, const void* right) noexcept nogil:
    cdef uint64_t a = (<const uint64_t*>left)[0]
    cdef uint64_t b = (<const uint64_t*>right)[0]
    return (a > b) - (a < b)


cdef void sort_few(int32_t* experts, int32_t* labels, int64_t n) noexcept nogil:
    """Sort by insertion, which keeps the order of what is equal."""
    cdef int64_t i
    cdef int64_t j
    cdef int32_t expert
    cdef int32_t label
    for i in range(1, n):
        expert = experts[i]
        label = labels[i]
        j = i
        while j > 0 and experts[j - 1] > expert:
            experts[j] = experts[j - 1]
            labels[j] = labels[j - 1]
            j -= 1
        experts[j] = expert
        labels[j] = label


cdef void sort_many(int32_t* experts, int32_t* labels, int64_t n, uint64_t* keys, int32_t* moved) noexcept nogil:
    """Sort by expert and then by place, so that what is equal keeps its order."""
    cdef int64_t i
    for i in range(n):
        keys[i] = <uint64_t>experts[i] << 32 | <uint64_t>i
        moved[i] = labels[i]
    qsort(keys, n, sizeof(uint64_t), by_expert)
    for i in range(n):
        experts[i] = <int32_t>(keys[i] >> 32)
        labels[i] = moved[<uint32_t>keys[i]]


cdef int64_t close_up(
    int64_t[::1] end,
    int32_t[::1] experts,
    int32_t[::1] labels,
    Py_ssize_t low,
    Py_ssize_t high,
    int64_t kept,
    int32_t[::1] asked,
    int64_t[::1] start,
    int32_t[::1] repeated,
    uint64_t[::1] keys,
    int32_t[::1] moved,
) noexcept nogil:
    """Sort each task's rows, drop those without an answer, and note the first expert who stands twice on a task."""
    cdef Py_ssize_t t
    cdef int64_t i
    cdef int64_t first
    for t in range(low, high):
        first = end[t - 1] if t else 0
        asked[t] = <int32_t>(end[t] - first)
        if end[t] - first > FEW:
            sort_many(&experts[first], &labels[first], end[t] - first, &keys[0], &moved[0])
        elif end[t] > first:
            sort_few(&experts[first], &labels[first], end[t] - first)
        for i in range(first, end[t]):
            if i > first and experts[i] == experts[i - 1] and repeated[0] < 0:
                repeated[0] = <int32_t>t
                repeated[1] = experts[i]
        for i in range(first, end[t]):
            if labels[i] >= 0:
                experts[kept] = experts[i]
                labels[kept] = labels[i]
                kept += 1
        start[t + 1] = kept
    return kept


def layout(
    const int32_t[::1] task, const int32_t[::1] expert, const int32_t[::1] label, int32_t n_tasks, int32_t n_experts
):
    cdef Py_ssize_t n = task.shape[0]
    cdef Py_ssize_t low
    cdef int64_t kept = 0
    asked = np.zeros(n_tasks, dtype=np.int32)
    start = np.zeros(n_tasks + 1, dtype=np.int64)
    experts = np.empty(n, dtype=np.int32)
    labels = np.empty(n, dtype=np.int32)
    repeated = np.full(2, -1, dtype=np.int32)

    cdef int32_t[::1] asked_view = asked
    cdef int64_t[::1] start_view = start
    cdef int32_t[::1] experts_view = experts
    cdef int32_t[::1] labels_view = labels
    cdef int32_t[::1] repeated_view = repeated
    cdef int64_t[::1] task_end = np.zeros(n_tasks, dtype=np.int64)
    for low in range(0, n, ROWS_AT_ONCE):
        with nogil:
            count(task, low, min(n, low + ROWS_AT_ONCE), task_end)
        PyErr_CheckSignals()
    # The most rows of a task, which large ones need beside the rows to be sorted.
    cdef int64_t most = np.asarray(task_end).max(initial=0)
    cdef uint64_t[::1] keys = np.empty(most if most > FEW else 0, dtype=np.uint64)
    cdef int32_t[::1] moved = np.empty(most if most > FEW else 0, dtype=np.int32)
    with nogil:
        begin(task_end)
    for low in range(0, n, ROWS_AT_ONCE):
        with nogil:
            by_task(task, expert, label, low, min(n, low + ROWS_AT_ONCE), task_end, experts_view, labels_view)
        PyErr_CheckSignals()
    for low in range(0, n_tasks, ROWS_AT_ONCE):
        with nogil:
            kept = close_up(
                task_end, experts_view, labels_view, low, min(n_tasks, low + ROWS_AT_ONCE), kept, asked_view,
                start_view, repeated_view, keys, moved,
            )
        PyErr_CheckSignals()
    return start, experts[:kept], labels[:kept], asked, (int(repeated[0]), int(repeated[1]))
