# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""A trie with failure links; the readable twin is ``consilience.kernels._reference.trie``.

Callers sort the literals and take out repeated ones: nothing here looks at that, or at bounds.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np


cdef int32_t plant(
    const uint8_t[::1] data,
    const int64_t[::1] offsets,
    uint8_t[::1] label,
    int32_t[::1] child,
    int32_t[::1] sibling,
    int32_t[::1] literal,
    int32_t[::1] depth,
    int32_t[::1] parent,
    int32_t[::1] path,
) noexcept nogil:
    """Add the sorted literals one after another, and return the number of nodes; nodes are in preorder."""
    cdef Py_ssize_t i
    cdef int64_t d
    cdef int64_t size
    cdef int32_t last
    cdef int32_t n = 1
    cdef int64_t before = 0
    for i in range(offsets.shape[0] - 1):
        size = offsets[i + 1] - offsets[i]
        d = 0
        # What it shares with the literal before it is on the path already.
        while d < before and d < size and label[path[d + 1]] == data[offsets[i] + d]:
            d += 1
        last = path[d + 1] if d < before else 0
        for d in range(d, size):
            label[n] = data[offsets[i] + d]
            depth[n] = <int32_t>(d + 1)
            parent[n] = path[d]
            if last:
                sibling[last] = n
                last = 0
            else:
                child[path[d]] = n
            path[d + 1] = n
            n += 1
        literal[path[size]] = <int32_t>i
        before = size
    return n


cdef inline int32_t follow(
    const uint8_t[::1] label,
    const int32_t[::1] child,
    const int32_t[::1] sibling,
    int32_t node,
    uint8_t byte,
) noexcept nogil:
    node = child[node]
    while node and label[node] != byte:
        node = sibling[node]
    return node


cdef void link(
    const uint8_t[::1] label,
    const int32_t[::1] child,
    const int32_t[::1] sibling,
    const int32_t[::1] literal,
    const int32_t[::1] parent,
    const int32_t[::1] by_depth,
    int32_t[::1] fail,
    int32_t[::1] report,
) noexcept nogil:
    """Set the failure and report links, shallow nodes first."""
    cdef Py_ssize_t i
    cdef int32_t node
    cdef int32_t at
    cdef int32_t found
    for i in range(by_depth.shape[0]):
        node = by_depth[i]
        if parent[node] == 0:
            continue
        at = fail[parent[node]]
        found = follow(label, child, sibling, at, label[node])
        while at and not found:
            at = fail[at]
            found = follow(label, child, sibling, at, label[node])
        fail[node] = found
        report[node] = found if literal[found] >= 0 else report[found]


def trie(const uint8_t[::1] data, const int64_t[::1] offsets):
    cdef Py_ssize_t size = data.shape[0] + 1
    label = np.zeros(size, dtype=np.uint8)
    child, sibling, depth, parent = (np.zeros(size, dtype=np.int32) for _ in range(4))
    literal = np.full(size, -1, dtype=np.int32)

    cdef uint8_t[::1] label_view = label
    cdef int32_t[::1] child_view = child
    cdef int32_t[::1] sibling_view = sibling
    cdef int32_t[::1] literal_view = literal
    cdef int32_t[::1] depth_view = depth
    cdef int32_t[::1] parent_view = parent
    cdef int32_t[::1] path = np.zeros(np.diff(offsets).max(initial=0) + 2, dtype=np.int32)
    cdef int32_t n
    with nogil:
        n = plant(data, offsets, label_view, child_view, sibling_view, literal_view, depth_view, parent_view, path)

    fail, report = np.zeros(n, dtype=np.int32), np.zeros(n, dtype=np.int32)
    cdef int32_t[::1] fail_view = fail
    cdef int32_t[::1] report_view = report
    cdef int32_t[::1] by_depth = np.argsort(depth[:n], kind="stable")[1:].astype(np.int32)
    with nogil:
        link(label_view, child_view, sibling_view, literal_view, parent_view, by_depth, fail_view, report_view)
    # Copies, so that the room for nodes that were shared is given back.
    return (*(array[:n].copy() for array in (label, child, sibling, literal, depth)), fail, report)
