"""From what a kernel found to the result that a notebook shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.aggregate.result import Aggregation, Estimates

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.aggregate.ballots import Ballots
    from consilience.kernels import Fit

    Array = np.ndarray[Any, np.dtype[np.float64]]

#: Labels whose probabilities differ by no more than this lead together.
TIE = 1e-9


def aggregation(ballots: Ballots, fit: Fit, method: str, ability: str = "") -> Aggregation:
    """Return a fit as an aggregation, tasks in order of first appearance.

    Parameters
    ----------
    ballots, fit
        What went into the kernel and what came out.
    method
        The method's name.
    ability
        The name under which the experts' ability stands among the skills; left out when empty.
    """
    import numpy as np

    order = ballots.appearance
    answered = ballots.answers.answered[order]
    posterior = np.where(answered[:, None] > 0, fit.posterior[order], np.nan)
    tasks = ballots.tasks.gather(order)
    leads = _leads(posterior)
    return Aggregation(
        answers=_answers(ballots, fit, tasks, posterior, leads),
        ties=_ties(tasks, ballots.labels, posterior, leads),
        method=method,
        skills=_skills(ballots, fit, ability),
        log_likelihood=fit.log_likelihood,
        iterations=fit.iterations,
        converged=fit.converged,
        estimates=Estimates(
            tasks, ballots.experts, ballots.labels, posterior, fit.confusion, _doubt(ballots, fit)
        ),
    )


def _leads(posterior: Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which labels lead each task; none where nobody answered."""
    import numpy as np

    if not posterior.size:
        return np.zeros(posterior.shape, dtype=np.bool_)
    leads: np.ndarray[Any, np.dtype[np.bool_]] = posterior >= posterior.max(axis=1, keepdims=True) - TIE
    return leads


def _answers(
    ballots: Ballots, fit: Fit, tasks: pl.Series, posterior: Array, leads: np.ndarray[Any, np.dtype[np.bool_]]
) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    order = ballots.appearance
    leaders = leads.sum(axis=1)
    # the first of the leaders, so that the codes alone decide where a tie is not named
    winner = leads.argmax(axis=1) if len(ballots.labels) else np.zeros(len(tasks), dtype=np.int64)
    decision = np.select([leaders == 0, ballots.gold[order] >= 0, leaders > 1], [0, 1, 2], 3)
    names = pl.Series(["no answer", "gold", "tie", "most probable"])
    padded = ballots.labels.extend_constant(None, 1)  # the last place is for tasks without an answer
    decided = np.where(leaders == 1, winner, len(ballots.labels))
    probability = posterior[np.arange(len(tasks)), winner] if posterior.size else np.full(len(tasks), np.nan)
    columns = {
        "task": tasks,
        "answer": padded.gather(decided),
        "probability": pl.Series(probability, nan_to_null=True),
        "votes": _votes(ballots, np.where(leaders > 0, winner, -1)),
        "answered": ballots.answers.answered[order].astype(np.int32),
        "asked": ballots.answers.asked[order],
        "decision": names.gather(decision),
        "plurality": _plurality(ballots, padded),
    }
    if fit.ease is not None:
        columns["difficulty"] = pl.Series(1 / fit.ease[order])
    return pl.DataFrame(columns)


def _plurality(ballots: Ballots, padded: pl.Series) -> pl.Series:
    """Return the label that most experts gave to each task, in order of appearance, null for ties and silence."""
    import numpy as np

    from consilience import kernels

    answers, n_labels = ballots.answers, len(ballots.labels)
    task = np.repeat(np.arange(answers.n_tasks, dtype=np.int32), answers.answered)
    votes = kernels.majority(task, answers.label, answers.n_tasks, n_labels)
    alone = ~np.asarray(votes.tied, dtype=np.bool_) & (votes.answers > 0)
    return padded.gather(np.where(alone, votes.winner, n_labels)[ballots.appearance])


def _doubt(ballots: Ballots, fit: Fit) -> Array:
    """Return for each expert the variance of the number of right answers, given what the model says of the tasks."""
    import numpy as np

    answers = ballots.answers
    doubt = np.zeros(len(ballots.experts))
    step = 1 << 22  # in parts, since bincount keeps the GIL
    task = np.repeat(np.arange(answers.n_tasks, dtype=np.int32), answers.answered)
    for low in range(0, answers.expert.size, step):
        part = slice(low, low + step)
        right = fit.posterior[task[part], answers.label[part]]
        doubt += np.bincount(answers.expert[part], right * (1 - right), minlength=doubt.size)
    return doubt


def _votes(
    ballots: Ballots, winner: np.ndarray[Any, np.dtype[np.int64]]
) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return how many answers of each task, in order of appearance, are its winner."""
    import numpy as np

    by_code = np.empty_like(winner)
    by_code[ballots.appearance] = winner
    answers = ballots.answers
    agrees = answers.label == np.repeat(by_code, answers.answered)
    so_far = np.concatenate([[0], np.cumsum(agrees)])
    votes = (so_far[answers.start[1:]] - so_far[answers.start[:-1]]).astype(np.int32)
    in_order: np.ndarray[Any, np.dtype[np.int32]] = votes[ballots.appearance]
    return in_order


def _ties(
    tasks: pl.Series, labels: pl.Series, posterior: Array, leads: np.ndarray[Any, np.dtype[np.bool_]]
) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    tied = np.flatnonzero(leads.sum(axis=1) > 1)
    row, label = np.nonzero(leads[tied])
    task = tied[row]
    columns = {
        "task": tasks.gather(task),
        "label": labels.gather(label),
        "probability": pl.Series(posterior[task, label], dtype=pl.Float64),
    }
    ties = pl.DataFrame(columns)
    return ties.sort("task", "label") if tied.size else ties


def _skills(ballots: Ballots, fit: Fit, ability: str) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    answered = np.zeros(len(ballots.experts), dtype=np.int64)
    for low in range(0, ballots.answers.expert.size, 1 << 22):  # in parts, since bincount keeps the GIL
        answered += np.bincount(ballots.answers.expert[low : low + (1 << 22)], minlength=answered.size)
    columns = {
        "expert": ballots.experts,
        "answered": pl.Series(answered),
        "skill": pl.Series(fit.skill, nan_to_null=True),
    }
    if ability and fit.ability is not None:
        columns[ability] = pl.Series(fit.ability)
    return pl.DataFrame(columns)
