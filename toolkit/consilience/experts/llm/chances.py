"""From token probabilities to the probability of each label."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

_OPENING = re.compile(rb'"answer"\s*:\s*"')
# Mass of tokens that may begin one label or another and were not followed: beyond this share nothing is told.
_MOST_UNSEEN = 0.05


@dataclass(frozen=True, slots=True)
class Token:
    """A generated token.

    Parameters
    ----------
    text
        Its bytes.
    alternatives
        The likeliest tokens at its place, itself included, with their natural logarithmic probabilities.
    """

    text: bytes
    alternatives: tuple[tuple[bytes, float], ...]


def label_probabilities(tokens: Sequence[Token], choices: Sequence[str]) -> tuple[tuple[str, float], ...]:
    r"""Return each label's probability, given that the model writes one of them.

    Parameters
    ----------
    tokens
        What was generated, from the first token on: a JSON object with a text under ``answer``.
    choices
        The allowed labels.

    Returns
    -------
    tuple of (str, float)
        They sum to 1, in the order of the choices, without those that no listed token begins; empty where more than a
        twentieth stays unclear.

    Notes
    -----
    The walk goes along the generated tokens, since only their neighbours are known. A neighbour that can begin one
    label only counts for that label, which is exact up to its rest being written otherwise; one that can begin several
    is unclear. A label that begins like the chosen one is told apart at the token where they part.

    Examples
    --------
    >>> sure = ((b"yes", math.log(0.9)), (b"no", math.log(0.1)))
    >>> found = label_probabilities(
    ...     [Token(b'{"answer": "', ()), Token(b"yes", sure), Token(b'"}', ())], ["yes", "no"]
    ... )
    >>> [(choice, round(share, 3)) for choice, share in found]
    [('yes', 0.9), ('no', 0.1)]
    """
    written = b"".join(token.text for token in tokens)
    opening = _OPENING.search(written)
    if opening is None:
        return ()
    masses, unclear = _walk(tokens, opening.end(), {choice: _form(choice) for choice in choices})
    whole = math.fsum(masses.values())
    if whole <= 0.0 or unclear > _MOST_UNSEEN * (whole + unclear):
        return ()
    return tuple((choice, mass / whole) for choice, mass in masses.items() if mass > 0.0)


def _form(choice: str) -> bytes:
    return json.dumps(choice, ensure_ascii=False)[1:].encode(errors="replace")


def _walk(tokens: Sequence[Token], start: int, forms: dict[str, bytes]) -> tuple[dict[str, float], float]:
    masses, unclear, path, at = dict.fromkeys(forms, 0.0), 0.0, 1.0, 0
    written = b"".join(token.text for token in tokens)
    for token in tokens:
        begin, at = at, at + len(token.text)
        if at <= start:
            continue
        # the first token may hold the opening quote too: only tokens that begin the same way are its neighbours
        shared, before = written[begin:start], written[start:begin]
        step = 0.0
        for text, logprob in token.alternatives:
            chance = path * math.exp(logprob)
            after = before + text[len(shared) :]
            candidates = _begun(after, forms) if text.startswith(shared) else []
            if text == token.text:
                step = chance
                if len(candidates) > 1:
                    continue  # followed with the next token
            if len(candidates) == 1:
                masses[candidates[0]] += chance
            elif candidates:
                unclear += chance
        if len(_begun(written[start:at], forms)) <= 1:
            return masses, unclear
        path = step
    return masses, unclear + path


def _begun(text: bytes, forms: dict[str, bytes]) -> list[str]:
    return [choice for choice, form in forms.items() if form.startswith(text) or text.startswith(form)]
