"""What known scores say about a circle that gives scores, and what can be said without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from consilience.aggregate.numeric.calibration import BiasAndScale, bias_and_scale
from consilience.aggregate.numeric.scores import Scores, read_scores, read_truth
from consilience.agreement import Coefficient, krippendorff_alpha
from consilience.errors import InvalidFrame
from consilience.evaluation.costs import by_provider, cost_by_provider, provider_table
from consilience.evaluation.distances import Distances, distances
from consilience.evaluation.lift import Lift
from consilience.frames import Frame, to_polars
from consilience.markup.displayed import Displayed
from consilience.markup.plain import plain
from consilience.models.given import count

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.markup import Html

    Array = np.ndarray[Any, np.dtype[np.float64]]

MEDIAN = "median"
_CANNOT = (
    "Not said, since it takes known scores: who is closest to the truth, and whether the circle is closer than its "
    "best member. A bias that all experts share does not show."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreReport(Displayed):
    """What is known of a circle whose answers are scores.

    Parameters
    ----------
    errors
        A row a member, a method and the baseline of always giving the median of the known scores, the closest first:
        ``who``, ``kind`` (member, circle, baseline), ``answered`` of the ``tasks`` with a known score and an answer,
        ``error`` (mean absolute difference from the known score, over the tasks that were answered) with ``low`` and
        ``high`` (95 %, by bootstrap). ``None`` without known scores.
    lifts
        Method to how much smaller its error is than the best member's, in units of the score, on the tasks that this
        member answered; corrected for the luck of the member that came out best, as `Lift` says. Empty without known
        scores, and for a circle of one.
    bias
        How far each expert's scores lie from the known ones, or without them from those of the other experts.
    agreement
        Krippendorff's alpha, by squared differences. Experts who learned from the same source can agree and be wrong
        together.
    n_tasks
        Tasks that somebody was asked.
    providers
        What each provider was paid, with the unknown part; ``None`` without the columns ``provider`` and ``cost_usd``.
    """

    errors: pl.DataFrame | None
    lifts: Mapping[str, Lift] = field(default_factory=dict)
    bias: BiasAndScale
    agreement: Coefficient
    n_tasks: int
    providers: pl.DataFrame | None = None

    @property
    def lift(self) -> Lift | None:
        """Lift of the median over the best member; ``None`` without known scores, and for a circle of one."""
        return self.lifts.get(MEDIAN)

    @property
    def finding(self) -> str:
        """What the figures support, in a sentence or two."""
        if self.errors is None:
            n = self.bias.experts.height
            return (
                f"{n} expert{'s' * (n != 1)} scored {self.n_tasks:,} tasks. Without known scores that says nothing "
                "about who is closest to them, nor whether the circle helped."
            )
        if self.lift is None:
            return "One expert is no circle: there is nothing to compare."
        error = dict(self.errors.select("who", "error").iter_rows())
        best = self.lift.best
        return (
            f"On average the circle's median is {_said(error[_circle(MEDIAN)])} off, its best member "
            f"{plain(best, 80)} {_said(error[best])}, over {self.errors['tasks'][0]:,} tasks. {_reading(self.lift)}"
        )

    def explain(self) -> str:
        """Say in plain text what was found, how sure it is, and what cannot be said."""
        lines = [self.finding, self.agreement.explain(), *self._biased()]
        if len(self.lifts) > 1:
            rest = "; ".join(f"{name} {lift}" for name, lift in self.lifts.items() if name != MEDIAN)
            lines.append(f"Lift of other methods: {rest}.")
        if self.providers is not None:
            lines.append(plain(by_provider(self.providers), 2_000))
        return "\n".join([*lines, *([_CANNOT] if self.errors is None else [])])

    def _biased(self) -> list[str]:
        beside = "the known scores" if self.errors is not None else "the other experts"
        found = [
            f"{plain(row['expert'], 80)} by {row['bias']:+.3g} [{row['bias_low']:+.3g}, {row['bias_high']:+.3g}]"
            for row in self.bias.experts.iter_rows(named=True)
            if row["bias_low"] is not None and not row["bias_low"] <= 0 <= row["bias_high"]
        ]
        return [f"Scores beside {beside}: {'; '.join(found)}."] if found else []

    def to_polars(self) -> pl.DataFrame:
        """Return `errors`; without known scores the biases."""
        return self.bias.experts if self.errors is None else self.errors

    def __repr__(self) -> str:
        return f"<ScoreReport: {self.finding}>"

    def __str__(self) -> str:
        return self.explain()

    def _repr_html_(self) -> str:
        from consilience.markup import Html, details, escape, page

        biases = _biases(self.bias)
        parts = [
            f"<div class=cs-a>{escape(self.finding)}</div>",
            _errors(self.errors),
            biases if self.errors is None else details("Bias and scale of each expert", biases),
            "" if self.providers is None else provider_table(self.providers),
            f"<div class=cs-row>{escape(_CANNOT)}</div>" if self.errors is None else "",
            f"<div class=cs-foot>{escape(self.agreement.explain())}</div>",
        ]
        return page(Html(f"<div class=cs-card>{''.join(parts)}</div>"))


def evaluate_scores(
    frame: Frame, gold: Frame | None = None, *, draws: int = 1000, seed: int = 0
) -> ScoreReport:
    """Say whether a circle that gives scores helped: compare its median and mean with its members on known scores.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``score``; a null score is an expert who gave no answer. The columns
        ``cost_usd`` (of the answer) and ``provider`` (who is paid for it) add costs.
    gold
        Frame with ``task`` and ``score``: the known scores. Tasks without one count for the agreement alone. Without
        gold the report says how far the experts agree and differ from each other, and no word on who is right.
    draws
        Bootstrap draws over tasks; 1,000 keep the ends of an interval steady to a few hundredths of its width.
    seed
        Of the bootstrap, so that a report can be printed twice.

    Raises
    ------
    InvalidFrame
        A column is missing or holds what cannot be used, an expert answered a task twice, gold names a task twice or
        one that nobody was asked, or no task that somebody answered has gold.
    InvalidInput
        `draws` is below 1.

    Examples
    --------
    >>> frame = {"task": [1, 1, 2, 2], "expert": list("abab"), "score": [1.0, 4.0, 3.0, 6.0]}
    >>> report = evaluate_scores(frame, {"task": [1, 2], "score": [2.0, 4.0]})
    >>> report.errors.select("who", "error").rows()[:3]
    [('circle, mean', 0.5), ('circle, median', 0.5), ('a', 1.0)]
    """
    draws = count("draws", draws)
    whole = to_polars(frame)
    scores = read_scores(whole)
    found = None if gold is None else _beside(scores, gold, draws, seed)
    return ScoreReport(
        errors=None if found is None else _table(found),
        lifts={} if found is None else found.lifts,
        bias=bias_and_scale(whole, gold=gold),
        agreement=krippendorff_alpha(
            whole.rename(_as_labels(whole)), level="interval", draws=draws, seed=seed
        ),
        n_tasks=len(scores.tasks),
        providers=cost_by_provider(whole),
    )


def _as_labels(whole: pl.DataFrame) -> dict[str, str]:
    return (
        {"score": "label"} if "label" not in whole.columns else {"label": "label (unused)", "score": "label"}
    )


def _circle(method: str) -> str:
    return f"circle, {method}"


def _beside(scores: Scores, gold: Frame, draws: int, seed: int) -> Distances:
    import numpy as np

    truth = read_truth(gold, scores)
    given = np.full((len(scores.tasks), len(scores.experts)), np.nan)
    given[scores.task, scores.expert] = scores.value
    # in an order that the frame's rows do not decide, so that the same answers draw the same samples
    order = scores.tasks.arg_sort().to_numpy()
    known = order[(~np.isnan(truth) & (scores.answered > 0))[order]]
    if not known.size:
        raise InvalidFrame(
            "Gold must know the score of at least one task that somebody answered, it knows none."
        )
    given, truth = given[known], truth[known]
    methods = {MEDIAN: np.nanmedian(given, axis=1), "mean": np.nanmean(given, axis=1)}
    names = [str(name) for name in scores.experts.to_list()]
    return distances(given, truth, names, methods, draws, seed)


def _table(found: Distances) -> pl.DataFrame:
    import polars as pl

    n = found.n_tasks
    rows = [(each.who, each.kind, each.answered, n, each.error, each.low, each.high) for each in found.rows]
    columns = ["who", "kind", "answered", "tasks", "error", "low", "high"]
    types = {"error": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(
        [(_circle(row[0]) if row[1] == "circle" else row[0], *row[1:]) for row in rows],
        schema=columns,
        schema_overrides=types,
        orient="row",
    ).sort("error", "who", nulls_last=True)


def _errors(errors: pl.DataFrame | None) -> str:
    from consilience.markup import Html, escape, expert_mark, table

    if errors is None:
        return ""
    rows = [
        (
            expert_mark(who)
            if kind == "member"
            else Html(f"<b>{escape(who, 80)}</b>")
            if kind == "circle"
            else who,
            answered,
            None if error is None else _said(error),
            None if low is None else f"{_said(low)} to {_said(high)}",
        )
        for who, kind, answered, _, error, low, high in errors.iter_rows()
    ]
    columns = ("who", f"answered of {errors['tasks'][0]:,}", "off by, on average", "95 % interval")
    return table(columns, rows, numeric=columns[1:])


def _biases(bias: BiasAndScale) -> Html:
    from consilience.markup import expert_mark, table

    rows = [
        (
            expert_mark(row["expert"]),
            row["compared"],
            None if row["bias"] is None else f"{row['bias']:+.3g}",
            None if row["bias_low"] is None else f"[{row['bias_low']:+.3g}, {row['bias_high']:+.3g}]",
            row["scale"],
        )
        for row in bias.experts.iter_rows(named=True)
    ]
    columns = ("expert", "tasks", f"bias beside {bias.reference}", "95 % interval", "scale")
    return table(columns, rows, numeric=columns[1:])


def _said(number: float) -> str:
    return f"{number:.3g}"


def _reading(lift: Lift) -> str:
    if lift.low > 0:
        return f"It is closer than every member: lift {lift}."
    if lift.high < 0:
        return f"It is further off than its best member: lift {lift}. Ask that one alone."
    better = "is not closer than" if lift.plain <= 0 else "is ahead of"
    return f"It {better} that member here: lift {lift}, so no difference is shown."
