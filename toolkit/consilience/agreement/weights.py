"""How much of an agreement two labels are: not at all unless equal, or the more the nearer they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from consilience.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]

Weights = Literal["identity", "linear", "quadratic"]

_MOST_LABELS = 2_048


def weight_matrix(labels: pl.Series, weights: Weights, *, scale_given: bool) -> Array | None:
    """Return the weight of each two labels, 1 for equal ones and 0 for the ends of the scale; None for identity.

    Parameters
    ----------
    labels
        The scale, ascending. Numbers lie apart by their difference, other labels by their places.
    weights
        Which of `Weights`.
    scale_given
        Whether the caller named the scale, and with it the order of labels that have none of their own.

    Raises
    ------
    InvalidInput
        The weights are others, the labels have no order, or are too many.

    Examples
    --------
    >>> import polars as pl
    >>> weight_matrix(pl.Series([1, 2, 3]), "quadratic", scale_given=False)[0].tolist()
    [1.0, 0.75, 0.0]
    """
    import numpy as np
    import polars as pl

    if weights not in get_args(Weights):
        raise InvalidInput(f"weights is one of {', '.join(get_args(Weights))}, {weights!r} came.")
    if weights == "identity" or len(labels) < 2:
        return None
    if len(labels) > _MOST_LABELS:
        raise InvalidInput(
            f"Weights compare each label with each other, {len(labels):,} labels came (at most {_MOST_LABELS:,}): "
            "use krippendorff_alpha with level='interval', or icc."
        )
    ordered = isinstance(labels.dtype, (pl.Enum, pl.Boolean))
    if not (labels.dtype.is_numeric() or ordered or scale_given):
        raise InvalidInput(
            f"{weights.capitalize()} weights need an order, column 'label' holds {labels.dtype}: name the scale from "
            "low to high with labels=[...], or make the labels numbers."
        )
    places = labels.cast(pl.Float64) if labels.dtype.is_numeric() else pl.Series(range(len(labels)))
    values = places.to_numpy().astype(np.float64)
    apart = np.abs(values[:, None] - values[None, :]) / np.ptp(values)
    matrix: Array = 1 - (apart if weights == "linear" else np.square(apart))
    return matrix
