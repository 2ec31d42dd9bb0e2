# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""One round of GLAD; the readable twin is ``consilience.kernels._reference.glad``.

Callers check codes and shapes: nothing here looks at bounds.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport exp
from libc.stdint cimport int32_t, int64_t

import numpy as np

from _posterior cimport Likelihood, log_likelihood, two_rates as two_rates_of

# Answers between two looks for Ctrl-C: some tens of milliseconds.
cdef Py_ssize_t WORK_AT_ONCE = 1 << 20


cdef inline double logistic(double x) noexcept nogil:
    cdef double small
    if x >= 0:
        return 1.0 / (1.0 + exp(-x))
    small = exp(x)
    return small / (1.0 + small)


cdef double eased(
    const int32_t* expert, Py_ssize_t m, const double* ability, const double* hit, double ease
) noexcept nogil:
    """One scoring step of a task's log ease under its prior, at most 1 long."""
    cdef Py_ssize_t i
    cdef double x
    cdef double sigma
    cdef double scale = exp(ease)
    cdef double slope = 1.0 - ease
    cdef double bend = 1.0
    for i in range(m):
        x = ability[expert[i]] * scale
        sigma = logistic(x)
        slope += (hit[i] - sigma) * x
        bend += sigma * (1.0 - sigma) * x * x
    return ease + max(-1.0, min(1.0, slope / bend))


cdef void sweep(
    const int64_t[::1] start, const int32_t* expert, const int32_t* label, Py_ssize_t low, Py_ssize_t high,
    const double* prior, const double* ability, double* ease, bint step, double* right, double* wrong, Py_ssize_t n,
    double* posterior, double* hit, double* slope, double* bend, double* hits, Likelihood* so_far,
) noexcept nogil:
    cdef Py_ssize_t t
    cdef Py_ssize_t i
    cdef Py_ssize_t m
    cdef int64_t first
    cdef double x
    cdef double scale
    cdef double sigma
    cdef double others = max(n - 1, 1)
    for t in range(low, high):
        first = start[t]
        m = start[t + 1] - first
        if m == 0:
            continue
        if step:
            ease[t] = eased(expert + first, m, ability, hit + first, ease[t])
        scale = exp(ease[t])
        for i in range(m):
            x = ability[expert[first + i]] * scale
            right[i] = logistic(x)
            wrong[i] = logistic(-x) / others
        two_rates_of(label + first, right, wrong, m, prior, n, posterior + t * n, so_far)
        for i in range(m):
            hit[first + i] = posterior[t * n + label[first + i]]
            sigma = logistic(ability[expert[first + i]] * scale)
            slope[expert[first + i]] += (hit[first + i] - sigma) * scale
            bend[expert[first + i]] += sigma * (1.0 - sigma) * scale * scale
            hits[expert[first + i]] += hit[first + i]


def glad(
    tuple votes,
    const double[::1] prior,
    const double[::1] ability,
    double[::1] ease,
    bint step,
    double[:, ::1] posterior,
    double[::1] hit,
    double[:, ::1] sums,
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
    if rows == 0:
        return 0.0
    cdef double[:, ::1] here = np.empty((2, int(np.diff(np.asarray(start)).max())))
    tasks_at_once = max(1, <Py_ssize_t>(<double>n_tasks * WORK_AT_ONCE / (<double>rows + <double>n_tasks * n)))
    for low in range(0, n_tasks, tasks_at_once):
        with nogil:
            sweep(
                start, &expert[0], &label[0], low, min(n_tasks, low + tasks_at_once), &prior[0], &ability[0],
                &ease[0], step, &here[0, 0], &here[1, 0], n, &posterior[0, 0], &hit[0], &sums[0, 0],
                &sums[1, 0], &sums[2, 0], &so_far,
            )
        PyErr_CheckSignals()
    return log_likelihood(&so_far)
