# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Expectation where an expert gives a label rightly or not; twin: ``consilience.kernels._reference.two_rates``.

Callers check codes and shapes: nothing here looks at bounds.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t

import numpy as np

from _posterior cimport Likelihood, log_likelihood, soft_votes, two_rates as two_rates_of

# Answers between two looks for Ctrl-C: some tens of milliseconds.
cdef Py_ssize_t WORK_AT_ONCE = 1 << 21


cdef void sweep(
    const int64_t[::1] start, const int32_t* expert, const int32_t* label, Py_ssize_t low, Py_ssize_t high,
    const double* prior, const double* right, const double* wrong, double* right_here, double* wrong_here,
    Py_ssize_t n, double* posterior, double* hits, double* mass, Likelihood* so_far,
) noexcept nogil:
    cdef Py_ssize_t t
    cdef Py_ssize_t i
    cdef Py_ssize_t k
    cdef Py_ssize_t m
    cdef Py_ssize_t cell
    cdef double* row
    cdef const int32_t* experts
    cdef const int32_t* labels
    for t in range(low, high):
        m = start[t + 1] - start[t]
        if m == 0:
            continue
        experts = expert + start[t]
        labels = label + start[t]
        row = posterior + t * n
        if right == NULL:
            soft_votes(labels, m, row)
        else:
            for i in range(m):
                cell = experts[i] * n + labels[i]
                right_here[i] = right[cell]
                wrong_here[i] = wrong[cell]
            two_rates_of(labels, right_here, wrong_here, m, prior, n, row, so_far)
        for i in range(m):
            hits[experts[i] * n + labels[i]] += row[labels[i]]
        for k in range(n):
            mass[k] += row[k]


def two_rates(
    tuple votes,
    const double[::1] prior,
    const double[:, ::1] right,
    const double[:, ::1] wrong,
    double[:, ::1] posterior,
    double[:, ::1] hits,
    double[::1] mass,
):
    cdef const int64_t[::1] start = votes[0]
    cdef const int32_t[::1] expert = votes[1]
    cdef const int32_t[::1] label = votes[2]
    cdef Py_ssize_t n_tasks = posterior.shape[0]
    cdef Py_ssize_t n = posterior.shape[1]
    cdef Py_ssize_t rows = expert.shape[0]
    cdef Py_ssize_t tasks_at_once
    cdef Py_ssize_t low
    cdef Likelihood so_far = Likelihood(0.0, 1.0)
    cdef const double* rights = NULL
    cdef const double* wrongs = NULL
    if rows == 0:
        return 0.0
    if right is not None and wrong is not None:
        rights = &right[0, 0]
        wrongs = &wrong[0, 0]
    cdef double[:, ::1] here = np.empty((2, int(np.diff(np.asarray(start)).max())))
    tasks_at_once = max(1, <Py_ssize_t>(<double>n_tasks * WORK_AT_ONCE / (<double>rows + <double>n_tasks * n)))
    for low in range(0, n_tasks, tasks_at_once):
        with nogil:
            sweep(
                start, &expert[0], &label[0], low, min(n_tasks, low + tasks_at_once), &prior[0], rights,
                wrongs, &here[0, 0], &here[1, 0], n, &posterior[0, 0], &hits[0, 0], &mass[0], &so_far,
            )
        PyErr_CheckSignals()
    return log_likelihood(&so_far)
