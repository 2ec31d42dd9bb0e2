"""Every two experts: how far they agree, who stands together, who apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from consilience.agreement.alpha import krippendorff_alpha
from consilience.agreement.camps import camps
from consilience.agreement.coefficient import Coefficient, two_places
from consilience.errors import InvalidInput
from consilience.frames import Frame, long_frame, to_polars
from consilience.markup.displayed import Displayed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]

MOST_EXPERTS = 100
_NAMED = 6  # of a camp, in a sentence


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pairwise(Displayed):
    """A coefficient of agreement for every two experts.

    Parameters
    ----------
    experts
        Names in an order in which experts who agree stand together.
    camps
        The same names in groups that agree more with each other than with the rest; one group where none stand out.
    method
        The coefficient's name.
    """

    experts: tuple[str, ...]
    camps: tuple[tuple[str, ...], ...]
    method: str
    _found: dict[frozenset[str], Coefficient] = field(metadata={"private": True})
    _answers: pl.DataFrame = field(metadata={"private": True})

    def between(self, one: str, other: str) -> Coefficient:
        """Return the coefficient of two experts.

        Raises
        ------
        InvalidInput
            They are not two of the experts.
        """
        found = self._found.get(frozenset((one, other)))
        if found is None:
            raise InvalidInput(
                f"Two of the experts {', '.join(self.experts)} are required, {one!r} and {other!r} came."
            )
        return found

    def matrix(self) -> pl.DataFrame:
        """Return the values as a symmetric table in the order of `experts`: ``expert``, and a column an expert.

        The diagonal is 1; a value that is not defined is null.
        """
        import polars as pl

        first = "expert" if "expert" not in self.experts else "expert (row)"
        columns = {first: pl.Series(self.experts, dtype=pl.String)}
        for name in self.experts:
            values = [1.0 if name == row else self.between(row, name).value for row in self.experts]
            columns[name] = pl.Series(values, dtype=pl.Float64).fill_nan(None)
        return pl.DataFrame(columns)

    def to_polars(self) -> pl.DataFrame:
        """Return a row a pair: ``first``, ``second``, ``tasks``, ``value``, ``low``, ``high``, ``note``.

        Tasks are those that both answered; a figure that is not defined is null.
        """
        import polars as pl

        rows = [
            (one, other, c.n_tasks, c.value, c.low, c.high, c.note)
            for one, other in combinations(self.experts, 2)
            for c in [self.between(one, other)]
        ]
        figures = dict.fromkeys(("value", "low", "high"), pl.Float64)
        schema = {"first": pl.String, "second": pl.String, "tasks": pl.Int64, **figures, "note": pl.String}
        return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
            pl.col(*figures).fill_nan(None),
        )

    def differ(self, one: str, other: str) -> pl.DataFrame:
        """Return the tasks that two experts answered differently: ``task``, ``first``, ``second``.

        Labels in the order of the tasks' first rows; scores with the widest difference first.
        """
        import polars as pl

        self.between(one, other)
        value = self._answers.columns[2]
        first, second = (
            self._answers.filter(pl.col("expert") == name).select("task", pl.col(value).alias(place))
            for name, place in ((one, "first"), (other, "second"))
        )
        both = first.join(second, on="task", maintain_order="left").filter(
            pl.col("first") != pl.col("second")
        )
        if value == "label":
            return both
        return both.sort((pl.col("first") - pl.col("second")).abs(), descending=True, maintain_order=True)

    def outliers(self) -> tuple[str, ...]:
        """Return who agrees with nobody as the others do among themselves.

        The upper ends of an outlier's coefficients all lie below the mean coefficient of the others; it takes three
        experts and intervals.
        """
        return tuple(name for name in self.experts if self._apart(name))

    def findings(self) -> tuple[str, ...]:
        """Say in a sentence each who stands apart and which camps there are; empty where nothing stands out."""
        apart = self.outliers()
        said = [self._sentence(name) for name in apart]
        groups = [group for group in self.camps if len(group) > 1 or group[0] not in apart]
        if len(groups) > 1:
            inside, across = map(two_places, self._means())
            named = "; ".join(map(_some, groups))
            said.append(
                f"{len(groups)} camps: {named}. Mean coefficient {inside} within them, {across} between."
            )
        return tuple(said)

    def _apart(self, name: str) -> bool:
        if len(self.experts) < 3:
            return False
        own = [self.between(name, other).high for other in self.experts if other != name]
        rest = _mean(self._among(other for other in self.experts if other != name))
        return not math.isnan(rest) and all(high < rest for high in own)  # nan is not below

    def _sentence(self, name: str) -> str:
        others = [other for other in self.experts if other != name]
        own = [self.between(name, other) for other in others]
        nearest = max(range(len(own)), key=lambda n: own[n].value)
        mean, rest = two_places(_mean(c.value for c in own)), two_places(_mean(self._among(others)))
        return (
            f"{name} stands apart: coefficients with the others are {mean} on average, the highest {own[nearest]} with "
            f"{others[nearest]}; the others' among themselves are {rest}."
        )

    def _among(self, names: Iterator[str] | Sequence[str]) -> list[float]:
        return [self.between(one, other).value for one, other in combinations(list(names), 2)]

    def _means(self) -> tuple[float, float]:
        """Return the mean coefficient within camps and between them."""
        camp = {name: number for number, group in enumerate(self.camps) for name in group}
        pairs = list(combinations(self.experts, 2))
        inside = _mean(self.between(a, b).value for a, b in pairs if camp[a] == camp[b])
        return inside, _mean(self.between(a, b).value for a, b in pairs if camp[a] != camp[b])

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"<Pairwise: {self.method} of {len(self.experts)} experts, {len(self):,} pairs>"

    def _repr_html_(self) -> str:
        from consilience.markup import page
        from consilience.markup.frames import frame_table

        return page(frame_table(self.to_polars()), note=" ".join((*self.findings(), repr(self).strip("<>"))))


def pairwise(
    frame: Frame, coefficient: Callable[..., Coefficient] = krippendorff_alpha, **settings: Any
) -> Pairwise:
    """Compute a coefficient of agreement for every two experts.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``label``, or ``score`` where there is no label.
    coefficient
        A function of `consilience.agreement` that takes such a frame.
    **settings
        Of that function, such as ``level``, ``labels``, ``draws``, ``seed``.

    Returns
    -------
    Pairwise
        Two experts without a task in common have a coefficient without a value. Experts are put in groups by average
        linkage of one minus the coefficient (an undefined one counts as the mean); groups are named where their mean
        silhouette is 0.25 or more and the coefficients within and between them lie further apart than the mean
        half-width of an interval.

    Raises
    ------
    InvalidFrame
        A column is missing, or an expert answered a task twice.
    InvalidInput
        There are fewer than two experts, or more than 100; or as the coefficient raises.

    Examples
    --------
    >>> frame = {"task": [1, 1, 1, 2, 2, 2], "expert": ["a", "b", "c"] * 2, "label": list("xxyyyx")}
    >>> found = pairwise(frame, draws=0)
    >>> found.between("a", "b").value, found.differ("a", "c").rows()
    (1.0, [(1, 'x', 'y'), (2, 'y', 'x')])
    """
    import polars as pl

    whole = to_polars(frame)
    value = "score" if "score" in whole.columns and "label" not in whole.columns else "label"
    table = long_frame(whole, value=value).with_columns(pl.col("expert").cast(pl.String))
    names = sorted(table["expert"].unique())
    if not 2 <= len(names) <= MOST_EXPERTS:
        raise InvalidInput(
            f"2 to {MOST_EXPERTS} experts are compared with each other, {len(names)} came: choose some with "
            "frame.filter(pl.col('expert').is_in([...]))."
        )
    own = {name: table.filter(pl.col("expert") == name) for name in names}
    found: dict[frozenset[str], Coefficient] = {
        frozenset((one, other)): coefficient(pl.concat([own[one], own[other]]), **settings)
        for one, other in combinations(names, 2)
    }
    groups = _camps(names, found)
    order = tuple(name for group in groups for name in group)
    method = next(iter(found.values())).method
    drawn = Pairwise(order, groups, method, found, table)
    return drawn if _told_apart(drawn) else Pairwise(order, (order,), method, found, table)


def _camps(names: list[str], found: dict[frozenset[str], Coefficient]) -> tuple[tuple[str, ...], ...]:
    import numpy as np

    distance = np.zeros((len(names), len(names)))
    for (i, one), (j, other) in combinations(enumerate(names), 2):
        distance[i, j] = distance[j, i] = 1 - found[frozenset((one, other))].value
    unknown = np.isnan(distance)
    off = ~np.eye(len(names), dtype=np.bool_)
    distance[unknown] = distance[off & ~unknown].mean() if (off & ~unknown).any() else 0.0
    return tuple(tuple(names[item] for item in group) for group in camps(distance))


def _told_apart(found: Pairwise) -> bool:
    if len(found.camps) < 2:
        return True
    inside, across = found._means()  # noqa: SLF001 - of this module
    half = _mean((c.high - c.low) / 2 for c in found._found.values())  # noqa: SLF001
    return math.isnan(half) or inside - across > half


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names) if more < 2 else f"{', '.join(names[:_NAMED])} and {more} more"


def _mean(values: Iterator[float] | Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
