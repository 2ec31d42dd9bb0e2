"""Answers that say the same in clusters, and what their sizes tell: self-consistency, semantic entropy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.aggregate.text.answers import Answers, TaskAnswers, read_answers
from consilience.aggregate.text.baseline import entropy, grouped, unrelated_texts
from consilience.aggregate.text.result import TextAggregation
from consilience.contradiction import Claims
from consilience.equivalence import Comparison, Equivalence, Lexical
from consilience.frames import Frame

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Cluster", "clustered", "clusters_frame", "self_consistency", "semantic_entropy", "text_clusters"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Answers of one task that say the same: the wording most experts chose, and everyone behind it."""

    row: int
    experts: tuple[object, ...]

    @property
    def votes(self) -> int:
        """How many experts."""
        return len(self.experts)


def text_clusters(frame: Frame, *, equivalence: Equivalence | None = None) -> TextAggregation:
    """Answers to each task in clusters that say the same.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert`` and ``text`` (or ``label``). A null is an expert who was asked and gave no
        answer.
    equivalence
        `consilience.equivalence.Lexical` by default, which goes by content words and understands nothing; or
        `Embeddings`, `Judge`, `Entailment`, or one of your own. Whichever it is, a negated sentence or another number
        is another answer.

    Returns
    -------
    TextAggregation
        Independent of the order of rows and experts; `TextAggregation.clusters` holds the clusters.

    Raises
    ------
    InvalidFrame
        A column is missing or holds no text, a text has no words, or an expert answered a task twice.

    Examples
    --------
    >>> frame = {
    ...     "task": [1] * 3,
    ...     "expert": list("abc"),
    ...     "text": ["Use 4 shards.", "use four shards", "Use 5 shards"],
    ... }
    >>> text_clusters(frame).clusters.select("text", "votes").rows()
    [('Use 4 shards.', 2), ('Use 5 shards', 1)]
    """
    chosen = equivalence or Lexical()
    answers = read_answers(frame)
    found = clustered(answers, *answers.compared(chosen))
    return TextAggregation(
        answers=_frame(answers, found, {}),
        clusters=clusters_frame(answers, found),
        method="clusters",
        equivalence=chosen.method,
    )


def self_consistency(
    frame: Frame, *, equivalence: Equivalence | None = None, unrelated: Sequence[str] | None = None
) -> TextAggregation:
    """Answer of the largest cluster of each task, and its share of the answers.

    Parameters
    ----------
    frame, equivalence
        As in `text_clusters`. Several samples of one model are experts with names of their own.
    unrelated
        Texts that have nothing to do with each other. By default one answer each of up to 24 tasks; none for ``[]``,
        which saves a judge's calls.

    Returns
    -------
    TextAggregation
        `answers` holds ``answer`` (null for a tie), ``votes``, ``share`` of those who answered, ``unrelated`` (the
        share that as many unrelated texts give), and ``decision``: ``majority`` of the asked, ``plurality``, ``tie``
        or ``no answer``.

    Raises
    ------
    InvalidFrame
        As in `text_clusters`.
    InvalidInput
        ``unrelated`` is not a list of texts, or of just one.

    Notes
    -----
    X. Wang et al., *Self-consistency improves chain of thought reasoning in language models*, ICLR 2023.

    Examples
    --------
    >>> said = ["Shard it.", "shard it", "Do not shard it", "Wait", "Wait."]
    >>> frame = {"task": [1, 1, 1, 2, 2], "expert": list("abcab"), "text": said}
    >>> self_consistency(frame).answers.select("answer", "votes", "decision").rows()
    [('Shard it.', 2, 'majority'), ('Wait', 2, 'majority')]
    """
    chosen = equivalence or Lexical()
    answers = read_answers(frame)
    found = clustered(answers, *answers.compared(chosen))
    beside, note = unrelated_texts(answers, chosen, unrelated, similarities=False)
    decisions = [_decision(task, clusters) for task, clusters in zip(answers.tasks, found, strict=True)]
    said = [
        answers.texts[clusters[0].row] if decision in ("majority", "plurality") else None
        for decision, clusters in zip(decisions, found, strict=True)
    ]
    votes = [clusters[0].votes if clusters else 0 for clusters in found]
    columns: dict[str, list[object]] = {
        "answer": list(said),
        "votes": list(votes),
        "share": [n / task.answered if n else None for n, task in zip(votes, answers.tasks, strict=True)],
        "unrelated": _per_size(answers, beside.leading),
        "decision": list(decisions),
    }
    return TextAggregation(
        answers=_frame(answers, found, columns),
        clusters=clusters_frame(answers, found),
        method="self-consistency",
        equivalence=chosen.method,
        note=note,
    )


def semantic_entropy(
    frame: Frame, *, equivalence: Equivalence | None = None, unrelated: Sequence[str] | None = None
) -> TextAggregation:
    """Entropy of the answers over what they say: how uncertain the experts are together.

    Parameters
    ----------
    frame, equivalence, unrelated
        As in `self_consistency`. The measure is what its equivalence is: by words it counts every paraphrase as a
        disagreement, and only `Entailment` makes it the measure of the paper.

    Returns
    -------
    TextAggregation
        `answers` holds ``entropy`` in nats (0 when all say the same), ``unrelated`` (the mean entropy of as many
        unrelated texts) and ``highest`` (the logarithm of the number of answers, when no two say the same). Null where
        nobody answered.

    Raises
    ------
    InvalidFrame
        As in `text_clusters`.
    InvalidInput
        As in `self_consistency`.

    Notes
    -----
    The discrete form, from the sizes of the clusters: S. Farquhar, J. Kossen, L. Kuhn, Y. Gal, *Nature* 630 (2024),
    625-630; L. Kuhn, Y. Gal, S. Farquhar, ICLR 2023.

    Examples
    --------
    >>> said = ["Shard it.", "Do not shard it", "Wait", "Wait."]
    >>> frame = {"task": [1, 1, 2, 2], "expert": list("abab"), "text": said}
    >>> semantic_entropy(frame).answers.select("entropy", "unrelated").rows()
    [(0.6931471805599453, 0.6931471805599453), (0.0, 0.6931471805599453)]
    """
    chosen = equivalence or Lexical()
    answers = read_answers(frame)
    found = clustered(answers, *answers.compared(chosen))
    beside, note = unrelated_texts(answers, chosen, unrelated, similarities=False)
    columns: dict[str, list[object]] = {
        "entropy": [entropy([each.votes for each in clusters]) if clusters else None for clusters in found],
        "unrelated": _per_size(answers, beside.entropy),
        "highest": [math.log(task.answered) if task.answered else None for task in answers.tasks],
    }
    return TextAggregation(
        answers=_frame(answers, found, columns),
        clusters=clusters_frame(answers, found),
        method="semantic entropy",
        equivalence=chosen.method,
        note=note,
    )


def clustered(answers: Answers, claims: Claims, comparison: Comparison) -> list[list[Cluster]]:
    """Return the clusters of each task, most votes first."""
    found = []
    for task in answers.tasks:
        members: dict[int, list[int]] = {}
        for at, group in enumerate(grouped(claims, comparison, task.rows)):
            members.setdefault(group, []).append(at)
        found.append(sorted((_cluster(task, inside) for inside in members.values()), key=_by_votes))
    return found


def _cluster(task: TaskAnswers, inside: Sequence[int]) -> Cluster:
    if len(inside) == 1:
        return Cluster(task.rows[inside[0]], task.experts[inside[0]])
    chosen = min(inside, key=lambda at: (-len(task.experts[at]), task.rows[at]))
    # by the text of the name, since names of one column may be of a type that has no order
    return Cluster(
        task.rows[chosen], tuple(sorted([who for at in inside for who in task.experts[at]], key=str))
    )


def _by_votes(cluster: Cluster) -> tuple[int, int]:
    return -cluster.votes, cluster.row


def _decision(task: TaskAnswers, clusters: Sequence[Cluster]) -> str:
    if not clusters:
        return "no answer"
    if len(clusters) > 1 and clusters[1].votes == clusters[0].votes:
        return "tie"
    return "majority" if 2 * clusters[0].votes > task.asked else "plurality"


def _per_size(answers: Answers, value: Callable[[int], float | None]) -> list[object]:
    known = {n: value(n) for n in {task.answered for task in answers.tasks}}
    return [known[task.answered] for task in answers.tasks]


_TYPES = {"answer": "String", "votes": "Int64", "decision": "String"}


def _frame(
    answers: Answers, found: Sequence[Sequence[Cluster]], columns: dict[str, list[object]]
) -> pl.DataFrame:
    import polars as pl

    counts = {
        "clusters": [len(clusters) for clusters in found],
        "answered": [task.answered for task in answers.tasks],
        "asked": [task.asked for task in answers.tasks],
    }
    return pl.DataFrame(
        [
            answers.task_column,
            *(
                pl.Series(name, each, getattr(pl, _TYPES.get(name, "Float64")))
                for name, each in columns.items()
            ),
            *(pl.Series(name, each, pl.Int64) for name, each in counts.items()),
        ]
    )


def clusters_frame(answers: Answers, found: Sequence[Sequence[Cluster]]) -> pl.DataFrame:
    """Return a row a task and cluster, as `TextAggregation.clusters` says."""
    import numpy as np
    import polars as pl

    task = np.repeat(np.arange(len(found)), [len(clusters) for clusters in found])
    flat = [cluster for clusters in found for cluster in clusters]
    return pl.DataFrame(
        [
            answers.task_column.gather(task),
            pl.Series("cluster", [n for clusters in found for n in range(len(clusters))], pl.Int64),
            pl.Series("text", [answers.texts[cluster.row] for cluster in flat], pl.String),
            pl.Series("votes", [cluster.votes for cluster in flat], pl.Int64),
            _experts(flat, answers.expert_type),
        ]
    )


def _experts(clusters: Sequence[Cluster], kind: pl.DataType) -> pl.Series:
    """Return the lists of experts, made of one column: list by list would take longer than all the rest."""
    import numpy as np
    import polars as pl

    names = pl.Series("experts", [who for cluster in clusters for who in cluster.experts], kind)
    number = np.repeat(np.arange(len(clusters)), [cluster.votes for cluster in clusters])
    return (
        names.to_frame().group_by(pl.Series("cluster", number), maintain_order=True).agg("experts")["experts"]
    )
