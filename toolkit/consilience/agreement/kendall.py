"""Agreement on order: Kendall's W for any number of experts, tau-b for two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.agreement.coefficient import Coefficient
from consilience.agreement.complete import Complete, read_complete, read_two
from consilience.agreement.resampling import Resampling, Subject
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    from consilience.agreement.resampling import Statistic

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Codes = np.ndarray[Any, np.dtype[np.int32]]

_PAIR_BY_PAIR = 1_024  # kinds of tasks up to which every draw counts its pairs anew
_RANKED_ANEW = 4_096  # kinds of tasks up to which every draw ranks them anew


def kendall_w(frame: Frame, *, confidence: float = 0.95, draws: int = 1000, seed: int = 0) -> Coefficient:
    """Kendall's W: how alike the experts order the tasks by their scores, ties allowed.

    Parameters
    ----------
    frame, confidence, draws, seed
        As in `icc`; only the order of each expert's scores matters.

    Returns
    -------
    Coefficient
        From 0 to 1, and not corrected for chance: guessing gives 1 / n_experts, which stands in ``chance``. ``value``
        is nan, with a note, when fewer than two tasks have every expert's score, or all scores are equal.

    Raises
    ------
    InvalidFrame, InvalidInput
        As in `icc`.

    Notes
    -----
    M. G. Kendall and B. Babington Smith, *Annals of Mathematical Statistics* 10 (1939), 275-287, with the correction
    for ties. The mean of Spearman's correlations over pairs of experts is (n W - 1) / (n - 1) for n experts without
    ties. Where tasks have more than 4,096 different rows of scores, the bootstrap does not rank each draw anew: it adds
    up how much each task moves the sum of squares and the ties (the first-order expansion).

    Examples
    --------
    >>> frame = {"task": [1, 2, 3] * 2, "expert": ["a"] * 3 + ["b"] * 3, "score": [1, 2, 3, 10, 20, 90]}
    >>> kendall_w(frame, draws=0).value
    1.0
    """
    how = Resampling(confidence, draws, seed)
    found = read_complete(frame)
    subject = Subject(
        method="Kendall W",
        n_tasks=found.n_tasks,
        n_experts=found.n_experts,
        left_out=found.left_out,
        chance=1 / max(found.n_experts, 1),
    )
    if found.n_tasks < 2:
        return subject.undefined(how, "fewer than two tasks were scored by two experts or more, all of them")
    return subject.estimate(_concordance(found), found.repeats, how)


def _concordance(found: Complete) -> Statistic:
    import numpy as np

    columns = [_dense(column) for column in found.codes.T]
    m = found.n_experts
    if found.repeats.size > _RANKED_ANEW:
        return _expanded(columns, found.repeats.astype(np.float64))

    def one(weight: Array) -> float:
        n = weight.sum()
        ranks, ties = np.zeros(weight.size), 0.0
        for column in columns:
            totals = np.bincount(column, weight)
            middle = np.cumsum(totals) - (totals - 1) / 2
            ranks += middle[column]
            ties += float((totals**3 - totals).sum())
        spread = weight @ np.square(ranks - m * (n + 1) / 2)
        most = m * m * (n**3 - n) - m * ties
        return 12 * float(spread) / most if most > 1e-12 * n**3 else np.nan

    def concordance(weights: Array) -> Array:
        return np.array([one(weight) for weight in weights])

    return concordance


def _expanded(columns: list[Codes], repeats: Array) -> Statistic:
    """Return W with the spread and the ties of a draw taken as linear in how often each kind of task came."""
    import numpy as np

    m, n = len(columns), repeats.sum()
    totals = [np.bincount(column, repeats) for column in columns]
    ranks = sum(
        (np.cumsum(total) - (total - 1) / 2)[column] for column, total in zip(columns, totals, strict=True)
    )
    away = ranks - m * (n + 1) / 2
    spread, ties = np.square(away), np.zeros(away.size)
    for column, total in zip(columns, totals, strict=True):
        pull = np.bincount(column, repeats * away)
        # one task more lifts by 1 what lies above it, and by 1/2 what it ties
        spread += 2 * (pull[::-1].cumsum()[::-1] - pull / 2)[column]
        ties += (3 * np.square(total) - 1)[column]
    whole_spread = float(repeats @ np.square(away))
    whole_ties = float(sum((total**3 - total).sum() for total in totals))

    def concordance(weights: Array) -> Array:
        more = weights * (n / weights.sum(axis=1, keepdims=True)) - repeats
        most = m * m * (n**3 - n) - m * (whole_ties + more @ ties)
        value: Array = np.clip(12 * (whole_spread + more @ spread) / most, 0, 1)
        return value

    return concordance


def _dense(column: Codes) -> Codes:
    import numpy as np

    dense: Codes = np.unique(column, return_inverse=True)[1].astype(np.int32)
    return dense


def kendall_tau_b(
    frame: Frame,
    *,
    experts: tuple[Any, Any] | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Coefficient:
    """Kendall's tau-b of two experts: how much oftener they order two tasks alike than the other way around.

    Parameters
    ----------
    frame, confidence, draws, seed
        As in `icc`; only the order of each expert's scores matters.
    experts
        The two; may be left out where the frame holds two.

    Returns
    -------
    Coefficient
        From -1 to 1; pairs of tasks that an expert ties count for neither side. ``value`` is nan, with a note, when
        fewer than two tasks were scored by both, or one of the two gave all the same score.

    Raises
    ------
    InvalidFrame
        As in `icc`.
    InvalidInput
        As in `icc`; the frame holds more than two experts and two are not named, or one is not in it.

    Notes
    -----
    M. G. Kendall, *Biometrika* 33 (1945), 239-251. Where tasks have more than 1,024 different pairs of scores, the
    bootstrap counts each task's pairs once and resamples these counts (the projection of W. Hoeffding, *Annals of
    Mathematical Statistics* 19 (1948), 293-325); with fewer, each draw counts its pairs anew.

    Examples
    --------
    >>> frame = {"task": [1, 2, 3] * 2, "expert": ["a"] * 3 + ["b"] * 3, "score": [1, 2, 3, 10, 90, 20]}
    >>> round(kendall_tau_b(frame, draws=0).value, 4)
    0.3333
    """
    how = Resampling(confidence, draws, seed)
    found = read_two(frame, experts, "Kendall's tau-b", "kendall_w")
    subject = Subject(
        method="Kendall tau-b", n_tasks=found.n_tasks, n_experts=found.n_experts, left_out=found.left_out
    )
    if found.n_tasks < 2:
        return subject.undefined(how, "fewer than two tasks were scored by both experts")
    note = "an expert gave every task the same score: no order"
    return subject.estimate(_tau_b(found), found.repeats, how, undefined=note)


def _tau_b(found: Complete) -> Statistic:
    import numpy as np

    x, y = (_dense(column) for column in found.codes.T)
    count = _pair_by_pair(x, y) if x.size <= _PAIR_BY_PAIR else _projected(x, y, found.repeats)

    def tau(weights: Array) -> Array:
        pairs = np.square(weights.sum(axis=1))
        order_x, order_y = (pairs - _tied(column, weights) for column in (x, y))
        with np.errstate(divide="ignore", invalid="ignore"):
            value: Array = np.where(
                (order_x > 0) & (order_y > 0), count(weights) / np.sqrt(order_x * order_y), np.nan
            )
        return np.clip(value, -1, 1)

    return tau


def _tied(column: Codes, weights: Array) -> Array:
    """Return the ordered pairs of tasks, each with itself too, that have one score, for each draw."""
    import numpy as np

    return np.array([np.square(np.bincount(column, weight)).sum() for weight in weights])


def _pair_by_pair(x: Codes, y: Codes) -> Statistic:
    import numpy as np

    signs = np.sign(np.subtract.outer(x, x)) * np.sign(np.subtract.outer(y, y)).astype(np.float64)

    def count(weights: Array) -> Array:
        counted: Array = ((weights @ signs) * weights).sum(axis=1)
        return counted

    return count


def _projected(x: Codes, y: Codes, repeats: np.ndarray[Any, np.dtype[np.int64]]) -> Statistic:
    pull = balance(x, y, repeats.astype("float64"))
    whole, n = float(repeats @ pull), float(repeats.sum())

    def count(weights: Array) -> Array:
        share = weights.sum(axis=1) / n
        counted: Array = 2 * share * (weights @ pull) - share**2 * whole
        return counted

    return count


def balance(x: Codes, y: Codes, repeats: Array) -> Array:
    """Return for each place (x, y) the others in concordant order less those in discordant order.

    Examples
    --------
    >>> import numpy as np
    >>> balance(np.array([0, 1, 2]), np.array([0, 2, 1]), np.ones(3)).tolist()
    [2.0, 0.0, 0.0]
    """
    import numpy as np

    per_x, per_y = np.bincount(x, repeats), np.bincount(y, repeats)
    left, below = (np.cumsum(each) - each for each in (per_x, per_y))
    left_below = _left_below(x, y, repeats)
    left_level = _before_within(y, x, repeats)  # further left, and as high
    under = _before_within(x, y, repeats)  # further below, and as far left
    left_above = left[x] - left_below - left_level
    right_below = below[y] - left_below - under
    right_level = per_y[y] - left_level - repeats
    right_above = repeats.sum() - left[x] - per_x[x] - right_below - right_level
    counted: Array = left_below + right_above - left_above - right_below
    return counted


def _before_within(group: Codes, value: Codes, repeats: Array) -> Array:
    """Return the sum of repeats over the places of the same group with a lower value; no two places are equal."""
    import numpy as np

    order = np.lexsort((value, group))
    before = np.cumsum(repeats[order]) - repeats[order]
    sizes = np.bincount(group, repeats)
    sums = np.empty(before.size)
    sums[order] = before - (np.cumsum(sizes) - sizes)[group[order]]
    return sums


def _left_below(x: Codes, y: Codes, repeats: Array) -> Array:
    """Return the sum of repeats over the places with lower x and lower y, bit by bit of y.

    Of two y, the lower is the one with 0 in the highest bit in which they differ.
    """
    import numpy as np

    # of equal x the higher y goes first, so that what goes before and is lower in y is lower in x too
    order = np.lexsort((-y, x))
    y, repeats = y[order], repeats[order]
    sums = np.zeros(y.size)
    for bit in range(int(y.max()).bit_length()):
        place = np.argsort(y >> (bit + 1), kind="stable")
        high = (y[place] >> bit) & 1
        low_ones = np.where(high == 0, repeats[place], 0.0)
        before = np.cumsum(low_ones) - low_ones
        prefix = y[place] >> (bit + 1)
        first = np.searchsorted(prefix, prefix)
        sums[place] += np.where(high == 1, before - before[first], 0.0)
    whole = np.empty(sums.size)
    whole[order] = sums
    return whole
