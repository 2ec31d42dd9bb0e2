"""How surely the experts' skills are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.errors import InvalidInput

if TYPE_CHECKING:
    import polars as pl

    from consilience.aggregate.result import Aggregation

_EXPERTS_AT_ONCE = 512


def skill_intervals(found: Aggregation, confidence: float, draws: int, seed: int) -> pl.DataFrame:
    """Return the frame of `Aggregation.skill_intervals`.

    Each draw takes a number of right answers from the model's posterior, by its mean and variance, and then a skill
    from the Beta posterior of such a number.

    Examples
    --------
    >>> from consilience.aggregate import dawid_skene
    >>> frame = {"task": [1, 1, 2, 2], "expert": ["a", "b"] * 2, "label": list("xxyy")}
    >>> skill_intervals(dawid_skene(frame), 0.95, 1000, 0).columns
    ['expert', 'answered', 'skill', 'low', 'high']
    """
    import numpy as np
    import polars as pl

    if found.estimates is None or found.skills is None:
        raise InvalidInput(f"Only models know the experts' skills, {found.method} came: run dawid_skene.")
    if not 0 < confidence < 1:
        raise InvalidInput(f"confidence lies between 0 and 1, {confidence} came: write 0.95 for 95 %.")
    if draws < 100:
        raise InvalidInput(f"draws is 100 or more, {draws} came.")
    answered = found.skills["answered"].to_numpy().astype(np.float64)
    right = found.skills["skill"].fill_null(0.0).to_numpy() * answered
    deviation = np.sqrt(found.estimates.doubt)
    generator = np.random.default_rng(seed)
    tail = (1 - confidence) / 2
    ends = np.empty((2, answered.size))
    for start in range(0, answered.size, _EXPERTS_AT_ONCE):
        part = slice(start, start + _EXPERTS_AT_ONCE)
        n = answered[part]
        drawn = generator.normal(right[part], deviation[part], size=(draws, n.size)).clip(0, n)
        ends[:, part] = np.quantile(generator.beta(drawn + 0.5, n - drawn + 0.5), [tail, 1 - tail], axis=0)
    low, high = (pl.Series(np.where(answered > 0, end, np.nan), nan_to_null=True) for end in ends)
    return found.skills.select("expert", "answered", "skill").with_columns(low=low, high=high)
