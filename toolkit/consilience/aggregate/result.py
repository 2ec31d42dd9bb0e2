"""The result that every aggregation method returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput
from consilience.markup.displayed import FrameDisplayed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """What a model says beyond the answers; kept as arrays, since the frames are larger than the answers they explain.

    Parameters
    ----------
    tasks, experts, labels
        The names of the rows and columns below.
    posterior
        Shape ``(n_tasks, n_labels)``; nan where nobody answered.
    confusion
        Shape ``(n_experts, n_labels, n_labels)``, given label by true label, or None.
    doubt
        Shape ``(n_experts,)``: variance of the number of right answers that the posterior leaves.
    """

    tasks: pl.Series
    experts: pl.Series
    labels: pl.Series
    posterior: Array
    confusion: Array | None
    doubt: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aggregation(FrameDisplayed):
    """One answer a task, with what supports it.

    Parameters
    ----------
    answers
        A row a task in order of first appearance: ``task``, ``answer`` (null where there is none), ``votes`` for
        the leading answer, ``answered`` and ``asked`` experts, ``decision`` (``majority``, ``plurality``, ``tie``,
        ``no majority``, ``no answer``). Models decide ``most probable`` or ``gold`` instead of by majority, and add
        ``probability`` and ``plurality``, the answer that most experts gave, so that the votes stand beside the model;
        weighted votes add ``support`` and ``plurality``; GLAD adds ``difficulty``.
    ties
        A row a task and label that lead together: ``task``, ``label``, ``votes`` or ``probability``.
    method
        The method's name.
    skills
        A row an expert: ``expert``, ``answered`` tasks, ``skill`` (the mean probability that their labels are right)
        and the parameters of the model; ``weight`` for weighted votes; null for votes.
    log_likelihood
        Of the answers under the model, in nats, without constants; null for votes.
    iterations, converged
        Rounds that were run, and whether the last one changed nothing beyond the tolerance; null for votes.
    estimates
        What `probabilities` and `confusion` are made from; null for votes.
    """

    answers: pl.DataFrame
    ties: pl.DataFrame
    method: str
    skills: pl.DataFrame | None = None
    log_likelihood: float | None = None
    iterations: int | None = None
    converged: bool | None = None
    estimates: Estimates | None = None

    @property
    def decided(self) -> int:
        """Tasks with an answer."""
        return len(self.answers) - self.answers["answer"].null_count()

    @property
    def overturned(self) -> int:
        """Tasks whose answer is another than the plurality of the experts gave; 0 for votes."""
        if "plurality" not in self.answers.columns:
            return 0
        return int((self.answers["answer"] != self.answers["plurality"]).sum())

    def skill_intervals(self, *, confidence: float = 0.95, draws: int = 4000, seed: int = 0) -> pl.DataFrame:
        """Return where each expert's skill lies: ``expert``, ``answered``, ``skill``, ``low``, ``high``.

        Parameters
        ----------
        confidence
            Posterior probability of the interval.
        draws
            From each expert's posterior; 4,000 keep the ends steady to about 0.002.
        seed
            Of the draws.

        Returns
        -------
        DataFrame
            From Jeffreys' prior, the answers, and what the model leaves open about which of them were right; the
            model's own parameters are taken as found, so with few answers a task the interval is too narrow.

        Raises
        ------
        InvalidInput
            The method has no model of the experts, or an option is out of its range.
        """
        from consilience.aggregate.skills import skill_intervals

        return skill_intervals(self, confidence, draws, seed)

    @property
    def probabilities(self) -> pl.DataFrame | None:
        """A row a task and label: ``task``, ``label``, ``probability``; null where nobody answered, None for votes.

        Made anew at each access.
        """
        import numpy as np
        import polars as pl

        if self.estimates is None:
            return None
        tasks, labels, posterior = self.estimates.tasks, self.estimates.labels, self.estimates.posterior
        return pl.DataFrame(
            {
                "task": tasks.gather(np.repeat(np.arange(len(tasks)), len(labels))),
                "label": labels.gather(np.tile(np.arange(len(labels)), len(tasks))),
                "probability": pl.Series(posterior.ravel(), nan_to_null=True),
            }
        )

    def confusion(self) -> pl.DataFrame:
        """Return what each expert says when something is true: ``expert``, ``truth``, ``label``, ``probability``.

        The probability is null where an expert never met the truth and no smoothing says something in its place.

        Raises
        ------
        InvalidInput
            The method was another than Dawid and Skene's.
        """
        import numpy as np
        import polars as pl

        if self.estimates is None or self.estimates.confusion is None:
            raise InvalidInput(f"Only dawid_skene estimates confusion, {self.method} came: run dawid_skene.")
        experts, labels = self.estimates.experts, self.estimates.labels
        by_truth = self.estimates.confusion.swapaxes(1, 2)
        known = by_truth.sum(axis=2, keepdims=True) > 0
        expert, truth, label = np.indices(by_truth.shape).reshape(3, -1)
        return pl.DataFrame(
            {
                "expert": experts.gather(expert),
                "truth": labels.gather(truth),
                "label": labels.gather(label),
                "probability": pl.Series(np.where(known, by_truth, np.nan).ravel(), nan_to_null=True),
            }
        )

    def __repr__(self) -> str:
        said = (
            f"<Aggregation by {self.method}: {self.decided:,} of {len(self.answers):,} tasks decided, "
            f"{self.ties['task'].n_unique():,} tied"
        )
        if self.overturned:
            said += f", {self.overturned:,} against the plurality"
        if self.converged is None:
            return f"{said}>"
        if self.converged:
            return f"{said}, converged in {self.iterations} iterations>"
        return f"{said}, NOT converged in {self.iterations} iterations: raise max_iterations>"

    def to_polars(self) -> pl.DataFrame:
        """Return `answers`."""
        return self.answers
