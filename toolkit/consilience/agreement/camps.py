"""Experts who agree with each other more than with the rest: average linkage, cut where the silhouette is widest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

Group: TypeAlias = tuple[int, ...]

LEAST_SILHOUETTE = 0.25  # below it Kaufman and Rousseeuw speak of no substantial structure


@dataclass(frozen=True, slots=True)
class Join:
    """A step of average linkage: two groups, and what they become, the nearest beside each other."""

    one: Group
    other: Group
    both: Group


def joins(distance: Array) -> list[Join]:
    """Return the steps of average linkage, nearest groups first; of equally near ones those of the first items.

    Parameters
    ----------
    distance
        Symmetric, shape ``(n, n)``, finite.

    Examples
    --------
    >>> import numpy as np
    >>> [step.both for step in joins(np.array([[0.0, 0.9, 0.1], [0.9, 0.0, 0.8], [0.1, 0.8, 0.0]]))]
    [(0, 2), (0, 2, 1)]
    """
    import numpy as np

    groups: list[Group] = [(item,) for item in range(len(distance))]
    between = distance.astype(np.float64, copy=True)
    np.fill_diagonal(between, np.inf)
    steps = []
    while len(groups) > 1:
        # the least of equal ones is the first in rows, so that only the order of the items decides
        i, j = sorted(divmod(int(between.argmin()), len(groups)))
        a, b = len(groups[i]), len(groups[j])
        steps.append(Join(groups[i], groups[j], _beside(groups[i], groups[j], distance)))
        between[i] = between[:, i] = (a * between[i] + b * between[j]) / (a + b)
        between[i, i] = np.inf
        groups[i] = steps[-1].both
        del groups[j]
        between = np.delete(np.delete(between, j, axis=0), j, axis=1)
    return steps


def _beside(one: Group, other: Group, distance: Array) -> Group:
    """Return both groups in a row, each the way round that brings the nearest of them together."""
    ways = [(x, y) for x in (one, one[::-1]) for y in (other, other[::-1])]
    first, second = min(ways, key=lambda way: distance[way[0][-1], way[1][0]])
    return first + second


def silhouette(distance: Array, groups: Iterable[Group]) -> float:
    """Return the mean silhouette: 1 if groups are tight and far apart, 0 or less if they are not; one item counts 0.

    Notes
    -----
    P. J. Rousseeuw, *J. Computational and Applied Mathematics* 20 (1987), 53-65.
    """
    import numpy as np

    widths = np.zeros(len(distance))
    groups = list(groups)
    for own in groups:
        if len(own) == 1:
            continue
        for item in own:
            inside = distance[item, list(own)].sum() / (len(own) - 1)
            outside = min(distance[item, list(other)].mean() for other in groups if other is not own)
            widths[item] = (outside - inside) / (max(inside, outside) or 1.0)
    return float(widths.mean())


def camps(distance: Array) -> list[Group]:
    """Return the groups of items, in an order in which those that are near stand together.

    Parameters
    ----------
    distance
        Symmetric, shape ``(n, n)``, 0 on the diagonal, finite.

    Returns
    -------
    list of tuples
        One group where no cut has a mean silhouette of 0.25.

    Notes
    -----
    Average linkage (R. R. Sokal and C. D. Michener, *Univ. of Kansas Science Bulletin* 38 (1958), 1409-1438); the cut
    as in L. Kaufman and P. J. Rousseeuw, *Finding Groups in Data*, 1990, chapter 2.
    """
    n = len(distance)
    groups: set[Group] = {(item,) for item in range(n)}
    whole: Group = tuple(range(n))
    best, found = LEAST_SILHOUETTE, None
    for step in joins(distance):
        groups = (groups - {step.one, step.other}) | {step.both}
        whole = step.both
        if 1 < len(groups) < n and (width := silhouette(distance, groups)) >= best:
            best, found = width, groups  # of equal cuts the later has fewer groups
    place = {item: at for at, item in enumerate(whole)}
    # a later join may turn a group round, so that a camp stands in the order of the whole
    kept = [tuple(sorted(group, key=place.__getitem__)) for group in found or {whole}]
    return sorted(kept, key=lambda group: place[group[0]])
