"""A trie with failure links, readable."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from consilience.kernels._arrays import Codes

__all__ = ["trie"]


def trie(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint8], Codes, Codes, Codes, Codes, Codes, Codes]:
    """Return label, child, sibling, literal, depth, fail and report; literals are sorted and distinct."""
    nodes: list[dict[int, int]] = [{}]
    label, depth, literal = [0], [0], [-1]
    for number, (start, stop) in enumerate(pairwise(offsets)):
        node = 0
        for byte in data[start:stop].tolist():
            if byte not in nodes[node]:
                nodes[node][byte] = len(nodes)
                nodes.append({})
                label.append(byte)
                depth.append(depth[node] + 1)
                literal.append(-1)
            node = nodes[node][byte]
        literal[node] = number
    child = [next(iter(own.values()), 0) for own in nodes]
    columns = (child, _siblings(nodes), literal, depth, *_links(nodes, literal))
    a, b, c, d, e, f = (np.array(column, dtype=np.int32) for column in columns)
    return np.array(label, dtype=np.uint8), a, b, c, d, e, f


def _siblings(nodes: list[dict[int, int]]) -> list[int]:
    sibling = [0] * len(nodes)
    for own in nodes:
        children = list(own.values())
        for left, right in pairwise(children):
            sibling[left] = right
    return sibling


def _links(nodes: list[dict[int, int]], literal: list[int]) -> tuple[list[int], list[int]]:
    """Return the failure and the report link of every node, shallow ones first."""
    fail, report = [0] * len(nodes), [0] * len(nodes)
    queue = list(nodes[0].values())
    for node in queue:
        for byte, below in nodes[node].items():
            at = fail[node]
            while at and byte not in nodes[at]:
                at = fail[at]
            fail[below] = nodes[at].get(byte, 0)
            report[below] = fail[below] if literal[fail[below]] >= 0 else report[fail[below]]
            queue.append(below)
    return fail, report
