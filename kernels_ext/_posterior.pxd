"""What the posterior of one task needs, shared by the kernels of expectation; inlined, so no module of its own.

Products of probabilities stay far from underflow while their sum is above ``1e-200``: classes that underflow then
have less than 1e-100 of the total, which counts as zero. Below it the callers go over to logarithms.
"""

from libc.math cimport INFINITY, exp, log
from libc.stdint cimport int32_t


cdef struct Likelihood:
    double log_sum  # of the tasks so far, but for
    double product  # the likelihoods whose logarithm is not taken yet


cdef inline void multiply(Likelihood* so_far, double likelihood) noexcept nogil:
    """Add the logarithm of a task's likelihood; one logarithm serves many tasks."""
    if likelihood < 1e-100:
        so_far.log_sum += log(likelihood)
        return
    so_far.product *= likelihood
    if so_far.product < 1e-150:
        so_far.log_sum += log(so_far.product)
        so_far.product = 1.0


cdef inline double log_likelihood(Likelihood* so_far) noexcept nogil:
    return so_far.log_sum + log(so_far.product)


cdef inline void soft_votes(const int32_t* label, Py_ssize_t m, double* posterior) noexcept nogil:
    """Add each label's share of votes to a posterior of zeros."""
    cdef Py_ssize_t i
    cdef double vote = 1.0 / m
    for i in range(m):
        posterior[label[i]] += vote


cdef inline void normalise(double* posterior, Py_ssize_t n, double total) noexcept nogil:
    cdef Py_ssize_t k
    cdef double inverse = 1.0 / total
    for k in range(n):
        posterior[k] = posterior[k] * inverse if posterior[k] > total * 1e-100 else 0.0


cdef inline double normalise_logs(double* posterior, const double* prior, Py_ssize_t n) noexcept nogil:
    """Turn logarithms into a posterior and return the logarithm of their sum."""
    cdef Py_ssize_t k
    cdef double best = -INFINITY
    cdef double total = 0.0
    for k in range(n):
        best = max(best, posterior[k])
    if best == -INFINITY:
        # No class can have given these answers: nothing is learnt from them.
        for k in range(n):
            posterior[k] = prior[k]
        return -INFINITY
    for k in range(n):
        posterior[k] = exp(posterior[k] - best)
        total += posterior[k]
    normalise(posterior, n, total)
    return best + log(total)


cdef inline void two_rates_by_logs(
    const int32_t* label, double* right, double* wrong, Py_ssize_t m, const double* prior, Py_ssize_t n,
    double* posterior, Likelihood* so_far,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t k
    for i in range(m):
        right[i] = log(right[i])
        wrong[i] = log(wrong[i])
    for k in range(n):
        posterior[k] = log(prior[k])
        for i in range(m):
            posterior[k] += right[i] if label[i] == k else wrong[i]
    so_far.log_sum += normalise_logs(posterior, prior, n)


cdef inline void two_rates(
    const int32_t* label, double* right, double* wrong, Py_ssize_t m, const double* prior, Py_ssize_t n,
    double* posterior, Likelihood* so_far,
) noexcept nogil:
    """Posterior over n classes from m answers, each with its probability when right and when wrong; O(m + n)."""
    cdef Py_ssize_t i
    cdef Py_ssize_t k
    cdef double base = 1.0
    cdef double total = 0.0
    cdef double most = 1.0
    for k in range(n):
        posterior[k] = prior[k]
    for i in range(m):
        base *= wrong[i]
    if base > 1e-200:
        for i in range(m):
            posterior[label[i]] *= right[i] / wrong[i]
            most = max(most, posterior[label[i]])
        for k in range(n):
            posterior[k] *= base
            total += posterior[k]
    if total < 1e-200 or most > 1e200:
        two_rates_by_logs(label, right, wrong, m, prior, n, posterior, so_far)
        return
    normalise(posterior, n, total)
    multiply(so_far, total)
