"""What a gold standard says about a circle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from consilience.agreement import Coefficient
from consilience.evaluation.calibration import Calibration
from consilience.evaluation.costs import by_provider, priced
from consilience.evaluation.lift import Lift
from consilience.evaluation.marks import Marks
from consilience.evaluation.methods import MAJORITY
from consilience.evaluation.shared import matrix
from consilience.evaluation.subcircle import SubCircle, best_sub_circle
from consilience.evaluation.votes import EffectiveVotes
from consilience.markup.displayed import Displayed
from consilience.markup.plain import plain

if TYPE_CHECKING:
    import polars as pl

_NOISE = 0.0005


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CircleReport(Displayed):
    """What a gold standard says about a circle.

    Parameters
    ----------
    accuracy
        A row a member, a method and the baseline of always giving the most frequent label, best first: ``who``,
        ``kind`` (member, circle, baseline), ``answered``, ``right``, ``tasks``, ``accuracy``, ``low``, ``high``
        (Wilson, 95 %). A missing answer, a tie and no majority count as not right.
    lifts
        Method to its lift over the best member; empty for a circle of one.
    agreement
        Krippendorff's alpha over the same answers.
    ties, undecided
        Tasks on which the circle tied, and on which it reached no strict majority for other reasons.
    votes
        How many independent votes the members are worth; ``None`` for a circle of one.
    shared_errors
        A row a pair of members: ``first``, ``second``, ``tasks`` that both answered, ``double_fault``, ``expected`` (by
        independent errors), ``q``, ``correlation``.
    calibration
        Of members who state a confidence and of the methods; ``None`` when no member does.
    costs
        What members and circle cost, with the unknown part; ``None`` without costs.
    providers
        What each provider was paid, with the unknown part; ``None`` without the column ``provider``.
    notes
        What limits the figures.
    marks, seed
        Answers beside gold, and the seed of the folds, for `best_sub_circle`.
    """

    accuracy: pl.DataFrame
    lifts: dict[str, Lift]
    agreement: Coefficient
    ties: int
    undecided: int
    votes: EffectiveVotes | None
    shared_errors: pl.DataFrame
    calibration: Calibration | None
    costs: pl.DataFrame | None
    providers: pl.DataFrame | None = None
    notes: tuple[str, ...]
    marks: Marks = field(repr=False)
    seed: int = field(repr=False)

    @property
    def lift(self) -> Lift | None:
        """Lift of the strict majority over the best member; ``None`` for a circle of one."""
        return self.lifts.get(MAJORITY)

    @property
    def finding(self) -> str:
        """What the figures support, in a sentence or two."""
        if self.lift is None:
            return "One expert is no circle: there is nothing to compare."
        circle = self.accuracy.row(by_predicate=_is("circle", f"circle, {MAJORITY}"), named=True)
        best = self.accuracy.row(by_predicate=_is("member", self.lift.best), named=True)
        said = (
            f"The circle was right on {circle['right']} of {circle['tasks']} tasks, its best member "
            f"{plain(self.lift.best, 80)} on {best['right']}."
        )
        return f"{said} {_reading(self.lift)}"

    def best_sub_circle(self, max_cost: float | None = None) -> SubCircle:
        """Return the members whose strict majority is right most often, by trying every sub-circle.

        Parameters
        ----------
        max_cost
            US dollars a task; no limit by default. With a limit, members whose cost is not known are left out, and
            named.

        Raises
        ------
        InvalidInput
            There are more than 12 members, or nobody can be had within the limit.

        Notes
        -----
        The accuracy is cross-validated, since the best of thousands of sub-circles on the tasks that chose it is lucky
        too.

        Examples
        --------
        >>> from consilience.evaluation import evaluate
        >>> frame = {"task": [1, 1, 2, 2], "expert": list("abab"), "label": list("xyxx")}
        >>> evaluate(frame, {"task": [1, 2], "label": ["x", "x"]}).best_sub_circle().experts
        ('a',)
        """
        return best_sub_circle(self.marks, max_cost, self.seed)

    def double_fault(self) -> pl.DataFrame:
        """Return the share of tasks on which both members of a pair were wrong; on the diagonal, each alone."""
        wrong = (self.marks.answered & ~self.marks.right).sum(axis=0)
        answered = self.marks.answered.sum(axis=0)
        alone = [float(w / n) if n else None for w, n in zip(wrong, answered, strict=True)]
        return matrix(self.shared_errors, "double_fault", self.marks.members, alone)

    def q_statistic(self) -> pl.DataFrame:
        """Return Yule's Q of the errors of each pair: 0 where they err independently, null where it is undefined."""
        return matrix(self.shared_errors, "q", self.marks.members, [None] * len(self.marks.members))

    def explain(self) -> str:
        """Say in plain text what was found, how sure it is, and what limits it."""
        lines = [self.finding, *self._selection(), *self._worth()]
        lines += [self.agreement.explain()]
        lines += [self._others()] if len(self.lifts) > 1 else []
        lines += [self._price()] if self.costs is not None else []
        lines += [plain(by_provider(self.providers), 2_000)] if self.providers is not None else []
        return "\n".join([*lines, *self.notes])

    def _selection(self) -> list[str]:
        if self.lift is None or self.lift.optimism < _NOISE:
            return []
        said = f"The lift counts {self.lift.plain:+.3f} on these tasks; {self.lift.optimism:.3f} is added because"
        return [f"{said} the best member was chosen on the same tasks."]

    def _worth(self) -> list[str]:
        if self.votes is None:
            return []
        circle = self.accuracy.row(by_predicate=_is("circle", f"circle, {MAJORITY}"), named=True)
        if_apart = f"{self.votes.independent_accuracy:.3f}; it is on {circle['accuracy']:.3f}"
        said = f"With independent errors a majority of these members would be right on {if_apart}."
        return [self.votes.explain(), said]

    def _others(self) -> str:
        rest = "; ".join(f"{name} {lift}" for name, lift in self.lifts.items() if name != MAJORITY)
        return (
            f"Lift of other methods: {rest}. The best of several methods is flattered as the best member is."
        )

    def _price(self) -> str:
        assert self.costs is not None
        row = self.costs.row(by_predicate=_is("circle", f"circle, {MAJORITY}"), named=True)
        return f"Cost of the circle: {priced(row)}."

    def to_polars(self) -> pl.DataFrame:
        """Return `accuracy`."""
        return self.accuracy

    def __repr__(self) -> str:
        return f"<CircleReport: {self.finding}>"

    def __str__(self) -> str:
        return self.explain()

    def _repr_html_(self) -> str:
        from consilience.evaluation.card import card

        return card(self)


def _is(kind: str, who: str) -> pl.Expr:
    import polars as pl

    return (pl.col("kind") == kind) & (pl.col("who") == who)


def _reading(lift: Lift) -> str:
    if lift.low > 0:
        return f"It beats every member: lift {lift}."
    if lift.high < 0:
        return f"It does worse than its best member: lift {lift}. Ask that one alone."
    better = "does not beat" if lift.plain <= 0 else "is ahead of"
    return f"It {better} that member here: lift {lift}, so no difference is shown."
