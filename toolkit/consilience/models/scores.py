"""A number on a scale as an answer."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

from consilience.errors import InvalidInput, Unparseable
from consilience.models.answers import AnswerValue
from consilience.models.given import is_number
from consilience.models.reading import figures, quoted, require_text

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?"
_SCORE = re.compile(rf"({_NUMBER})(?:\s*(?:/|out of)\s*({_NUMBER}))?")
_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class Score:
    """A number between two bounds.

    Parameters
    ----------
    low, high
        The bounds, both allowed; 0 and 1 by default, which is what probabilities need.
    tolerance
        How far a score may lie from the circle's and still stand behind it, in the scale's units. A twentieth of the
        scale by default: 0.5 on 0 to 10, so that whole numbers count apart.
    name
        What the score is called in a prompt (``"Severity"``).

    Raises
    ------
    InvalidInput
        The bounds are not finite or not in order, or the tolerance is negative.

    Examples
    --------
    >>> Score(0, 10).parse("7/10")
    7.0
    """

    low: float = 0.0
    high: float = 1.0
    tolerance: float | None = None
    name: str = "Score"
    kind: ClassVar[str] = "score"

    def __post_init__(self) -> None:
        bounds = self.low, self.high
        if not (all(map(is_number, bounds)) and all(map(math.isfinite, bounds)) and self.low < self.high):
            raise InvalidInput(f"A score lies between low < high, {self.low!r} and {self.high!r} came.")
        if self.tolerance is None:
            object.__setattr__(self, "tolerance", _TOLERANCE * (self.high - self.low))
        elif not (is_number(self.tolerance) and 0 <= self.tolerance < math.inf):
            raise InvalidInput(f"tolerance is 0 or more, {self.tolerance!r} came.")

    def parse(self, raw: object) -> float:
        """Return the number, which may be written "7", "7/10" or "7 out of 10" when 10 is the upper bound.

        Raises
        ------
        Unparseable
            It is no number, or lies outside the bounds.
        """
        wanted = f"A number from {self.low:g} to {self.high:g}"
        value = self._number(raw, wanted)
        if not self.low <= value <= self.high:
            raise Unparseable(f"{wanted} is required, {value:g} came.")
        return value

    def key(self, value: AnswerValue) -> str:
        """Return the number as text."""
        return repr(float(str(value)))

    def near(self, value: float, centre: float) -> bool:
        """Whether a score stands behind another: no further away than the tolerance."""
        assert self.tolerance is not None
        gap = abs(value - centre)
        return gap <= self.tolerance or math.isclose(gap, self.tolerance, rel_tol=1e-9)

    def spec(self) -> str:
        """Return the kind as JSON text."""
        own = {"low": self.low, "high": self.high, "tolerance": self.tolerance, "name": self.name}
        return json.dumps({"kind": self.kind} | own, ensure_ascii=False)

    def _number(self, raw: object, wanted: str) -> float:
        if isinstance(raw, bool):
            raise Unparseable(f"{wanted} is required, {raw} came.")
        if isinstance(raw, Real):
            return float(raw)
        text = figures(require_text(raw, wanted))
        found = _SCORE.fullmatch(text)
        if found is None or (found[2] is not None and float(found[2]) != self.high):
            raise Unparseable(f"{wanted} is required, {quoted(text)} came.")
        return float(found[1])
