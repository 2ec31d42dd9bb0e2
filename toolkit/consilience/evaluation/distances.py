"""How far members and methods lie from known scores, and by how much a method is closer than the best member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.evaluation.lift import Lift, drawn

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Distance:
    """One row: who, over how many tasks, how far off on average, and within which bounds (95 %)."""

    who: str
    kind: str
    answered: int
    error: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Distances:
    """Members, methods and a baseline beside known scores."""

    rows: tuple[Distance, ...]
    lifts: Mapping[str, Lift]
    n_tasks: int


def distances(
    given: Array, truth: Array, names: list[str], methods: Mapping[str, Array], draws: int, seed: int
) -> Distances:
    """Return mean absolute errors and lifts.

    Parameters
    ----------
    given
        Scores, shape ``(n_tasks, n_members)``, nan where a member gave none; each task has one at least.
    truth
        The known scores, shape ``(n_tasks,)``.
    names
        Of the members.
    methods
        The circle's scores by each method, shape ``(n_tasks,)``.
    draws, seed
        Of the bootstrap over tasks.

    Notes
    -----
    A member who answered some tasks is compared with the circle on these tasks. Each draw is a pair of independent
    samples of tasks: the first chooses the closest member, the second compares it with the circle, as `Lift` says.
    """
    import numpy as np

    centre = float(np.median(truth))
    baseline = np.abs(truth - centre)
    circle = np.stack([np.abs(scores - truth) for scores in methods.values()], axis=1)
    answered = (~np.isnan(given)).astype(np.float64)
    off = np.nan_to_num(np.abs(given - truth[:, None]))
    found = _Sums(answered, off, circle, baseline)
    whole = np.full((1, truth.size), 1 / truth.size)
    choosing, scoring = (
        drawn(np.ones(truth.size, dtype=np.int64), draws, generator)
        for generator in np.random.default_rng(seed).spawn(2)
    )
    lifts, optimism, errors = [], [], []
    own = found.members(whole)[0]
    best = int(np.nanargmin(own))
    for first, second in zip(choosing, scoring, strict=True):
        means = found.members(first)
        chosen = np.nanargmin(np.where(np.isnan(means).all(axis=1, keepdims=True), own, means), axis=1)
        at = np.arange(chosen.size)
        lifts.append(found.ahead(second, chosen))
        optimism.append(own[chosen] - means[at, chosen] - (own[best] - means[:, best]))
        errors.append(found.all(second))
    low, high = _between(np.concatenate(errors))
    who = [(name, "member", int(n)) for name, n in zip(names, answered.sum(axis=0), strict=True)]
    who += [(name, "circle", truth.size) for name in methods]
    who.append((f"always {centre:.4g}", "baseline", truth.size))
    error = found.all(whole)[0]
    rows = tuple(
        Distance(*each, *(None if np.isnan(x) else float(x) for x in numbers))
        for each, *numbers in zip(who, error, low, high, strict=True)
    )
    if len(names) == 1:
        return Distances(rows, {}, truth.size)
    luck = float(np.nanmean(np.concatenate(optimism)))
    plain = found.ahead(whole, np.array([best]))[0]
    between = _between(np.concatenate(lifts))
    return Distances(
        rows,
        {
            name: Lift(float(p) + luck, float(lo), float(hi), names[best], float(p), luck)
            for name, p, lo, hi in zip(methods, plain, *between, strict=True)
        },
        truth.size,
    )


class _Sums:
    """Means under weights of the tasks, shape ``(n_draws, n_tasks)``, each over the tasks that were answered."""

    def __init__(self, answered: Array, off: Array, circle: Array, baseline: Array) -> None:
        import numpy as np

        self._answered = answered
        self._off = off
        self._both = np.concatenate([circle, baseline[:, None]], axis=1)
        # the circle's error on the tasks of each member, member after member
        self._beside = (answered[:, :, None] * circle[:, None, :]).reshape(len(off), -1)
        self._n_methods = circle.shape[1]

    def members(self, weights: Array) -> Array:
        """Return each member's mean error; nan where a draw holds no task that it answered."""
        return _over(weights @ self._off, weights @ self._answered)

    def all(self, weights: Array) -> Array:
        """Return the mean errors of members, methods and baseline."""
        import numpy as np

        return np.concatenate([self.members(weights), weights @ self._both], axis=1)

    def ahead(self, weights: Array, members: np.ndarray[Any, np.dtype[np.int64]]) -> Array:
        """Return by how much each method is closer than one member a draw, on the tasks of this member."""
        import numpy as np

        at = np.arange(len(weights))
        n = (weights @ self._answered)[at, members][:, None]
        circle = (weights @ self._beside).reshape(len(weights), -1, self._n_methods)[at, members]
        return _over((weights @ self._off)[at, members][:, None] - circle, n)


def _between(sample: Array) -> Array:
    """Return the 2.5 and 97.5 % quantiles of the draws; nan for who answered no task of any."""
    import numpy as np

    some = ~np.isnan(sample).all(axis=0)
    found: Array = np.full((2, sample.shape[1]), np.nan)
    found[:, some] = np.nanquantile(sample[:, some], [0.025, 0.975], axis=0)
    return found


def _over(sums: Array, n: Array) -> Array:
    import numpy as np

    found: Array = np.divide(
        sums, n, out=np.full(np.broadcast_shapes(sums.shape, n.shape), np.nan), where=n > 0
    )
    return found
