"""What `aggregation.py` compares with: the peers' calls, and how far results agree. Run by itself it does nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl


def numpy_dawid_skene(task: Any, expert: Any, label: Any, rounds: int) -> float:
    """Return the log likelihood after rounds of plain EM, vectorised over rows sorted by task."""
    order = np.argsort(task, kind="stable")
    task, cell = task[order], expert[order].astype(np.int64) * (int(label.max()) + 1) + label[order]
    n_tasks, n_experts, n_labels = int(task[-1]) + 1, int(expert.max()) + 1, int(label.max()) + 1
    starts = np.searchsorted(task, np.arange(n_tasks))
    votes = np.bincount(task.astype(np.int64) * n_labels + label[order], minlength=n_tasks * n_labels)
    posterior = votes.reshape(n_tasks, n_labels) / np.bincount(task)[:, None]
    log_likelihood = 0.0
    for _ in range(rounds):
        rows = posterior[task]
        counts = np.stack(
            [np.bincount(cell, rows[:, k], minlength=n_experts * n_labels) for k in range(n_labels)], axis=1
        )
        confusion = counts.reshape(n_experts, n_labels, n_labels)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(confusion / confusion.sum(axis=1, keepdims=True)).reshape(-1, n_labels)
            joint = np.log(posterior.mean(axis=0)) + np.add.reduceat(logs[cell], starts)
        best = joint.max(axis=1, keepdims=True)
        posterior = np.exp(joint - best)
        total = posterior.sum(axis=1, keepdims=True)
        posterior /= total
        log_likelihood = float((best + np.log(total)).sum())
    return log_likelihood


def polars_majority(frame: pl.DataFrame) -> pl.DataFrame:
    """Return winner, votes, leaders and answers of each task, by grouping."""
    counts = frame.lazy().group_by("task", "label").agg(pl.len().alias("votes"))
    best = pl.col("votes").max()
    return (
        counts.group_by("task")
        .agg(
            pl.col("label").filter(pl.col("votes") == best).min().alias("leader"),
            best.alias("most"),
            (pl.col("votes") == best).sum().alias("leaders"),
            pl.col("votes").sum().alias("answered"),
        )
        .collect()
    )


def crowdkit_dawid_skene(frame: Any, rounds: int) -> Any:
    from crowdkit.aggregation import DawidSkene

    return DawidSkene(n_iter=rounds, tol=-1).fit(frame).probas_


def crowdkit_one_coin(frame: Any, rounds: int) -> Any:
    from crowdkit.aggregation import OneCoinDawidSkene

    return OneCoinDawidSkene(n_iter=rounds, tol=-1).fit(frame).probas_


def crowdkit_glad(frame: Any) -> Any:
    from crowdkit.aggregation import GLAD

    return GLAD().fit(frame).probas_


def crowdkit_mace(frame: Any, rounds: int) -> Any:
    from crowdkit.aggregation import MACE

    return MACE(n_restarts=1, n_iter=rounds).fit(frame).probas_


def _scattered(frame: pl.DataFrame) -> Any:
    task, expert = frame["task"].to_numpy(), frame["expert"].to_numpy()
    matrix = np.full((expert.max() + 1, task.max() + 1), np.nan)
    matrix[expert, task] = frame["label"].to_numpy()
    return matrix


def krippendorff(frame: pl.DataFrame, level: str) -> float:
    """Return alpha from a long frame, whose matrix is made by indexing, the quickest way."""
    import krippendorff as package

    return float(package.alpha(_scattered(frame), level_of_measurement=level))


_given: dict[int, Any] = {}


def krippendorff_of(frame: pl.DataFrame) -> float:
    """Return nominal alpha of a matrix that was made before the clock ran, but for the first call."""
    import krippendorff as package

    if id(frame) not in _given:
        _given.clear()
        _given[id(frame)] = _scattered(frame)
    return float(package.alpha(_given[id(frame)], level_of_measurement="nominal"))


def numbers_agree(ours: float, theirs: float) -> str:
    return f"differ by {abs(ours - theirs):.1e}"


def _both(ours: Any, theirs: Any) -> tuple[Any, Any]:
    """Return both posteriors with tasks and labels in one order."""
    estimates = ours.estimates
    names = estimates.tasks.to_list()
    return estimates.posterior, theirs.loc[names, estimates.labels.to_list()].to_numpy()


def posteriors_agree(ours: Any, theirs: Any) -> str:
    first, second = _both(ours, theirs)
    return f"posteriors differ by {np.abs(first - second).max():.1e}"


def answers_agree(ours: Any, theirs: Any) -> str:
    first, second = _both(ours, theirs)
    same = (first.argmax(axis=1) == second.argmax(axis=1)).mean()
    return f"{same:.2%} of answers are the same, {ours.iterations} rounds of ours"


def majorities_agree(ours: pl.DataFrame, theirs: pl.DataFrame) -> str:
    both = ours.join(theirs, on="task")
    same = both.filter(
        pl.col("votes") == pl.col("most"),
        pl.when(pl.col("leaders") > 1)
        .then(pl.col("answer").is_null())
        .otherwise(pl.col("answer") == pl.col("leader")),
    )
    return f"{len(same) / len(ours):.2%} of tasks are the same"
