"""Whether stated confidence comes true, and what answering only when sure would bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.intervals import wilson
from consilience.markup.displayed import FrameDisplayed

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

_BINS = 10
_STEPS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Calibration(FrameDisplayed):
    """Confidence beside what came true, for members and methods.

    Parameters
    ----------
    scores
        A row a member or method that states a confidence: ``who``, ``kind``, ``answers`` with a confidence,
        ``confidence`` (mean), ``accuracy`` of these answers, ``ece`` (expected calibration error), ``ece_by_chance``
        (what somebody whose confidence always comes true would show on as many answers: read the two together),
        ``brier`` (mean squared difference between confidence and being right; 0 is perfect).
    curve
        A row a bin that is not empty, ten bins of equal width: ``who``, ``low``, ``high`` (of the bin), ``answers``,
        ``confidence`` (mean), ``accuracy`` with ``accuracy_low`` and ``accuracy_high`` (Wilson, 95 %).
    coverage
        What is left when only the surest answers are kept: ``who``, ``threshold``, ``answers`` with at least this
        confidence, ``coverage`` (their share of all tasks), ``accuracy`` of these, ``risk`` (1 - accuracy). Answers of
        equal confidence stay together. One row for each twentieth of the tasks.

    Notes
    -----
    M. P. Naeini, G. F. Cooper and M. Hauskrecht, *AAAI* (2015), 2901-2907 (ECE); G. W. Brier, *Monthly Weather Review*
    78 (1950), 1-3; J. Brocker and L. A. Smith, *Weather and Forecasting* 22 (2007), 651-661 (what calibrated
    forecasts show by chance); R. El-Yaniv and Y. Wiener, *JMLR* 11 (2010), 1605-1641 (coverage and risk). The
    confidence of a vote is the share of experts (or of weight) behind its answer: no probability until it is shown to
    be one.
    """

    scores: pl.DataFrame
    curve: pl.DataFrame
    coverage: pl.DataFrame

    def to_polars(self) -> pl.DataFrame:
        """Return `scores`."""
        return self.scores

    def __repr__(self) -> str:
        return f"<Calibration of {', '.join(self.scores['who'].to_list())}>"

    def _note(self) -> str:
        return "ECE is above 0 by chance alone; ece_by_chance says how far."


def calibration(stated: Iterable[tuple[str, str, Array, Flags]], n_tasks: int) -> Calibration | None:
    """Return the calibration of those who state a confidence; None when nobody does.

    Parameters
    ----------
    stated
        Name, kind, confidence of each answer given (nan where none is stated) and whether the answer was right.
    n_tasks
        All tasks, answered or not.
    """
    import numpy as np
    import polars as pl

    scores, curves, coverages = [], [], []
    for who, kind, confidence, right in stated:
        known = ~np.isnan(confidence)
        if not known.any():
            continue
        values, came = confidence[known], right[known].astype(np.float64)
        row, bins = _binned(values, came)
        scores.append({"who": who, "kind": kind, **row})
        curves += [{"who": who, **each} for each in bins]
        coverages += [{"who": who, **each} for each in _covered(values, came, n_tasks)]
    if not scores:
        return None
    return Calibration(pl.DataFrame(scores), pl.DataFrame(curves), pl.DataFrame(coverages))


def _binned(confidence: Array, right: Array) -> tuple[dict[str, float], list[dict[str, float]]]:
    import numpy as np

    n = confidence.size
    place = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)

    def sums(values: Array) -> Array:
        return np.bincount(place, values, minlength=_BINS).astype(np.float64, copy=False)

    count, said, came = sums(np.ones(n)), sums(confidence), sums(right)
    spread = sums(confidence * (1 - confidence))
    row = {
        "answers": n,
        "confidence": float(confidence.mean()),
        "accuracy": float(right.mean()),
        "ece": float(np.abs(said - came).sum() / n),
        # the mean of |x| when x is normal with this variance
        "ece_by_chance": float(np.sqrt(2 / np.pi * spread).sum() / n),
        "brier": float(np.square(confidence - right).mean()),
    }
    return row, [_bin(int(k), count[k], said[k], came[k]) for k in np.flatnonzero(count)]


def _bin(place: int, count: float, said: float, came: float) -> dict[str, float]:
    low, high = wilson(round(came), round(count))
    return {
        "low": float(place / _BINS),
        "high": float((place + 1) / _BINS),
        "answers": round(count),
        "confidence": float(said / count),
        "accuracy": float(came / count),
        "accuracy_low": low,
        "accuracy_high": high,
    }


def _covered(confidence: Array, right: Array, n_tasks: int) -> list[dict[str, float]]:
    import numpy as np

    order = np.argsort(-confidence, kind="stable")
    sorted_by, came = confidence[order], np.cumsum(right[order])
    # answers of equal confidence cannot be told apart: only the last of each may end a selection
    ends = np.flatnonzero(np.append(sorted_by[1:] < sorted_by[:-1], True))
    wanted = np.ceil(np.arange(1, _STEPS + 1) / _STEPS * n_tasks)
    kept = np.unique(np.minimum(np.searchsorted(ends + 1, wanted), ends.size - 1))
    return [
        {
            "threshold": float(sorted_by[end]),
            "answers": int(end + 1),
            "coverage": float((end + 1) / n_tasks),
            "accuracy": float(came[end] / (end + 1)),
            "risk": float(1 - came[end] / (end + 1)),
        }
        for end in ends[kept]
    ]
