"""Drawing answers from what is planted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput
from consilience.simulate.copula import cdf, error_correlation, quantile
from consilience.simulate.planted import Planted, Simulation, require_share

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Codes = np.ndarray[Any, np.dtype[np.int64]]

#: Share of an expert's own latent variance that the expert sees.
_INSIGHT = 0.5


def answers(
    experts: Sequence[Planted | float],
    *,
    tasks: int = 1000,
    labels: Sequence[str] = ("yes", "no"),
    prior: Sequence[float] | None = None,
    correlation: float = 0.0,
    difficulty: float = 0.0,
    seed: int = 0,
) -> Simulation:
    """Simulate a circle that answers tasks.

    Parameters
    ----------
    experts
        What to plant; a number is an accuracy, and its expert is named ``e1``, ``e2`` and so on by its place.
    tasks
        How many.
    labels
        The choices, at least two.
    prior
        Probability of each label to be the true one; equal by default.
    correlation
        Latent correlation of experts of one family beyond difficulty, from 0 to 1. They then also tend to the same
        wrong label.
    difficulty
        Share of the latent variance that all experts have in common, from 0 (all tasks are alike) to 1. Together with
        `correlation` at most 1.
    seed
        The same seed gives the same answers.

    Returns
    -------
    Simulation

    Raises
    ------
    InvalidInput
        A name stands twice, labels or probabilities do not fit, or a share is out of range.

    Notes
    -----
    One-factor Gaussian copula: D. X. Li, *Journal of Fixed Income* 9 (2000), 43-54; as a model of shared errors of
    classifiers, see the common factor of K. Ladha, *American Journal of Political Science* 36 (1992), 617-634. Half of
    the expert's own latent variance is visible to the expert, and is what its confidence is made from, so confidence
    carries information and comes true at ``overconfidence=1``.

    Examples
    --------
    >>> made = answers([0.8] * 9, tasks=200, correlation=0.7)
    >>> made.answers.shape, round(made.effective_votes, 1)
    ((1800, 5), 1.9)
    """
    circle = [e if isinstance(e, Planted) else Planted(f"e{k}", float(e)) for k, e in enumerate(experts, 1)]
    weights = _checked(circle, tasks, labels, prior, correlation, difficulty)
    confusion = [_confusion(expert, labels) for expert in circle]
    return _simulate(circle, confusion, tasks, list(labels), weights, (correlation, difficulty), seed)


def _checked(
    circle: Sequence[Planted],
    tasks: int,
    labels: Sequence[str],
    prior: Sequence[float] | None,
    correlation: float,
    difficulty: float,
) -> Array:
    import numpy as np

    names = [expert.name for expert in circle]
    if not names or len(set(names)) != len(names):
        raise InvalidInput(f"At least one expert is required and each name once, {names!r} came.")
    if tasks < 1:
        raise InvalidInput(f"tasks is 1 or more, {tasks} came.")
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise InvalidInput(f"At least two different labels are required, {list(labels)!r} came.")
    require_share("correlation", correlation)
    require_share("difficulty", difficulty)
    require_share("correlation + difficulty", correlation + difficulty)
    weights = np.full(len(labels), 1 / len(labels)) if prior is None else np.array(prior, dtype=np.float64)
    if weights.size != len(labels) or not (weights >= 0).all() or abs(weights.sum() - 1) > 1e-9:
        raise InvalidInput(
            f"prior is a probability for each of {len(labels)} labels and sums to 1, {prior!r} came."
        )
    return weights


def _confusion(expert: Planted, labels: Sequence[str]) -> Array:
    """Return the probabilities of the given labels by true label, shape ``(n_labels, n_labels)``."""
    import numpy as np

    k = len(labels)
    if expert.confusion is None:
        wrong = (1 - expert.accuracy) / (k - 1)
        return np.full((k, k), wrong) + np.eye(k) * (expert.accuracy - wrong)
    odd = sorted(({*expert.confusion} | {g for row in expert.confusion.values() for g in row}) - {*labels})
    if odd or {*expert.confusion} != {*labels}:
        raise InvalidInput(
            f"confusion of {expert.name!r} has a row for each of {', '.join(labels)} and no other label; it has "
            f"{', '.join(map(str, [*expert.confusion, *odd]))}."
        )
    table = np.array([[expert.confusion[truth].get(given, 0.0) for given in labels] for truth in labels])
    for truth, row in zip(labels, table, strict=True):
        if not (row >= 0).all() or abs(row.sum() - 1) > 1e-9:
            raise InvalidInput(
                f"confusion of {expert.name!r} gives probabilities that sum to 1 for each true label; for {truth!r} "
                f"they sum to {row.sum():g}."
            )
    return table


def _simulate(
    circle: Sequence[Planted],
    confusion: Sequence[Array],
    tasks: int,
    labels: list[str],
    prior: Array,
    shared: tuple[float, float],
    seed: int,
) -> Simulation:
    import numpy as np
    import polars as pl

    # a stream for each thing that is drawn, so that one more expert leaves the others' answers as they are
    world, *streams = np.random.default_rng(seed).spawn(len(circle) + 1)
    truth = world.choice(len(labels), size=tasks, p=prior)
    hard = world.standard_normal(tasks)
    factors = {
        family: world.standard_normal((2, tasks)) for family in sorted({expert.family for expert in circle})
    }
    frames = [
        _frame(
            expert, _answer(expert, table, prior, truth, hard, factors[expert.family], shared, stream), labels
        )
        for expert, table, stream in zip(circle, confusion, streams, strict=True)
    ]
    task = pl.int_range(tasks, eager=True).alias("task")
    return Simulation(
        answers=pl.concat(frames).sort("task", maintain_order=True),
        gold=pl.DataFrame({"task": task, "label": pl.Series(labels).gather(truth)}),
        difficulty=pl.DataFrame({"task": task, "difficulty": hard * math.sqrt(shared[1])}),
        experts=_experts(circle, confusion, prior),
        confusion=_confusions(circle, confusion, labels),
        correlations=_correlations(circle, confusion, prior, shared),
    )


def _answer(
    expert: Planted,
    table: Array,
    prior: Array,
    truth: Codes,
    hard: Array,
    family: Array,
    shared: tuple[float, float],
    stream: np.random.Generator,
) -> tuple[Codes, Array]:
    """Return label codes, -1 for an abstention, and confidences."""
    import numpy as np

    correlation, difficulty = shared
    own = 1 - correlation - difficulty
    seen, unseen, kind = stream.standard_normal((3, truth.size))
    latent = math.sqrt(difficulty) * hard + math.sqrt(correlation) * family[0]
    latent += math.sqrt(max(own * _INSIGHT, 0.0)) * seen + math.sqrt(max(own * (1 - _INSIGHT), 0.0)) * unseen
    threshold = np.array([quantile(p) for p in table.diagonal()])
    right = latent <= threshold[truth]
    wrong_kind = cdf(math.sqrt(correlation) * family[1] + math.sqrt(1 - correlation) * kind)
    label = np.where(right, truth, _wrong(table, truth, wrong_kind))
    label[stream.random(truth.size) < expert.abstains] = -1
    hidden = max(1 - own * _INSIGHT, 1e-12)
    insight = (threshold[:, None] - math.sqrt(max(own * _INSIGHT, 0.0)) * seen) / math.sqrt(hidden)
    return label, _stated(prior @ cdf(insight), expert.overconfidence)


def _wrong(table: Array, truth: Codes, place: Array) -> Codes:
    """Return a wrong label for each task: where `place`, uniform, falls among the wrong ones' probabilities."""
    import numpy as np

    wrong = table.copy()
    np.fill_diagonal(wrong, 0.0)
    total = wrong.sum(axis=1, keepdims=True)
    wrong = np.divide(wrong, total, out=np.zeros_like(wrong), where=total > 0)
    ends = wrong.cumsum(axis=1)
    codes = (place[:, None] >= ends[truth]).sum(axis=1)
    # rounding may leave the last end below 1, and the last label may be the true one
    last = np.array([row.nonzero()[0].max(initial=0) for row in wrong])
    kinds: Codes = np.minimum(codes, last[truth])
    return kinds


def _stated(chance: Array, overconfidence: float) -> Array:
    import numpy as np

    kept = np.clip(chance, 1e-12, 1 - 1e-12)
    stated: Array = 1 / (1 + np.exp(-overconfidence * np.log(kept / (1 - kept))))
    return stated


def _frame(expert: Planted, said: tuple[Codes, Array], labels: list[str]) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    label, confidence = said
    places = pl.Series(np.where(label < 0, len(labels), label))
    return pl.DataFrame(
        {
            "task": pl.int_range(label.size, eager=True),
            "expert": pl.Series([expert.name]).new_from_index(0, label.size),
            "label": pl.Series([*labels, None], dtype=pl.String).gather(places),
            "confidence": pl.Series(np.where(label < 0, np.nan, confidence), nan_to_null=True),
            "cost_usd": pl.Series([expert.cost_usd], dtype=pl.Float64).new_from_index(0, label.size),
        }
    )


def _experts(circle: Sequence[Planted], confusion: Sequence[Array], prior: Array) -> pl.DataFrame:
    import polars as pl

    rows = [
        (e.name, e.family, float(prior @ table.diagonal()), e.abstains, e.overconfidence, e.cost_usd)
        for e, table in zip(circle, confusion, strict=True)
    ]
    columns = ["expert", "family", "accuracy", "abstains", "overconfidence", "cost_usd"]
    return pl.DataFrame(rows, schema=columns, schema_overrides={"cost_usd": pl.Float64}, orient="row")


def _confusions(circle: Sequence[Planted], confusion: Sequence[Array], labels: list[str]) -> pl.DataFrame:
    import polars as pl

    rows = [
        (expert.name, truth, given, float(table[t, g]))
        for expert, table in zip(circle, confusion, strict=True)
        for t, truth in enumerate(labels)
        for g, given in enumerate(labels)
    ]
    return pl.DataFrame(rows, schema=["expert", "truth", "label", "probability"], orient="row")


def _correlations(
    circle: Sequence[Planted], confusion: Sequence[Array], prior: Array, shared: tuple[float, float]
) -> pl.DataFrame:
    import polars as pl

    correlation, difficulty = shared
    rows = []
    for i, first in enumerate(circle):
        for j in range(i + 1, len(circle)):
            common = difficulty + (correlation if first.family == circle[j].family else 0.0)
            found = error_correlation(confusion[i].diagonal(), confusion[j].diagonal(), prior, common)
            rows.append((first.name, circle[j].name, found))
    columns = {"first": pl.String, "second": pl.String, "correlation": pl.Float64}
    return pl.DataFrame(rows, schema=columns, orient="row")
