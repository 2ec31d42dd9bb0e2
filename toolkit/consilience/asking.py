"""A question as a form has it: texts that a person typed, read into what `Circle.ask` takes; and what a stop leaves."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from consilience.consult import unanswered
from consilience.errors import InvalidInput, UnknownExpert
from consilience.models import AnswerKind, Items, Label, Outcome, Question, Ranking, Response, Score, Text
from consilience.provenance import Introduction
from consilience.verdict import Verdict, decide
from consilience.verdict.methods import usual

if TYPE_CHECKING:
    from consilience.circle import Circle
    from consilience.rounds import Rounds
    from consilience.terms import Asking

N = TypeVar("N", int, float)

_NUMBERS: dict[type, str] = {int: "A whole number", float: "A number"}

#: The kinds of answer that a form offers, in its order.
KINDS = ("text", "label", "score", "ranking", "items")

#: The strategies of rounds that a form offers, in its order; the first asks once.
ROUNDS = ("once", "debate", "delphi", "review")


def as_form(kind: AnswerKind) -> dict[str, str]:
    r"""Return what a form shows for an answer kind: its name, and each parameter as a text.

    Examples
    --------
    >>> as_form(Label("yes", "no"))["choices"]
    'yes\nno'
    """
    form = {"kind": kind.kind, "choices": "yes\nno", "low": "0", "high": "1", "tolerance": "", "items": ""}
    form |= {"top": "", "max_items": "50", "max_chars": "20000", "name": ""}
    if isinstance(kind, Label):
        form |= {"choices": "\n".join(kind.choices), "name": kind.name}
    elif isinstance(kind, Score):
        form |= {"low": f"{kind.low:g}", "high": f"{kind.high:g}", "tolerance": f"{kind.tolerance:g}"}
        form["name"] = kind.name
    elif isinstance(kind, Ranking):
        form |= {"items": "\n".join(kind.items), "top": str(kind.top), "name": kind.name}
    elif isinstance(kind, Items):
        form["max_items"] = str(kind.max_items)
    elif isinstance(kind, Text):
        form["max_chars"] = str(kind.max_chars)
    return form


@dataclass(frozen=True, slots=True)
class Form:
    r"""What a person typed and chose.

    Parameters
    ----------
    fields
        Texts by name: ``question``, ``context``, ``kind`` with the parameters that `as_form` names, ``deadline``,
        ``first``, ``min_responses``, ``rounds`` (one of `ROUNDS`, or ``own``); an empty text means the usual value.
        ``quorum`` is a truth value, ``experts`` a list of names, everyone without it, and ``required`` one of those who
        must have answered.
    own
        A kind that no form can describe; taken where ``kind`` names it.
    own_rounds
        A strategy that no form can describe; taken where ``rounds`` is ``own``.

    Examples
    --------
    >>> Form({"question": "Is water wet?", "kind": "label", "choices": "yes\nno"}).answer
    Label('yes', 'no')
    """

    fields: Mapping[str, object]
    own: AnswerKind | None = None
    own_rounds: Rounds | None = None

    @property
    def question(self) -> str:
        """The question's text."""
        return self._text("question")

    @property
    def answer(self) -> AnswerKind:
        """The answer kind.

        Raises
        ------
        InvalidInput
            A parameter is no number, out of its range, or missing.
        """
        kind = self._text("kind") or "text"
        if self.own is not None and kind == self.own.kind and kind not in KINDS:
            return self.own
        named = {"name": name} if (name := self._text("name")) else {}
        if kind == "label":
            return Label(*self._lines("choices"), **named)
        if kind == "score":
            low, high = self._number("low", float) or 0.0, self._number("high", float)
            return Score(low, _or(high, 1.0), self._number("tolerance", float), **named)
        if kind == "ranking":
            return Ranking(*self._lines("items"), top=self._number("top", int), **named)
        if kind == "items":
            return Items(max_items=_or(self._number("max_items", int), 50))
        if kind == "text":
            return Text(max_chars=_or(self._number("max_chars", int), 20_000))
        raise InvalidInput(f"A form asks for one of {', '.join(KINDS)}, {kind!r} came.")

    @property
    def how(self) -> Asking:
        """What `Circle.stream` takes beside the question.

        Raises
        ------
        InvalidInput
            A number is none.
        """
        return {
            "answer": self.answer,
            "context": self._text("context").strip() or None,
            "deadline": self._number("deadline", float),
            "first": self._number("first", int),
            "min_responses": self._number("min_responses", int) or 0,
            "quorum": bool(self.fields.get("quorum")),
            "required": self._required(),
            "rounds": self.rounds,
        }

    @property
    def rounds(self) -> Rounds | None:
        """The strategy of rounds; ``None`` asks once.

        Raises
        ------
        InvalidInput
            It is none that a form offers.
        """
        from consilience.rounds import Debate, Delphi, PeerReview

        chosen = self._text("rounds") or "once"
        known: dict[str, Rounds | None] = dict(
            zip(ROUNDS, (None, Debate(), Delphi(), PeerReview()), strict=True)
        )
        if self.own_rounds is not None:
            known["own"] = self.own_rounds
        if chosen not in known:
            raise InvalidInput(f"rounds is one of {', '.join(known)}, {chosen[:40]!r} came.")
        return known[chosen]

    def circle(self, whole: Circle) -> Circle:
        """Return the circle of the chosen experts.

        Raises
        ------
        InvalidInput, UnknownExpert
            Nobody is chosen, or somebody who is not in the circle.
        """
        chosen = self._names("experts")
        return whole if chosen is None else among(whole, chosen)

    def _required(self) -> list[str]:
        required, asked = self._names("required") or [], self._names("experts")
        left_out = [] if asked is None else [name for name in required if name not in asked]
        if left_out:
            raise InvalidInput(
                f"Who must have answered is asked too, {', '.join(left_out)} is not chosen: choose them, or do not "
                "require them."
            )
        return required

    def _names(self, field: str) -> list[str] | None:
        given = self.fields.get(field)
        if given is None:
            return None
        if not isinstance(given, (list, tuple)):
            raise InvalidInput(f"{field} is a list of names, {given!r} came.")
        return [str(name) for name in given]

    def _text(self, name: str) -> str:
        return str(self.fields.get(name) or "")

    def _lines(self, name: str) -> list[str]:
        return [line.strip() for line in self._text(name).splitlines() if line.strip()]

    def _number(self, name: str, kind: type[N]) -> N | None:
        given = self._text(name).strip()
        if not given:
            return None
        try:
            return kind(given)
        except ValueError:
            raise InvalidInput(
                f"{_NUMBERS[kind]} is required for {name.replace('_', ' ')}, {given[:40]!r} came."
            ) from None


def among(circle: Circle, names: Sequence[str]) -> Circle:
    """Return a circle of some experts of another, with the same policies, budget, store and redaction.

    Raises
    ------
    InvalidInput, UnknownExpert
        No name is given, or one that is not in the circle.
    """
    known = [expert.name for expert in circle.experts]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise UnknownExpert(
            f"An expert of the circle is required ({', '.join(known)}), {', '.join(unknown)} came."
        )
    if not names:
        raise InvalidInput(f"At least one expert is asked, none is chosen: choose of {', '.join(known)}.")
    chosen = tuple(expert for expert in circle.experts if expert.name in names)
    if chosen == circle.experts:
        return circle
    some = copy.copy(circle)
    some.experts = chosen
    # the store knows them as a circle of their own
    some._introduced = Introduction(chosen, circle._disclosure.redactor)  # noqa: SLF001 - a circle like the other
    return some


def stopped(question: Question, circle: Circle, responses: Sequence[Response], seconds: float) -> Verdict:
    """Return the verdict of the answers that had come when a question was stopped.

    Parameters
    ----------
    question, circle
        What was asked of whom.
    responses
        Those that had ended. Everyone else counts among the asked, as *failed*.
    seconds
        After which it was stopped.
    """
    ended = {response.expert for response in responses}
    started = time.monotonic() - seconds
    reason = f"stopped by hand after {seconds:.1f} s, before the answer came"
    rest = [
        unanswered(expert, question, Outcome.FAILED, reason, started)
        for expert in circle.experts
        if expert.name not in ended
    ]
    return decide(question, [*responses, *rest], method=usual(question.answer, circle.method))


def _or(given: N | None, usual: N) -> N:
    return usual if given is None else given
