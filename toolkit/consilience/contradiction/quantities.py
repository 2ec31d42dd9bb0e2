"""Numbers with their signs and units, and written-out numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["Quantity", "number", "suffixed", "written"]

_ONES: Final = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
_TEENS: Final = "sixteen seventeen eighteen nineteen"
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_WRITTEN: Final = {
    **{word: float(value) for value, word in enumerate(f"{_ONES} {_TEENS}".split())},
    **{word: 10.0 * tens for tens, word in enumerate(_TENS.split(), 2)},
}
WORDS: Final = _WRITTEN | {"half": 0.5, "dozen": 12.0, "twice": 2.0, "thrice": 3.0}
SCALES: Final = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SUFFIX_SCALES: Final = {"k": 1e3, "mio": 1e6, "mn": 1e6, "bn": 1e9}

_ORDINALS: Final = frozenset(["st", "nd", "rd", "th"])
# minus sign, apostrophes and narrow spaces as one types them
_MARKS: Final = str.maketrans("\u2212'\u2019\u00a0\u202f", "-,,,,")

# unit: dimension, and how many of the dimension's own unit it is
UNITS: Final[dict[str, tuple[str, float]]] = {
    **dict.fromkeys(("%", "percent", "pct"), ("%", 1.0)),
    **dict.fromkeys(("x", "\u00d7", "times", "fold"), ("x", 1.0)),
    **dict.fromkeys(("$", "usd", "dollar", "dollars"), ("USD", 1.0)),
    **dict.fromkeys(("€", "eur", "euro", "euros"), ("EUR", 1.0)),
    **dict.fromkeys(("£", "gbp", "pound", "pounds"), ("GBP", 1.0)),
    **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), ("s", 1e-9)),
    **dict.fromkeys(("us", "µs", "μs", "microsecond", "microseconds"), ("s", 1e-6)),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), ("s", 1e-3)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("s", 1.0)),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), ("s", 60.0)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), ("s", 3600.0)),
    **dict.fromkeys(("d", "day", "days"), ("s", 86_400.0)),
    **dict.fromkeys(("week", "weeks"), ("s", 604_800.0)),
    **dict.fromkeys(("month", "months"), ("month", 1.0)),
    **dict.fromkeys(("year", "years", "yr", "yrs"), ("month", 12.0)),
    **dict.fromkeys(("b", "byte", "bytes"), ("B", 1.0)),
    **dict.fromkeys(("kb", "kilobyte", "kilobytes"), ("B", 1e3)),
    **dict.fromkeys(("mb", "megabyte", "megabytes"), ("B", 1e6)),
    **dict.fromkeys(("gb", "gigabyte", "gigabytes"), ("B", 1e9)),
    **dict.fromkeys(("tb", "terabyte", "terabytes"), ("B", 1e12)),
    "kib": ("B", 2.0**10),
    "mib": ("B", 2.0**20),
    "gib": ("B", 2.0**30),
    **dict.fromkeys(("mg", "milligram", "milligrams"), ("g", 1e-3)),
    **dict.fromkeys(("g", "gram", "grams"), ("g", 1.0)),
    **dict.fromkeys(("kg", "kilogram", "kilograms"), ("g", 1e3)),
    **dict.fromkeys(("mm", "millimetre", "millimetres", "millimeter", "millimeters"), ("m", 1e-3)),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), ("m", 1e-2)),
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), ("m", 1.0)),
    **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), ("m", 1e3)),
    **dict.fromkeys(("°c", "celsius"), ("°C", 1.0)),
    **dict.fromkeys(("°f", "fahrenheit"), ("°F", 1.0)),
}


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """A number of something.

    Parameters
    ----------
    value
        In the dimension's own unit (seconds, bytes, grams, metres); a word with digits, as ``p95``, has 0.
    unit
        The dimension's unit, the suffix as written, or the word with digits; empty without one.
    noun
        What is counted: the content word that follows; empty where none does. It does not tell quantities apart by
        itself.
    """

    value: float
    unit: str
    noun: str = ""


def number(digits: str) -> float | None:
    """Return what digits mean; None for a version or an address, which has more than one point.

    A comma or apostrophe before three digits separates thousands, another comma is a decimal one. A point is a
    decimal one, also before three digits.

    Examples
    --------
    >>> [number(each) for each in ("1,000", "1,5", "-2.50", "3.11.4")]
    [1000.0, 1.5, -2.5, None]
    """
    plain = digits.translate(_MARKS)
    head, *rest = plain.split(",")
    if rest:
        whole = "." not in head and all(len(part.partition(".")[0]) == 3 for part in rest)
        plain = plain.replace(",", "") if whole else plain.replace(",", ".")
    if plain.count(".") > 1:
        return None
    return float(plain[:300])


def suffixed(value: float, suffix: str) -> tuple[float, str]:
    """Return value and unit of a number with what is written after it.

    Examples
    --------
    >>> suffixed(500, "ms"), suffixed(10, "k"), suffixed(3, "rd")
    ((0.5, 's'), (10000.0, ''), (3, 'th'))
    """
    if suffix in UNITS:
        unit, scale = UNITS[suffix]
        return float(f"{value * scale:.12g}"), unit
    if suffix in _SUFFIX_SCALES:
        return value * _SUFFIX_SCALES[suffix], ""
    return value, "th" if suffix in _ORDINALS else suffix


def written(words: list[str], start: int) -> tuple[float, int] | None:
    """Return the number that is written out from a word on, and the first word after it.

    Examples
    --------
    >>> written("two hundred and five tables".split(), 0)
    (205.0, 4)
    >>> written("tables".split(), 0) is None
    True
    """
    if words[start] not in WORDS:
        return None
    total, current, at = 0.0, WORDS[words[start]], start + 1
    while at < len(words):
        word = words[at]
        if word in SCALES:
            total, current = (
                (total, current * 100) if word == "hundred" else (total + current * SCALES[word], 0.0)
            )
        elif word in _WRITTEN and current % 10 == 0 and current + total > 0 and _WRITTEN[word] < 100:
            current += _WRITTEN[word]
        elif word == "and" and words[at - 1] in SCALES and at + 1 < len(words) and words[at + 1] in _WRITTEN:
            pass
        else:
            break
        at += 1
    return total + current, at
