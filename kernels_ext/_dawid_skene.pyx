# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""One round of Dawid and Skene's EM; the readable twin is ``consilience.kernels._reference.dawid_skene``.

Callers check codes and shapes: nothing here looks at bounds.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport log
from libc.stdint cimport int32_t, int64_t

from _posterior cimport Likelihood, log_likelihood, multiply, normalise, normalise_logs, soft_votes

cdef enum:
    FEW = 5  # labels up to which a loop over them is unrolled

# Products of an answer with a class between two looks for Ctrl-C: some tens of milliseconds.
cdef Py_ssize_t WORK_AT_ONCE = 1 << 24


cdef void by_logs(
    const int32_t* expert, const int32_t* label, Py_ssize_t m, const double* prior, const double* confusion,
    Py_ssize_t n, double* posterior, Likelihood* so_far,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t k
    cdef const double* row
    for k in range(n):
        posterior[k] = log(prior[k])
    for i in range(m):
        row = confusion + (expert[i] * n + label[i]) * n
        for k in range(n):
            posterior[k] += log(row[k])
    so_far.log_sum += normalise_logs(posterior, prior, n)


cdef inline double joint(
    const int32_t* expert, const int32_t* label, Py_ssize_t m, const double* prior, const double* confusion,
    Py_ssize_t n, double* posterior,
) noexcept nogil:
    """Write the probability of the answers together with each class, and return the sum."""
    cdef double here[FEW]
    cdef Py_ssize_t i
    cdef Py_ssize_t k
    cdef const double* row
    cdef double total = 0.0
    # What is local stays in registers: C must expect that an array it was given overlaps another.
    cdef double* product = &here[0] if n <= FEW else posterior
    for k in range(n):
        product[k] = prior[k]
    for i in range(m):
        row = confusion + (expert[i] * n + label[i]) * n
        for k in range(n):
            product[k] *= row[k]
    for k in range(n):
        total += product[k]
        posterior[k] = product[k]
    return total


cdef inline void expect(
    const int32_t* expert, const int32_t* label, Py_ssize_t m, const double* prior, const double* confusion,
    Py_ssize_t n, double* posterior, Likelihood* so_far,
) noexcept nogil:
    cdef double total = joint(expert, label, m, prior, confusion, n, posterior)
    if total < 1e-200:
        by_logs(expert, label, m, prior, confusion, n, posterior, so_far)
        return
    normalise(posterior, n, total)
    multiply(so_far, total)


cdef void known(
    const int32_t* expert, const int32_t* label, Py_ssize_t m, int32_t truth, const double* prior,
    const double* confusion, Py_ssize_t n, double* posterior, Likelihood* so_far,
) noexcept nogil:
    cdef Py_ssize_t i
    posterior[truth] = 1.0
    if confusion != NULL:
        so_far.log_sum += log(prior[truth])
        for i in range(m):
            so_far.log_sum += log(confusion[(expert[i] * n + label[i]) * n + truth])


cdef inline void count(
    const int32_t* expert, const int32_t* label, Py_ssize_t m, Py_ssize_t n, const double* posterior, double* counts,
    double* mass,
) noexcept nogil:
    cdef double here[FEW]
    cdef Py_ssize_t i
    cdef Py_ssize_t k
    cdef double* row
    cdef const double* share = &here[0] if n <= FEW else posterior
    for k in range(n):
        if n <= FEW:
            here[k] = posterior[k]
        mass[k] += posterior[k]
    for i in range(m):
        row = counts + (expert[i] * n + label[i]) * n
        for k in range(n):
            row[k] += share[k]


cdef inline void sweep(
    const int64_t[::1] start, const int32_t* expert, const int32_t* label, const int32_t[::1] gold, Py_ssize_t low,
    Py_ssize_t high, const double* prior, const double* confusion, Py_ssize_t n, double* posterior, double* counts,
    double* mass, Likelihood* so_far,
) noexcept nogil:
    cdef Py_ssize_t t
    cdef Py_ssize_t m
    cdef int64_t first
    cdef double* row
    for t in range(low, high):
        first = start[t]
        m = start[t + 1] - first
        row = posterior + t * n
        if m == 0:
            continue
        if gold[t] >= 0:
            known(expert + first, label + first, m, gold[t], prior, confusion, n, row, so_far)
        elif confusion == NULL:
            soft_votes(label + first, m, row)
        else:
            expect(expert + first, label + first, m, prior, confusion, n, row, so_far)
        count(expert + first, label + first, m, n, row, counts, mass)


def dawid_skene(
    tuple votes,
    const int32_t[::1] gold,
    const double[::1] prior,
    const double[:, :, ::1] confusion,
    double[:, ::1] posterior,
    double[:, :, ::1] counts,
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
    cdef Py_ssize_t high
    cdef Likelihood so_far = Likelihood(0.0, 1.0)
    cdef const double* confusions = NULL
    if rows == 0:
        return 0.0
    if confusion is not None:
        confusions = &confusion[0, 0, 0]
    cdef const int32_t* who = &expert[0]
    cdef const int32_t* what = &label[0]
    cdef const double* priors = &prior[0]
    cdef double* posteriors = &posterior[0, 0]
    cdef double* cells = &counts[0, 0, 0]
    cdef double* masses = &mass[0]
    tasks_at_once = max(1, <Py_ssize_t>(<double>n_tasks * WORK_AT_ONCE / (<double>rows * n)))
    for low in range(0, n_tasks, tasks_at_once):
        high = min(n_tasks, low + tasks_at_once)
        with nogil:
            # With the number of labels known the compiler unrolls the loops over them.
            if n == 2:
                sweep(start, who, what, gold, low, high, priors, confusions, 2, posteriors, cells, masses, &so_far)
            elif n == 3:
                sweep(start, who, what, gold, low, high, priors, confusions, 3, posteriors, cells, masses, &so_far)
            elif n == 4:
                sweep(start, who, what, gold, low, high, priors, confusions, 4, posteriors, cells, masses, &so_far)
            elif n == 5:
                sweep(start, who, what, gold, low, high, priors, confusions, 5, posteriors, cells, masses, &so_far)
            else:
                sweep(start, who, what, gold, low, high, priors, confusions, n, posteriors, cells, masses, &so_far)
        PyErr_CheckSignals()
    return log_likelihood(&so_far)
