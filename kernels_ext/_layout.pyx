# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Answers sorted by task, and by expert within a task; the readable twin is ``consilience.kernels._reference.layout``.

Callers check the codes: nothing here looks at bounds.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t

import numpy as np

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


cdef void by_code(
    const int32_t[::1] code, Py_ssize_t low, Py_ssize_t high, int64_t[::1] end, int32_t[::1] rows
) noexcept nogil:
    cdef Py_ssize_t row
    for row in range(low, high):
        rows[end[code[row]]] = <int32_t>row
        end[code[row]] += 1


cdef void by_task(
    const int32_t[::1] task,
    const int32_t[::1] expert,
    const int32_t[::1] label,
    const int32_t[::1] rows,
    Py_ssize_t low,
    Py_ssize_t high,
    int64_t[::1] end,
    int32_t[::1] experts,
    int32_t[::1] labels,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t place
    cdef int32_t row
    for i in range(low, high):
        row = rows[i]
        place = end[task[row]]
        end[task[row]] += 1
        experts[place] = expert[row]
        labels[place] = label[row]


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
) noexcept nogil:
    """Drop the rows without an answer, in place, and note the first expert who stands twice on a task."""
    cdef Py_ssize_t t
    cdef int64_t i
    cdef int64_t first
    for t in range(low, high):
        first = end[t - 1] if t else 0
        asked[t] = <int32_t>(end[t] - first)
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
    cdef int32_t[::1] rows = np.empty(n, dtype=np.int32)
    cdef int64_t[::1] expert_end = np.zeros(n_experts, dtype=np.int64)
    cdef int64_t[::1] task_end = np.zeros(n_tasks, dtype=np.int64)
    for low in range(0, n, ROWS_AT_ONCE):
        with nogil:
            count(expert, low, min(n, low + ROWS_AT_ONCE), expert_end)
            count(task, low, min(n, low + ROWS_AT_ONCE), task_end)
        PyErr_CheckSignals()
    begin(expert_end)
    begin(task_end)
    for low in range(0, n, ROWS_AT_ONCE):
        with nogil:
            by_code(expert, low, min(n, low + ROWS_AT_ONCE), expert_end, rows)
        PyErr_CheckSignals()
    for low in range(0, n, ROWS_AT_ONCE):
        with nogil:
            by_task(
                task, expert, label, rows, low, min(n, low + ROWS_AT_ONCE), task_end, experts_view, labels_view
            )
        PyErr_CheckSignals()
    for low in range(0, n_tasks, ROWS_AT_ONCE):
        with nogil:
            kept = close_up(
                task_end, experts_view, labels_view, low, min(n_tasks, low + ROWS_AT_ONCE), kept, asked_view,
                start_view, repeated_view,
            )
        PyErr_CheckSignals()
    return start, experts[:kept], labels[:kept], asked, (int(repeated[0]), int(repeated[1]))
