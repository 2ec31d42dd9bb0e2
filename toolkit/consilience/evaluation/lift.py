"""The paired lift of a circle over its best member."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.markup.sentence import SentenceDisplayed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Counts = np.ndarray[Any, np.dtype[np.int64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

_CELLS_AT_ONCE = 1 << 21


@dataclass(frozen=True, slots=True)
class Lift(SentenceDisplayed):
    """Accuracy of the circle less that of its best member, in shares of the tasks.

    Parameters
    ----------
    value
        Corrected for the luck of the member that came out best: ``plain + optimism``.
    low, high
        95 % interval, see below.
    best
        The best member on the tasks at hand; of several the first by name.
    plain
        The difference as counted.
    optimism
        How much better a member looks on the tasks that chose it than on others.

    Notes
    -----
    *The selection effect.* Whoever looks best on some tasks is partly good and partly lucky on these tasks, so the
    circle, which nobody selected, is compared with a flattered rival; five equal members of accuracy 0.8 make the best
    of them look 3 points better on 200 tasks than it is. Choosing the best member anew in every bootstrap draw *and
    scoring it on the same draw* doubles the flattery. Here each draw is a pair of independent bootstrap samples of
    tasks: the first chooses the best member, the second compares it with the circle. ``optimism`` is the mean
    difference between what the first sample says of its choice and what all tasks say of it (B. Efron, *JASA* 78
    (1983), 316-331; G. C. Cawley and N. L. C. Talbot, *JMLR* 11 (2010), 2079-2107); the interval holds the percentiles
    of the second comparison. ``benchmarks/lift_coverage.py`` prints how often such intervals hold the true lift, beside
    other constructions. A method that follows its best member everywhere shares that member's luck: its ``value`` is
    too high, its interval is not.
    """

    value: float
    low: float
    high: float
    best: str
    plain: float
    optimism: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def lifts(members: Flags, methods: Flags, names: list[str], draws: int, seed: int) -> list[Lift]:
    """Return the lift of each method over the best member.

    Parameters
    ----------
    members, methods
        Where each was right, shape ``(n_tasks, n_members)`` and ``(n_tasks, n_methods)``.
    names
        Of the members, ascending.
    draws, seed
        Of the bootstrap.
    """
    import numpy as np

    n_members = members.shape[1]
    patterns, repeats = counted(np.concatenate([members, methods], axis=1))
    means = repeats @ patterns / repeats.sum()
    best = int(means[:n_members].argmax())
    sample, optimism = _compare(patterns, repeats, n_members, draws, seed)
    plain = means[n_members:] - means[best]
    value = plain + optimism
    low, high = np.quantile(sample, [0.025, 0.975], axis=0)
    rows = zip(value, low, high, plain, strict=True)
    return [Lift(float(v), float(lo), float(hi), names[best], float(p), optimism) for v, lo, hi, p in rows]


def counted(flags: Flags) -> tuple[Array, Counts]:
    """Return the distinct rows, as numbers, and how often each comes.

    Tasks on which the same were right are interchangeable: a bootstrap over tasks draws how often each row comes.
    """
    import numpy as np

    packed = np.packbits(flags, axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, repeats = np.unique(keys, return_index=True, return_counts=True)
    return flags[first].astype(np.float64), repeats


def drawn(repeats: Counts, draws: int, generator: np.random.Generator) -> Iterator[Array]:
    """Yield bootstrap counts of the patterns, some draws at a time, in shares of the tasks."""
    n_tasks = int(repeats.sum())
    at_once = max(1, _CELLS_AT_ONCE // repeats.size)
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        yield generator.multinomial(n_tasks, repeats / n_tasks, size=size) / n_tasks


def _compare(patterns: Array, repeats: Counts, n_members: int, draws: int, seed: int) -> tuple[Array, float]:
    """Return the lifts of the draws, shape ``(draws, n_methods)``, and the optimism."""
    import numpy as np

    generators = np.random.default_rng(seed).spawn(2)
    choosing, scoring = (drawn(repeats, draws, generator) for generator in generators)
    whole = (repeats @ patterns / repeats.sum())[:n_members]
    best = int(whole.argmax())
    sample, optimism = [], []
    for first, second in zip(choosing, scoring, strict=True):
        means = first @ patterns[:, :n_members]
        chosen = means.argmax(axis=1)
        rows = np.arange(chosen.size)
        scores = second @ patterns
        sample.append(scores[:, n_members:] - scores[rows, chosen][:, None])
        # less what the best member of all tasks gains in the draw, which is 0 on average: so it is 0 without a rival
        optimism.append(means[rows, chosen] - whole[chosen] - (means[:, best] - whole[best]))
    return np.concatenate(sample), float(np.concatenate(optimism).mean())
