"""When to stop asking the same experts again: a Delphi stop rule on the interquartile range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.aggregate.numeric.centre import median
from consilience.errors import InvalidFrame, InvalidInput
from consilience.frames import Frame, require_columns, to_polars
from consilience.markup.displayed import FrameDisplayed

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DelphiStop(FrameDisplayed):
    """Whether another round is worth its price.

    Parameters
    ----------
    stop
        Whether to stop.
    reason
        One sentence that says why.
    round
        The last round that came, counted from 1.
    tasks
        A row a task: ``task``, ``state`` (``agreed``: the range is narrow enough; ``settled apart``: it is not, and
        moves no more; ``moving``; ``too few answers``), ``median``, ``spread`` and ``answered`` of the last round,
        ``left`` (experts who answered the round before and not the last). A range can narrow because they left.
    history
        A row a round and task: ``round``, ``task``, ``median``, ``spread``, ``answered``, ``asked``.
    """

    stop: bool
    reason: str
    round: int
    tasks: pl.DataFrame
    history: pl.DataFrame

    def __bool__(self) -> bool:
        return self.stop

    def __repr__(self) -> str:
        return f"<DelphiStop after round {self.round}: {'stop' if self.stop else 'go on'}, {self.reason}>"

    def to_polars(self) -> pl.DataFrame:
        """Return `tasks`."""
        return self.tasks


def delphi_stop(
    rounds: Frame | Sequence[Frame],
    *,
    agreed: float,
    settled: float = 0.15,
    min_rounds: int = 2,
    max_rounds: int = 4,
    min_experts: int = 3,
) -> DelphiStop:
    """Say whether a Delphi inquiry should stop, and why.

    Parameters
    ----------
    rounds
        One long frame with ``round``, ``task``, ``expert``, ``score`` (rounds ascend), or a sequence of frames with
        ``task``, ``expert``, ``score``, a frame a round. A null score is an expert who was asked and gave no answer.
    agreed
        Interquartile range, in the unit of the scores, at or below which a task counts as agreed. There is no default,
        since it depends on the unit: on a scale of five points 1 is usual.
    settled
        A task that is not agreed moves no more when, since the round before, its range changed by at most this share
        of that range, and its median by at most this share of it too.
    min_rounds
        Rounds before which nothing stops: experts who have not seen each other's answers have not agreed yet.
    max_rounds
        Rounds after which it stops in any case; more tire the experts, who then give in.
    min_experts
        Answers that a task needs in the last round; with fewer its range says nothing.

    Returns
    -------
    DelphiStop
        True as a condition when it is time to stop: no task is moving, or the rounds are used up. A task that is
        ``too few answers`` does not hold the others up.

    Raises
    ------
    InvalidFrame
        A frame lacks a column, a score is no finite number, or an expert answered a task twice in one round.
    InvalidInput
        There is no round, or an option is out of its range.

    Notes
    -----
    Agreement by interquartile range, and its usual limits: H. A. von der Gracht, *Technological Forecasting and
    Social Change* 79 (2012), 1525-1536. Stability apart from agreement: J. S. Dajani, M. Z. Sincoff and W. K. Talley,
    same journal 13 (1979), 83-90. The 15 % are those of M. Scheibe, M. Skutsch and J. Schofer (in Linstone and Turoff,
    *The Delphi Method*, 1975), who took them of the change of the whole distribution.

    Examples
    --------
    >>> first = {"task": [1] * 4, "expert": list("abcd"), "score": [1, 3, 5, 5]}
    >>> second = {"task": [1] * 4, "expert": list("abcd"), "score": [3, 4, 4, 5]}
    >>> delphi_stop([first, second], agreed=1)
    <DelphiStop after round 2: stop, 1 task agreed>
    """
    _check(agreed, settled, min_rounds, max_rounds, min_experts)
    frames = _frames(rounds)
    history = _history(frames)
    last = len(frames)
    tasks = _tasks(frames, history, agreed, settled, min_experts)
    stop, reason = _decide(tasks, last, min_rounds, max_rounds)
    return DelphiStop(stop=stop, reason=reason, round=last, tasks=tasks, history=history)


def _check(agreed: float, settled: float, min_rounds: int, max_rounds: int, min_experts: int) -> None:
    for name, value in (("agreed", agreed), ("settled", settled)):
        if not 0 <= value < float("inf"):
            raise InvalidInput(f"{name} is 0 or more, {value} came.")
    if not 1 <= min_rounds <= max_rounds:
        raise InvalidInput(f"1 <= min_rounds <= max_rounds is required, {min_rounds} and {max_rounds} came.")
    if min_experts < 2:
        raise InvalidInput(f"min_experts is 2 or more, {min_experts} came: one answer has no range.")


def _frames(rounds: Frame | Sequence[Frame]) -> list[pl.DataFrame]:
    """Return a frame a round."""
    if isinstance(rounds, (list, tuple)):
        frames = [to_polars(each) for each in rounds]
    else:
        whole = to_polars(rounds)
        require_columns(whole, ("round", "task", "expert", "score"))
        if whole["round"].null_count():
            row = whole["round"].is_null().arg_max()
            raise InvalidFrame(f"Column 'round' must be filled, row {row} is null: number it or drop it.")
        frames = [
            part.drop("round") for part in whole.sort("round").partition_by("round", maintain_order=True)
        ]
    if not frames:
        raise InvalidInput("At least one round is required, none came.")
    return frames


def _history(frames: list[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    columns = ("task", pl.col("estimate").alias("median"), "spread", "answered", "asked")
    parts = []
    for number, frame in enumerate(frames, 1):
        try:
            found = median(frame).estimates.select(columns)
        except InvalidFrame as error:
            raise InvalidFrame(f"Round {number}: {error}") from error
        parts.append(found.select(pl.lit(number, pl.Int64).alias("round"), pl.all()))
    try:
        return pl.concat(parts)
    except pl.exceptions.PolarsError as error:
        raise InvalidFrame(
            f"Rounds must name tasks by one type, they do not ({error}): cast column 'task'."
        ) from error


def _tasks(
    frames: list[pl.DataFrame], history: pl.DataFrame, agreed: float, settled: float, min_experts: int
) -> pl.DataFrame:
    """Return the state of each task of any round; a task that was not asked again stands as it last was."""
    import polars as pl

    order = history.select("task").unique(maintain_order=True)
    newest = history.group_by("task", maintain_order=True).agg(
        pl.col("median", "spread", "answered").last(),
        pl.col("median", "spread").shift().last().name.suffix("_before"),
    )
    before = pl.col("spread_before")
    still = ((pl.col("spread") - before).abs() <= settled * before) & (
        (pl.col("median") - pl.col("median_before")).abs() <= settled * before
    )
    state = (
        pl.when(pl.col("answered") < min_experts)
        .then(pl.lit("too few answers"))
        .when(pl.col("spread") <= agreed)
        .then(pl.lit("agreed"))
        .when(still.fill_null(value=False))
        .then(pl.lit("settled apart"))
        .otherwise(pl.lit("moving"))
    )
    rows = newest.join(_left(frames), on="task", how="left").with_columns(state.alias("state"))
    rows = order.join(rows, on="task", how="left", maintain_order="left")
    return rows.select("task", "state", "median", "spread", "answered", pl.col("left").fill_null(0))


def _left(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Return how many experts answered a task of the last round in the round before, and not in the last."""
    import polars as pl

    now = frames[-1].drop_nulls("score")
    asked = frames[-1].select("task").unique()
    if len(frames) == 1:
        return asked.with_columns(left=pl.lit(0, pl.Int64))
    gone = frames[-2].drop_nulls("score").join(now, on=["task", "expert"], how="anti")
    counted = gone.join(asked, on="task", how="semi").group_by("task").len("left")
    return counted.cast({"left": pl.Int64})


def _decide(tasks: pl.DataFrame, last: int, min_rounds: int, max_rounds: int) -> tuple[bool, str]:
    counts = dict(tasks["state"].value_counts().iter_rows())
    states = ("agreed", "settled apart", "moving", "too few answers")
    words = {"too few answers": "with too few answers"}
    said = ", ".join(
        f"{counts[state]:,} task{'s' if counts[state] > 1 else ''} {words.get(state, state)}"
        for state in states
        if state in counts
    )
    said = said or "no task was asked"
    if last < min_rounds:
        return False, f"{said}; round {last} of at least {min_rounds}"
    if "moving" not in counts:
        return True, said
    if last >= max_rounds:
        return True, f"{said}; the {max_rounds} rounds are used up"
    return False, said
