# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Connected components by union-find; the readable twin is ``consilience.kernels._reference.union_find``.

Callers check the indices: nothing here looks at bounds.
"""

from libc.stdint cimport int32_t

import numpy as np


cdef inline int32_t root_of(int32_t[::1] parent, int32_t node) noexcept nogil:
    # Path halving: each visited node is moved one level nearer to its root.
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


cdef void join(int32_t[::1] parent, int32_t left, int32_t right) noexcept nogil:
    cdef int32_t a = root_of(parent, left)
    cdef int32_t b = root_of(parent, right)
    # The smaller index stays root, so that every parent precedes its children.
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


def union_find(const int32_t[::1] left, const int32_t[::1] right, int32_t n):
    labels = np.arange(n, dtype=np.int32)
    cdef int32_t[::1] parent = labels
    cdef Py_ssize_t edge
    cdef int32_t node
    with nogil:
        for edge in range(left.shape[0]):
            join(parent, left[edge], right[edge])
        # One ascending pass flattens the forest, because parents come first.
        for node in range(n):
            parent[node] = parent[parent[node]]
    return labels
