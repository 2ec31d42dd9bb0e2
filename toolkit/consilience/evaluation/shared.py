"""Who errs together: pair by pair, on the tasks that both answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """How often the members of each pair were wrong, in shares or counts of tasks that both answered.

    The arrays have the shape ``(..., n_pairs)``, so that the draws of a bootstrap fit beside each other.

    Parameters
    ----------
    both
        Tasks that both answered.
    first, second
        Those on which the first and the second member were wrong.
    joint
        Those on which both were.
    """

    both: Array
    first: Array
    second: Array
    joint: Array

    @property
    def phi(self) -> Array:
        """Pearson's correlation of the two errors; nan where one of them never or always errs."""
        import numpy as np

        n, a, b = self.both, self.first, self.second
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = np.sqrt(np.maximum(a * (n - a), 0.0) * np.maximum(b * (n - b), 0.0))
            correlation: Array = np.where(spread > 0, (n * self.joint - a * b) / spread, np.nan)
        return correlation

    @property
    def q(self) -> Array:
        """Yule's Q of the two errors, from -1 to 1, 0 when they err independently; nan where it is undefined."""
        import numpy as np

        only_first, only_second = self.first - self.joint, self.second - self.joint
        neither = self.both - self.first - self.second + self.joint
        alike, unlike = self.joint * neither, only_first * only_second
        with np.errstate(invalid="ignore", divide="ignore"):
            association: Array = np.where(alike + unlike > 0, (alike - unlike) / (alike + unlike), np.nan)
        return association


def pairs(n: int) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.int64]]]:
    """Return the first and the second member of every pair."""
    import numpy as np

    first, second = np.triu_indices(n, 1)
    return first, second


def together(answered: Array, wrong: Array, weights: Array) -> Together:
    """Count the errors of each pair.

    Parameters
    ----------
    answered, wrong
        1 where it is so, shape ``(n_patterns, n_members)``.
    weights
        How often each pattern comes, shape ``(..., n_patterns)``.
    """
    i, j = pairs(answered.shape[1])
    both = answered[:, i] * answered[:, j]
    return Together(
        weights @ both,
        weights @ (wrong[:, i] * both),
        weights @ (wrong[:, j] * both),
        weights @ (wrong[:, i] * wrong[:, j]),
    )


def shared_errors(answered: Flags, wrong: Flags, names: list[str]) -> pl.DataFrame:
    """Return what each pair's errors have in common.

    Returns
    -------
    polars.DataFrame
        A row a pair: ``first``, ``second``, ``tasks`` that both answered, ``double_fault`` (the share of them on which
        both were wrong), ``expected`` (the share if they erred independently), ``q`` (Yule's) and ``correlation``
        (Pearson's phi); null where a figure is undefined.

    Notes
    -----
    G. U. Yule, *Phil. Trans. R. Soc. A* 194 (1900), 257-319; L. I. Kuncheva and C. J. Whitaker, *Machine Learning* 51
    (2003), 181-207, which also warns that no measure of diversity alone predicts the accuracy of a vote.
    """
    import numpy as np
    import polars as pl

    found = together(answered.astype(np.float64), wrong.astype(np.float64), np.ones(len(answered)))
    i, j = pairs(len(names))
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = found.first * found.second / found.both**2
        fault = found.joint / found.both
    figures = {"double_fault": fault, "expected": expected, "q": found.q, "correlation": found.phi}
    return pl.DataFrame(
        {
            "first": pl.Series([names[k] for k in i], dtype=pl.String),
            "second": pl.Series([names[k] for k in j], dtype=pl.String),
            "tasks": pl.Series(found.both.astype(np.int64)),
            **{name: pl.Series(each, dtype=pl.Float64, nan_to_null=True) for name, each in figures.items()},
        }
    )


def matrix(found: pl.DataFrame, column: str, names: list[str], diagonal: list[float | None]) -> pl.DataFrame:
    """Return a figure of the pairs as a symmetric table: ``expert`` and a column a member."""
    import polars as pl

    cells: dict[tuple[str, str], float | None] = dict(
        zip(zip(names, names, strict=True), diagonal, strict=True)
    )
    for first, second, value in found.select("first", "second", column).iter_rows():
        cells[first, second] = cells[second, first] = value
    first = "expert" if "expert" not in names else "expert (row)"
    columns = {first: pl.Series(names, dtype=pl.String)}
    columns |= {name: pl.Series([cells[row, name] for row in names], dtype=pl.Float64) for name in names}
    return pl.DataFrame(columns)
