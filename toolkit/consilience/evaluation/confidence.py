"""Confidence calibrated by history: how often answers that were given with such a confidence were right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidFrame
from consilience.frames import Frame, require_columns, to_polars
from consilience.markup.displayed import Displayed
from consilience.models import Response

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]

LEAST = 30
LEAST_OF_EACH = 5
MANY = 200
_FOLDS = 5
_EDGE = 0.005


@dataclass(frozen=True, slots=True)
class Curve:
    """What one kind of confidence of one expert meant so far.

    Parameters
    ----------
    expert, source
        Whose confidence, and where it comes from.
    method
        ``"isotonic"`` from 200 answers on, ``"Platt"`` from 30, both with 5 right and 5 wrong ones at least; ``"none"``
        with fewer, which calibrates nothing.
    answers, right
        Answers with a known truth, and how many of them were right.
    stated
        Mean confidence of these answers.
    gain, gain_low, gain_high
        How much the Brier score falls by the calibration on answers that it was not made from (five folds), and the
        95 % interval of that by a normal approximation; nan without a method. An interval that holds 0 shows no gain.
    knots
        Confidence and calibrated confidence; between two knots a straight line.
    """

    expert: str
    source: str
    method: str
    answers: int
    right: int
    stated: float
    gain: float
    gain_low: float
    gain_high: float
    knots: tuple[tuple[float, float], ...]

    def __call__(self, confidence: float) -> float | None:
        """Return the calibrated confidence; ``None`` where there are too few answers."""
        import numpy as np

        if not self.knots:
            return None
        at, value = zip(*self.knots, strict=True)
        return float(np.interp(confidence, at, value))

    def explain(self) -> str:
        """Say in a sentence what the figures support."""
        rate = f"{self.right} of {self.answers} such answers were right at a mean confidence of {self.stated:.2f}"
        who = f"{self.expert}, {self.source}: {rate}"
        if self.method == "none":
            return (
                f"{who}; too few to calibrate: {LEAST} are needed, of which {LEAST_OF_EACH} right and "
                f"{LEAST_OF_EACH} wrong."
            )
        shown = "a gain is shown" if self.gain_low > 0 else "no gain is shown"
        return (
            f"{who}; {self.method}: the Brier score falls by {self.gain:.3f} [{self.gain_low:.3f}, "
            f"{self.gain_high:.3f}] on answers held out, so {shown}."
        )


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedConfidence(Displayed):
    """What experts' confidence is worth, by their history; made by `calibrate`.

    Parameters
    ----------
    curves
        One each expert and source of confidence, by both.
    against
        What *right* means: ``"gold"``, or ``"the others"``, a strict majority of the other experts. Agreeing with
        others is not being right: a circle that errs together looks calibrated.
    unknown
        Answers with a confidence whose truth is not known, which count nowhere.
    """

    curves: tuple[Curve, ...]
    against: str
    unknown: int

    def of(self, response: Response) -> float | None:
        """Return the calibrated confidence of a response; ``None`` without a confidence or enough history."""
        if response.confidence is None or response.confidence_source is None:
            return None
        wanted = response.expert, str(response.confidence_source)
        curve = next((one for one in self.curves if (one.expert, one.source) == wanted), None)
        return None if curve is None else curve(response.confidence)

    def to_polars(self) -> pl.DataFrame:
        """Return one row a curve: whose, method, answers, right, stated, and the gain with its interval."""
        import polars as pl

        names = ("expert", "source", "method", "answers", "right", "stated", "gain", "gain_low", "gain_high")
        schema = dict.fromkeys(names[:3], pl.String) | dict.fromkeys(names[3:5], pl.Int64)
        rows = [[getattr(curve, name) for name in names] for curve in self.curves]
        return pl.DataFrame(rows, schema=schema | dict.fromkeys(names[5:], pl.Float64), orient="row")

    def explain(self) -> str:
        """Say in plain text what was found."""
        truth = (
            f"Right means {'as in gold' if self.against == 'gold' else 'as most of the other experts said'}"
        )
        left = f"; {self.unknown:,} answers without a known truth are left out" if self.unknown else ""
        return "\n".join([*(curve.explain() for curve in self.curves), f"{truth}{left}."])

    def __repr__(self) -> str:
        made = sum(curve.method != "none" for curve in self.curves)
        return f"<CalibratedConfidence: {made} of {len(self.curves)} curves, against {self.against}>"

    def __str__(self) -> str:
        return self.explain()

    def _repr_html_(self) -> str:
        from consilience.markup import page, table

        frame = self.to_polars()
        note = self.explain().rsplit("\n", 1)[-1]
        return page(table(frame.columns, frame.rows(), numeric=frame.columns[3:]), note=note)


def calibrate(history: Frame, *, against: str = "gold") -> CalibratedConfidence:
    """Say what experts' confidence is worth, expert by expert and source by source.

    Parameters
    ----------
    history
        A row an answer with a confidence: ``expert``, ``confidence`` (0 to 1), ``right`` (null where unknown) and, if
        it is not all of one source, ``confidence_source``. `confidence_history` reads it from a store.
    against
        What ``right`` was judged by, for the words: ``"gold"`` or ``"the others"``.

    Returns
    -------
    CalibratedConfidence
        Whose ``of(response)`` is the share of such answers that were right.

    Raises
    ------
    InvalidFrame
        A column is missing or a confidence is not between 0 and 1.

    Notes
    -----
    Platt scaling fits a logistic curve to the log odds of the confidence, with Platt's own targets, which keep it from
    being sure; isotonic regression fits any rising curve (pool adjacent violators), bounded by the rule of succession.
    A curve that would fall is flat: the confidence says nothing then. J. Platt, *Advances in Large Margin Classifiers*
    (1999), 61-74; B. Zadrozny and C. Elkan, *KDD* (2002), 694-699.

    Examples
    --------
    >>> frame = {"expert": ["ana"] * 60, "confidence": [0.9] * 40 + [0.99] * 20, "right": [True, False] * 30}
    >>> found = calibrate(frame)
    >>> round(found.curves[0](0.9), 2), found.curves[0].method
    (0.5, 'Platt')
    """
    import polars as pl

    frame = to_polars(history)
    require_columns(frame, ("expert", "confidence", "right"))
    if "confidence_source" not in frame.columns:
        frame = frame.with_columns(confidence_source=pl.lit("unnamed"))
    frame = frame.drop_nulls("confidence")
    if not frame["confidence"].is_between(0, 1).all():
        worst = frame.filter(~pl.col("confidence").is_between(0, 1))["confidence"][0]
        raise InvalidFrame(
            f"Column 'confidence' is between 0 and 1, {worst} came: divide percentages by 100."
        )
    known = frame.drop_nulls("right")
    curves = [
        _curve(str(expert), str(source), part)
        for (expert, source), part in sorted(
            known.group_by("expert", "confidence_source"), key=lambda found: tuple(map(str, found[0]))
        )
    ]
    return CalibratedConfidence(tuple(curves), against, frame.height - known.height)


def _curve(expert: str, source: str, part: pl.DataFrame) -> Curve:
    import numpy as np

    confidence = part["confidence"].to_numpy().astype(np.float64)
    right = part["right"].to_numpy().astype(np.float64)
    n, n_right = right.size, int(right.sum())
    stated = float(confidence.mean())
    if n < LEAST or min(n_right, n - n_right) < LEAST_OF_EACH:
        return Curve(expert, source, "none", n, n_right, stated, math.nan, math.nan, math.nan, ())
    isotonic = n >= MANY
    fit = _isotonic if isotonic else _platt
    gain, low, high = _gain(confidence, right, fit)
    knots = fit(confidence, right)
    name = "isotonic" if isotonic else "Platt"
    return Curve(expert, source, name, n, n_right, stated, gain, low, high, knots)


def _gain(confidence: Array, right: Array, fit: Any) -> tuple[float, float, float]:
    """Return how much the Brier score falls on held-out answers, with its interval."""
    import numpy as np

    # answers of one confidence and truth are spread over the folds, whatever their order
    fold = np.empty(right.size, dtype=np.int64)
    fold[np.lexsort((confidence, right))] = np.arange(right.size) % _FOLDS
    after = np.empty(right.size)
    for k in range(_FOLDS):
        out = fold == k
        at, value = zip(*fit(confidence[~out], right[~out]), strict=True)
        after[out] = np.interp(confidence[out], at, value)
    falls = np.square(confidence - right) - np.square(after - right)
    mean, spread = float(falls.mean()), 1.96 * float(falls.std(ddof=1)) / math.sqrt(right.size)
    return mean, mean - spread, mean + spread


def _platt(confidence: Array, right: Array) -> tuple[tuple[float, float], ...]:
    import numpy as np

    odds = _log_odds(confidence)
    n_right = right.sum()
    target = np.where(right > 0, (n_right + 1) / (n_right + 2), 1 / (right.size - n_right + 2))
    slope, base = _logistic(odds, target)
    grid = np.unique(np.concatenate([np.linspace(0, 1, 101), confidence]))
    value = 1 / (1 + np.exp(-(slope * _log_odds(grid) + base)))
    return tuple(zip(grid.tolist(), value.tolist(), strict=True))


def _logistic(x: Array, target: Array) -> tuple[float, float]:
    """Return slope and intercept of a logistic curve by Newton's method; the slope is never below 0."""
    import numpy as np

    mean = float(target.mean())
    flat = 0.0, math.log(mean / (1 - mean))
    if np.ptp(x) < 1e-9:
        return flat
    weights = np.array(flat)
    design = np.stack([x, np.ones_like(x)])
    for _ in range(50):
        p = 1 / (1 + np.exp(-(weights @ design)))
        # a little ridge on the slope keeps separable answers from a step
        gradient = design @ (target - p) - np.array([1e-3 * weights[0], 0.0])
        hessian = (design * (p * (1 - p))) @ design.T + np.diag([1e-3, 1e-9])
        step = np.linalg.solve(hessian, gradient)
        weights = weights + np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-9:
            break
    return flat if weights[0] < 0 else (float(weights[0]), float(weights[1]))


def _isotonic(confidence: Array, right: Array) -> tuple[tuple[float, float], ...]:
    """Return the rising steps that fit best, by their middles, within what so many answers can show."""
    import numpy as np

    at, place = np.unique(confidence, return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    hits = np.bincount(place, right)
    blocks: list[list[float]] = []  # hits, count, sum of confidence
    for h, n, c in zip(hits, count, at, strict=True):
        blocks.append([h, n, c * n])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    bounded = [(c / n, min(max(h / n, 1 / (n + 2)), (n + 1) / (n + 2))) for h, n, c in blocks]
    values = np.maximum.accumulate([value for _, value in bounded])
    return tuple((middle, float(value)) for (middle, _), value in zip(bounded, values, strict=True))


def _log_odds(confidence: Array) -> Array:
    import numpy as np

    inside = np.clip(confidence, _EDGE, 1 - _EDGE)
    odds: Array = np.log(inside / (1 - inside))
    return odds
