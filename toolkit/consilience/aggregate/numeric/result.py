"""What pooling numbers returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.markup.displayed import FrameDisplayed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.aggregate.numeric.scores import Scores

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled(FrameDisplayed):
    """One number a task, with how far the experts lie apart.

    Parameters
    ----------
    estimates
        A row a task in order of first appearance: ``task``, ``estimate`` (null where nobody answered), ``low`` and
        ``high`` (null where the answers support no interval), ``spread`` (interquartile range of the answers, null
        below two), ``answered`` and ``asked`` experts.
    method
        The method's name.
    confidence
        Probability that the interval covers the centre of a larger circle of such experts. An error that they share
        is not in it.
    experts
        A row an expert, where the method weighs them: ``expert``, ``answered`` and what it found; else None.
    note
        One sentence on what limits the figures; empty when there is nothing to say.
    """

    estimates: pl.DataFrame
    method: str
    confidence: float
    experts: pl.DataFrame | None = None
    note: str = ""

    @property
    def decided(self) -> int:
        """Tasks with an estimate."""
        return len(self.estimates) - self.estimates["estimate"].null_count()

    def __repr__(self) -> str:
        said = f"<Pooled by {self.method}: {self.decided:,} of {len(self.estimates):,} tasks have an estimate"
        return f"{said}; {self.note}>" if self.note else f"{said}>"

    def to_polars(self) -> pl.DataFrame:
        """Return `estimates`."""
        return self.estimates


def estimates(scores: Scores, estimate: Array, low: Array, high: Array) -> pl.DataFrame:
    """Return the frame of a `Pooled` from arrays by task code, nan for null; ``scores`` are sorted by value."""
    import polars as pl

    order = scores.appearance
    numbers = {"estimate": estimate, "low": low, "high": high, "spread": interquartile_range(scores)}
    columns = {
        name: pl.Series(each[order], nan_to_null=True, dtype=pl.Float64) for name, each in numbers.items()
    }
    counts = {"answered": pl.Series(scores.answered[order]), "asked": pl.Series(scores.asked[order])}
    return pl.DataFrame({"task": scores.tasks.gather(order), **columns, **counts})


def interquartile_range(scores: Scores) -> Array:
    """Return the interquartile range of each task, nan below two answers; ``scores`` are sorted by value.

    Notes
    -----
    Quartiles are type 7 of R. J. Hyndman and Y. Fan, *The American Statistician* 50 (1996), 361-365.
    """
    import numpy as np

    wide: Array = quantile(scores, 0.75) - quantile(scores, 0.25)
    return np.where(scores.answered > 1, wide, np.nan)


def quantile(scores: Scores, share: float) -> Array:
    """Return a quantile of each task, nan where nobody answered; ``scores`` are sorted by value."""
    import numpy as np

    n = scores.answered
    found = np.full(n.size, np.nan)
    some = n > 0
    place = share * (n[some] - 1)
    below = place.astype(np.int64)
    first = scores.start[:-1][some]
    left, right = scores.value[first + below], scores.value[first + np.minimum(below + 1, n[some] - 1)]
    # from the nearer side, so that scores turned around give the quantile turned around
    part = place - below
    found[some] = np.where(part < 0.5, left + (right - left) * part, right - (right - left) * (1 - part))
    return found
