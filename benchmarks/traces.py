"""The traces on which caches are compared: keys as they are asked for. Run by itself it does nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REQUESTS = 400_000
ITEMS = 100_000
SKEW = 0.9

Trace = NDArray[np.int64]


def zipf(seed: int = 1, requests: int = REQUESTS, items: int = ITEMS, skew: float = SKEW) -> Trace:
    """Return independent requests; the item of rank k is asked for in proportion to k ** -skew."""
    weights = np.arange(1, items + 1, dtype=float) ** -skew
    return np.random.default_rng(seed).choice(items, size=requests, p=weights / weights.sum())


def with_scans(seed: int = 1) -> Trace:
    """Return half zipf requests, half a walk through items that nobody asks for again, in runs of 5,000."""
    trace = zipf(seed)
    for start in range(0, len(trace), 10_000):
        trace[start : start + 5_000] = np.arange(ITEMS + start, ITEMS + start + 5_000)
    return trace


def drifting(seed: int = 1) -> Trace:
    """Return zipf requests whose ranks move on by 1,000 items, all favourites, with each tenth of the trace."""
    trace = zipf(seed)
    tenth = np.arange(len(trace)) * 10 // len(trace)
    return (trace + 1_000 * tenth) % ITEMS


TRACES = {"zipf .9": zipf, "with scans": with_scans, "drifting": drifting}
