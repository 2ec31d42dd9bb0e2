"""What answers say about a circle where nobody knows which of them are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.aggregate import dawid_skene, majority
from consilience.agreement import Coefficient, krippendorff_alpha
from consilience.evaluation.costs import by_provider, cost_by_provider, provider_table
from consilience.markup.displayed import Displayed

if TYPE_CHECKING:
    import polars as pl

_CANNOT = (
    "Not said, since it takes known answers: who is right how often, whether the circle beats its best member, how "
    "many independent votes it is worth, whether confidence comes true."
)
_NEXT = (
    "Label a few dozen tasks by hand, drawn at random (the disputed ones alone would make everybody look worse), and "
    "give them as gold."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnverifiedReport(Displayed):
    """What can be said about a circle without known answers, and what cannot.

    Parameters
    ----------
    agreement
        Krippendorff's alpha. Experts who learned from the same source can agree and be wrong together.
    skills
        A row an expert: ``expert``, ``answered``, ``skill``: the accuracy that Dawid and Skene's model infers from the
        answers alone. It rests on the assumption that experts err independently once the truth is given; where they
        share errors it takes their company for competence.
    decided, ties, undecided
        Tasks with a strict majority, tied, and without a majority for other reasons.
    differ
        Tasks on which majority and model both answer, and differ.
    converged
        Whether the model's fit did.
    providers
        What each provider was paid, with the unknown part; ``None`` without the columns ``provider`` and ``cost_usd``.
    """

    agreement: Coefficient
    skills: pl.DataFrame
    decided: int
    ties: int
    undecided: int
    differ: int
    converged: bool
    providers: pl.DataFrame | None = None

    @property
    def finding(self) -> str:
        """What the answers support, in a sentence or two."""
        tasks = self.decided + self.ties + self.undecided
        return (
            f"More than half of those asked agree on {self.decided} of {tasks} tasks. Without known answers that says "
            "nothing about who is right, nor whether the circle helped."
        )

    def explain(self) -> str:
        """Say what the answers show, what only a model says, what cannot be said, and what to do."""
        from consilience.markup import plain

        skills = ", ".join(
            f"{plain(name, 80)} {'unknown' if skill is None else format(skill, '.2f')}"
            for name, skill in self.skills.select("expert", "skill").iter_rows()
        )
        model = (
            f"Accuracy by Dawid and Skene's model, if experts erred independently: {skills}. It differs from the "
            f"majority on {self.differ} tasks."
        )
        if not self.converged:
            model += " The fit did not converge."
        paid = [] if self.providers is None else [plain(by_provider(self.providers), 2_000)]
        return "\n".join([self.finding, self.agreement.explain(), model, *paid, _CANNOT, _NEXT])

    def to_polars(self) -> pl.DataFrame:
        """Return `skills`."""
        return self.skills

    def __repr__(self) -> str:
        return f"<UnverifiedReport: {self.finding}>"

    def __str__(self) -> str:
        return self.explain()

    def _repr_html_(self) -> str:
        from consilience.markup import Html, escape, expert_mark, page, table

        rows = [
            (expert_mark(name), answered, skill)
            for name, answered, skill in self.skills.select("expert", "answered", "skill").iter_rows()
        ]
        columns = ("expert", "answered", "accuracy by the model, if errors were independent")
        body = (
            f"<div class=cs-a>{escape(self.finding)}</div>{table(columns, rows, numeric=columns[1:])}"
            f"{'' if self.providers is None else provider_table(self.providers)}"
            f"<div class=cs-row>{escape(_CANNOT)}</div><div class=cs-row>{escape(_NEXT)}</div>"
            f"<div class=cs-foot>{escape(self.agreement.explain())}</div>"
        )
        return page(Html(f"<div class=cs-card>{body}</div>"))


def unverified(table: pl.DataFrame, draws: int, seed: int) -> UnverifiedReport:
    """Return what the answers say without gold."""
    import polars as pl

    voted, model = majority(table), dawid_skene(table)
    assert model.skills is not None
    both = voted.answers.select("task", "answer").join(
        model.answers.select("task", pl.col("answer").alias("model")), on="task"
    )
    decisions = voted.answers["decision"]
    decided = int((decisions == "majority").sum())
    ties = int((decisions == "tie").sum())
    return UnverifiedReport(
        agreement=krippendorff_alpha(table, draws=draws, seed=seed),
        skills=model.skills.select("expert", "answered", "skill").sort(
            "skill", "expert", descending=[True, False], nulls_last=True
        ),
        decided=decided,
        ties=ties,
        undecided=len(decisions) - decided - ties,
        differ=int((both["answer"] != both["model"]).sum()),
        converged=bool(model.converged),
        providers=cost_by_provider(table),
    )
