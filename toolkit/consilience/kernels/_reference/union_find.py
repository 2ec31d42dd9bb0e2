"""Connected components, readable."""

from __future__ import annotations

import numpy as np

from consilience.kernels._arrays import Codes

__all__ = ["union_find"]


def union_find(left: Codes, right: Codes, n: int) -> Codes:
    """Return the smallest member of each node's component; arguments as in ``consilience.kernels``."""
    parent = list(range(n))
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        low, high = sorted((_root(parent, a), _root(parent, b)))
        # The smaller index stays root, so that every parent precedes its children.
        parent[high] = low
    for node in range(n):
        parent[node] = parent[parent[node]]
    return np.array(parent, dtype=np.int32)


def _root(parent: list[int], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node
