# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Votes counted per task; the readable twin is ``consilience.kernels._reference.majority``.

Callers check the codes: nothing here looks at bounds.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np

# Rows between two looks for Ctrl-C: some tens of milliseconds.
cdef Py_ssize_t ROWS_AT_ONCE = 1 << 20


cdef void count_answers(
    const int32_t[::1] task, const int32_t[::1] label, Py_ssize_t low, Py_ssize_t high, int64_t[::1] end
) noexcept nogil:
    cdef Py_ssize_t row
    for row in range(low, high):
        if label[row] >= 0:
            end[task[row]] += 1


cdef void begin(int64_t[::1] end) noexcept nogil:
    """Turn sizes into starts; each start becomes the end while its bucket fills."""
    cdef Py_ssize_t t
    cdef int64_t start = 0
    cdef int64_t size
    for t in range(end.shape[0]):
        size = end[t]
        end[t] = start
        start += size


cdef void group_by_task(
    const int32_t[::1] task,
    const int32_t[::1] label,
    Py_ssize_t low,
    Py_ssize_t high,
    int64_t[::1] end,
    int32_t[::1] grouped,
) noexcept nogil:
    """Counting sort: afterwards the answers of task t are ``grouped[end[t - 1]:end[t]]``."""
    cdef Py_ssize_t row
    for row in range(low, high):
        if label[row] >= 0:
            grouped[end[task[row]]] = label[row]
            end[task[row]] += 1


cdef void count_votes(
    const int64_t[::1] end,
    const int32_t[::1] grouped,
    Py_ssize_t low,
    Py_ssize_t high,
    int32_t[::1] votes,
    int32_t[::1] winner,
    int32_t[::1] count,
    uint8_t[::1] tied,
    int32_t[::1] answers,
) noexcept nogil:
    cdef Py_ssize_t t
    cdef int64_t i
    cdef int64_t start = end[low - 1] if low else 0
    cdef int32_t code
    cdef int32_t n
    for t in range(low, high):
        for i in range(start, end[t]):
            votes[grouped[i]] += 1
        # Reading a code sets its votes back to zero: one array of n_labels serves every task.
        for i in range(start, end[t]):
            code = grouped[i]
            n = votes[code]
            votes[code] = 0
            if n > count[t]:
                count[t] = n
                winner[t] = code
                tied[t] = 0
            elif n > 0 and n == count[t]:
                tied[t] = 1
                winner[t] = min(winner[t], code)
        answers[t] = <int32_t>(end[t] - start)
        start = end[t]


def majority(const int32_t[::1] task, const int32_t[::1] label, int32_t n_tasks, int32_t n_labels):
    winner = np.full(n_tasks, -1, dtype=np.int32)
    count = np.zeros(n_tasks, dtype=np.int32)
    tied = np.zeros(n_tasks, dtype=np.uint8)
    answers = np.zeros(n_tasks, dtype=np.int32)

    cdef int64_t[::1] end = np.zeros(n_tasks, dtype=np.int64)
    cdef int32_t[::1] grouped = np.empty(task.shape[0], dtype=np.int32)
    cdef int32_t[::1] votes = np.zeros(n_labels, dtype=np.int32)
    cdef int32_t[::1] winner_view = winner
    cdef int32_t[::1] count_view = count
    cdef uint8_t[::1] tied_view = tied
    cdef int32_t[::1] answers_view = answers
    cdef Py_ssize_t n = task.shape[0]
    cdef Py_ssize_t low
    for low in range(0, n, ROWS_AT_ONCE):
        with nogil:
            count_answers(task, label, low, min(n, low + ROWS_AT_ONCE), end)
        PyErr_CheckSignals()
    with nogil:
        begin(end)
    for low in range(0, n, ROWS_AT_ONCE):
        with nogil:
            group_by_task(task, label, low, min(n, low + ROWS_AT_ONCE), end, grouped)
        PyErr_CheckSignals()
    for low in range(0, n_tasks, ROWS_AT_ONCE):
        with nogil:
            count_votes(
                end, grouped, low, min(n_tasks, low + ROWS_AT_ONCE), votes, winner_view, count_view, tied_view,
                answers_view,
            )
        PyErr_CheckSignals()
    return winner, count, tied.view(np.bool_), answers
