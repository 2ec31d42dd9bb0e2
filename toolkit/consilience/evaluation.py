"""Did the circle help? Accuracy of each member and of the circle, and the paired lift over the best member."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.aggregate import majority
from consilience.agreement import Coefficient, krippendorff_alpha
from consilience.errors import InvalidFrame, InvalidInput
from consilience.frames import Frame, long_frame, require_columns, to_polars
from consilience.intervals import wilson

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.verdict import Verdict

    Array = np.ndarray[Any, np.dtype[np.float64]]

CIRCLE = "circle, majority"
_DRAWS_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Lift:
    """Accuracy of the circle less that of its best member, in shares of the tasks.

    Parameters
    ----------
    value
        On the tasks at hand.
    low, high
        95 % interval from a bootstrap over tasks that chooses the best member anew in every draw, so that the member
        is not flattered by having been chosen on the same tasks.
    best
        The best member on the tasks at hand; of several the first by name.
    """

    value: float
    low: float
    high: float
    best: str

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


@dataclass(frozen=True, slots=True)
class CircleReport:
    """What a gold standard says about a circle.

    Parameters
    ----------
    accuracy
        A row a member and one for the circle, best first: ``expert``, ``right``, ``tasks``, ``accuracy``, ``low``,
        ``high`` (Wilson, 95 %). A missing answer and a tie count as not right.
    lift
        Of the circle over its best member; ``None`` for a circle of one.
    agreement
        Krippendorff's alpha over the same answers.
    ties, undecided
        Tasks on which the circle tied, and on which it reached no majority for other reasons.
    """

    accuracy: pl.DataFrame
    lift: Lift | None
    agreement: Coefficient
    ties: int
    undecided: int

    @property
    def finding(self) -> str:
        """What the figures support, in a sentence or two."""
        if self.lift is None:
            return "One expert is no circle: there is nothing to compare."
        tasks = int(self.accuracy["tasks"][0])
        right = dict(self.accuracy.select("expert", "right").iter_rows())
        said = (
            f"The circle was right on {right[CIRCLE]} of {tasks} tasks, its best member {self.lift.best} on "
            f"{right[self.lift.best]}."
        )
        return f"{said} {_reading(self.lift)}"

    def to_polars(self) -> pl.DataFrame:
        """Return `accuracy`."""
        return self.accuracy

    def __repr__(self) -> str:
        return f"<CircleReport: {self.finding}>"

    def _repr_html_(self) -> str:
        from consilience.markup import accuracy_bar, page, table

        rows = [
            (
                row["expert"],
                f"{row['right']} of {row['tasks']}",
                accuracy_bar(row["accuracy"], row["low"], row["high"]),
            )
            for row in self.accuracy.iter_rows(named=True)
        ]
        return page(table(("who", "right", "accuracy, 0 to 1, with 95 % interval"), rows), note=self.finding)


def _reading(lift: Lift) -> str:
    if lift.low > 0:
        return f"It beats every member: lift {lift}."
    if lift.high < 0:
        return f"It does worse than its best member: lift {lift}. Ask that one alone."
    better = "does not beat" if lift.value <= 0 else "is ahead of"
    return f"It {better} that member here: lift {lift}, so no difference is shown."


def evaluate(frame: Frame, gold: Frame, *, draws: int = 1000, seed: int = 0) -> CircleReport:
    """Compare a circle and its members with known answers.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``label``; a null label is an expert who gave no answer.
    gold
        Frame with ``task`` and ``label``: the known answers. Tasks without one are left out.
    draws
        Bootstrap draws; 1,000 keep the ends of the interval steady to about half a task in a hundred.
    seed
        Of the bootstrap.

    Raises
    ------
    InvalidFrame
        A column is missing, gold names a task twice or one that nobody was asked, or no task has gold.

    Examples
    --------
    >>> frame = {"task": [1, 1, 1, 2, 2, 2], "expert": list("abcabc"), "label": list("xxyyxy")}
    >>> report = evaluate(frame, {"task": [1, 2], "label": ["x", "y"]})
    >>> report.accuracy["expert"].to_list()
    ['a', 'circle, majority', 'b', 'c']
    """
    if draws < 1:
        raise InvalidInput(f"draws is 1 or more, {draws} came.")
    known = _gold(gold)
    table = long_frame(frame)
    _check_tasks(known, table)
    table = table.join(known.select("task"), on="task", how="semi", maintain_order="left")
    voted = majority(table)
    right = _right(table, voted.answers, known)
    accuracy = _accuracy(right)
    return CircleReport(
        accuracy=accuracy,
        lift=_lift(right, draws, seed),
        agreement=krippendorff_alpha(table, draws=draws, seed=seed),
        ties=int((voted.answers["decision"] == "tie").sum()),
        undecided=int(voted.answers["decision"].is_in(["no majority", "no answer"]).sum()),
    )


def _gold(gold: Frame) -> pl.DataFrame:
    frame = to_polars(gold)
    require_columns(frame, ("task", "label"))
    known = frame.select("task", "label").drop_nulls()
    if known["task"].is_duplicated().any():
        task = known.filter(known["task"].is_duplicated())["task"][0]
        raise InvalidFrame(f"Gold names each task once, task {task!r} stands more than once: keep one row.")
    if known.is_empty():
        raise InvalidFrame("Gold must know the answer to at least one task, it knows none.")
    return known


def _check_tasks(known: pl.DataFrame, table: pl.DataFrame) -> None:
    if known["task"].dtype != table["task"].dtype:
        raise InvalidFrame(
            f"Task ids must be of one type, the answers have {table['task'].dtype} and gold has "
            f"{known['task'].dtype}: cast one."
        )
    strange = known.join(table, on="task", how="anti")
    if len(strange):
        raise InvalidFrame(
            f"Gold holds {len(strange)} tasks that nobody was asked, the first is {strange['task'][0]!r}: remove them."
        )


def _right(table: pl.DataFrame, voted: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return a row a task and a column a member, with 1 where it was right; the circle's column last."""
    import polars as pl

    known = known.rename({"label": "gold"})
    member = pl.format("m:{}", "expert").alias("expert")  # no member's name can meet a column of ours
    judged = table.join(known, on="task").select("task", member, _is_gold("label"))
    wide = judged.pivot(on="expert", index="task", values="right").with_columns(
        pl.exclude("task").fill_null(0.0)
    )
    circle = voted.join(known, on="task").select("task", _is_gold("answer").alias(CIRCLE))
    both = wide.join(circle, on="task")
    names = {column: column.removeprefix("m:") for column in sorted(wide.columns) if column != "task"}
    return both.select(*names, CIRCLE).rename(names)


def _is_gold(column: str) -> pl.Expr:
    import polars as pl

    return (pl.col(column) == pl.col("gold")).fill_null(value=False).cast(pl.Float64).alias("right")


def _accuracy(right: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    rows = []
    for name in right.columns:
        n = int(right[name].sum())
        low, high = wilson(n, len(right))
        rows.append((name, n, len(right), n / len(right), low, high))
    columns = ["expert", "right", "tasks", "accuracy", "low", "high"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    return frame.sort(["right", "expert"], descending=[True, False])


def _lift(right: pl.DataFrame, draws: int, seed: int) -> Lift | None:
    import numpy as np

    if right.width < 3:
        return None
    matrix = right.to_numpy()
    # tasks on which the same members were right are interchangeable: draw how often each pattern comes
    patterns, repeats = np.unique(matrix, axis=0, return_counts=True)
    generator = np.random.default_rng(seed)
    lifts = []
    for start in range(0, draws, _DRAWS_AT_ONCE):
        size = min(_DRAWS_AT_ONCE, draws - start)
        weights = generator.multinomial(len(matrix), repeats / len(matrix), size=size)
        means = (weights @ patterns) / len(matrix)
        lifts.append(means[:, -1] - means[:, :-1].max(axis=1))
    means = matrix.mean(axis=0)
    low, high = np.quantile(np.concatenate(lifts), [0.025, 0.975])
    best = int(means[:-1].argmax())
    return Lift(float(means[-1] - means[best]), float(low), float(high), right.columns[best])


def answers_frame(verdicts: Iterable[Verdict], tasks: Iterable[object] | None = None) -> pl.DataFrame:
    """Return verdicts on labels as the long frame that the statistics take.

    Parameters
    ----------
    verdicts
        Verdicts of one circle.
    tasks
        An id for each verdict, to join gold on; the question's id by default.

    Returns
    -------
    polars.DataFrame
        ``task``, ``expert``, ``label``: a row a response; null for an expert who gave no answer.
    """
    import polars as pl

    kept = list(verdicts)
    ids = [verdict.question.id for verdict in kept] if tasks is None else list(tasks)
    if len(ids) != len(kept):
        raise InvalidInput(
            f"One task id for each verdict is required, {len(ids)} for {len(kept)} verdicts came."
        )
    rows = [
        (task, r.expert, r.answer) for task, verdict in zip(ids, kept, strict=True) for r in verdict.responses
    ]
    odd = next((answer for _, _, answer in rows if isinstance(answer, tuple)), None)
    if odd is not None:
        raise InvalidInput(f"Labels or texts are required, a list of recommendations came: {odd!r}.")
    return pl.DataFrame(rows, schema=["task", "expert", "label"], orient="row", infer_schema_length=None)
