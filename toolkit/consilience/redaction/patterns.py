"""What a secret and a personal datum look like: one compiled expression, and checks of what it finds."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

_SECRET_PATTERNS: Mapping[str, str] = {
    "PRIVATE_KEY": (  # one without an end reaches to the end of the text
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:(?!-----)[\s\S])*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?"
    ),
    "API_KEY": (
        r"(?<![\w-])(?:sk-[\w-]{20,300}|xai-\w{20,300}|gsk_\w{20,300}|hf_[A-Za-z0-9]{30,60}|AIza[\w-]{35}"
        r"|[srp]k_(?:live|test)_\w{16,200}|xox[abeoprs]-[\w-]{10,300}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,300}"
        r"|SG\.[\w-]{16,40}\.[\w-]{16,80}|glpat-[\w-]{20,100})"
    ),
    "GITHUB_TOKEN": r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})",
    "AWS_KEY": r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "JWT": r"(?<![\w-])eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{8,2000}",
    "PASSWORD": (
        r"(?<=://)[^\s/:@\"'<>]{0,200}:(?P<in_url>[^\s/@\"'<>]{1,200})(?=@)"
        r"|(?i:password|passwd|pwd|secret(?:_access)?(?:_key)?|token|api[_-]?key)[\"']?\s{0,3}[=:]\s{0,3}"
        r"(?:\"(?P<in_double>[^\"\s]{6,200})\"|'(?P<in_single>[^'\s]{6,200})')"
        r"|(?<!\w)[A-Z][A-Z0-9_]{0,60}?(?:PASSWORD|SECRET|TOKEN|KEY)=(?P<in_shell>[^\s\"';]{6,200})"
        r"|(?<!\w)aws_secret_access_key\s{0,3}=\s{0,3}(?P<in_profile>[A-Za-z0-9/+]{40})"
    ),
}
_PERSONAL_PATTERNS: Mapping[str, str] = {
    "EMAIL": r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])",
    "IBAN": r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)",
    "CARD": r"(?<!\w)(?<!\d\.)\d(?:[ -]?\d){12,18}(?!\w|\.\d)",
    "PHONE": (
        r"(?<![\w.])(?:\+\d{1,3}[ .-]?(?:\(\d{1,5}\)[ .-]?)?\d(?:[ .-]?\d){5,13}"
        r"|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})(?!\w)"
    ),
    "IP": (
        r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?![\w:]))"
    ),
}
SECRETS = tuple(_SECRET_PATTERNS)
PERSONAL = tuple(_PERSONAL_PATTERNS)
KINDS = (*SECRETS, *PERSONAL)


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text that is to be hidden.

    Parameters
    ----------
    kind
        What it is, in capital letters, such as ``"EMAIL"``.
    start, end
        Where, in characters.
    """

    kind: str
    start: int
    end: int


def spans(text: str, kinds: Collection[str] = KINDS) -> Iterator[Span]:
    """Yield the secrets and personal data of a text, from left to right, without overlaps.

    Parameters
    ----------
    text
        Any text.
    kinds
        Which are looked for; all by default.

    Notes
    -----
    Card numbers are held to Luhn's check digit (ISO/IEC 7812), account numbers to mod 97 (ISO 13616), addresses of
    machines to what `ipaddress` reads. A four-part version number reads as an address.

    Examples
    --------
    >>> [(span.kind, span.start) for span in spans("Write to ana@example.org from 192.0.2.1")]
    [('EMAIL', 9), ('IP', 30)]
    """
    expression = _compiled(tuple(kind for kind in KINDS if kind in kinds))
    at = 0
    while (match := expression.search(text, at)) is not None:
        kind = next(name for name in KINDS if name in expression.groupindex and match[name] is not None)
        start, end = _value(match)
        if start == end or (kind in _CHECKS and not _CHECKS[kind](match[kind])):
            at = match.start() + 1
            continue
        yield Span(kind, start, end)
        at = match.end()


@lru_cache(maxsize=32)
def _compiled(kinds: tuple[str, ...]) -> re.Pattern[str]:
    patterns = {**_SECRET_PATTERNS, **_PERSONAL_PATTERNS}
    return re.compile("|".join(f"(?P<{kind}>{patterns[kind]})" for kind in kinds) or r"(?!)")


def _value(match: re.Match[str]) -> tuple[int, int]:
    """Return where the value is, which of a password is less than what shows that it is one."""
    for name in ("in_url", "in_double", "in_single", "in_shell", "in_profile"):
        if match.re.groupindex.get(name) and match[name] is not None:
            return match.span(name)
    return match.span()


def _is_card(text: str) -> bool:
    digits = [int(char) for char in text if char.isdigit()][::-1]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    flat = text.replace(" ", "")
    turned = flat[4:] + flat[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(char.isdigit() for char in text)


_CHECKS: Mapping[str, Callable[[str], bool]] = {"CARD": _is_card, "IBAN": _is_iban, "IP": _is_ip}
