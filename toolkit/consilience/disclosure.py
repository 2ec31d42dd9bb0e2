"""What of a question leaves, to whom, and what of the answers is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from consilience.errors import InvalidInput
from consilience.experts.base import Expert
from consilience.models import Example, Outcome, Question, Response, Usage
from consilience.redaction import Redaction, Redactor
from consilience.verdict import Round, Verdict, decide

Allowed = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A circle's rules of what leaves it.

    Parameters
    ----------
    redactor
        Hides secrets and personal data from experts and store; ``None`` hides nothing.
    allow
        For each tag of a question, the providers that may see it.
    """

    redactor: Redactor | None
    allow: Allowed

    def __post_init__(self) -> None:
        for tag, providers in self.allow.items():
            if isinstance(providers, str):
                raise InvalidInput(f"allow= takes lists of providers: write {{{tag!r}: [{providers!r}]}}.")

    def of(self, question: Question, experts: Sequence[Expert]) -> Shown:
        """Return what may be shown, and to whom.

        Raises
        ------
        InvalidInput
            The choices of the answer hold what is to be hidden, and cannot be replaced.
        """
        if self.open:
            return Shown(question, tuple(experts), (), None, question)
        withheld = tuple(
            _refused(question, expert, tag) for expert in experts if (tag := self._barred(question, expert))
        )
        names = {response.expert for response in withheld}
        asked = tuple(expert for expert in experts if expert.name not in names)
        if self.redactor is None:
            return Shown(question, asked, withheld, None, question)
        redaction = self.redactor.start()
        return Shown(_hidden(question, redaction), asked, withheld, redaction, question)

    @property
    def open(self) -> bool:
        """Whether everything is shown to everyone."""
        return self.redactor is None and not self.allow

    def hidden(self, text: str) -> str:
        """Return a text that belongs to no question, as it may be kept."""
        return text if self.redactor is None else self.redactor.start().hide(text)

    def _barred(self, question: Question, expert: Expert) -> str | None:
        own = provider(expert)
        return next(
            (
                tag
                for tag in question.tags
                if tag in self.allow and not {own, f"{own}:{expert.name}"} & set(self.allow[tag])
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """A question as it leaves, who is asked, and the way back.

    Parameters
    ----------
    question
        As experts and store see it.
    experts
        Who may be asked.
    withheld
        The responses of those who may not.
    redaction
        What was hidden; ``None`` without a redactor.
    original
        The question as it was asked.
    """

    question: Question
    experts: tuple[Expert, ...]
    withheld: tuple[Response, ...]
    redaction: Redaction | None
    original: Question

    def leaving(self, question: Question) -> Question:
        """Return another question on the same matter, such as that of a later round, as it may be asked and kept."""
        return question if self.redaction is None else _hidden(question, self.redaction)

    def hide(self, response: Response) -> Response:
        """Return a response as it may be kept, and shown to other experts."""
        return response if self.redaction is None else response.changed(self.redaction.hide)

    def hidden(self, responses: Sequence[Response]) -> list[Response]:
        """Return all responses as they may be kept."""
        return [self.hide(response) for response in (*responses, *self.withheld)]

    def restored(self, verdict: Verdict) -> Verdict:
        """Return the verdict for the caller: with what was hidden put back, in every round."""
        if self.redaction is None or not self.redaction.placeholders:
            return verdict
        back = self.redaction.restore
        original = replace(self.original, id=verdict.question.id, asked_at=verdict.question.asked_at)
        again = decide(original, [r.changed(back) for r in verdict.responses], method=verdict.method)
        rounds = tuple(_round_mapped(one, back) for one in verdict.rounds)
        return replace(
            again, id=verdict.id, decided_at=verdict.decided_at, rounds=rounds, course=back(verdict.course)
        )


def provider(expert: Expert) -> str:
    """Return the provider that sees what an expert is asked.

    It is what the expert says (``expert.provider``, or the name of its ``service``), else how it answers:
    ``"function"``, ``"recorded"``, ``"scripted"``, ``"person"``, ``"model"``.
    """
    own = getattr(expert, "provider", None) or getattr(getattr(expert, "service", None), "name", None)
    return own if isinstance(own, str) else str(expert.source)


def _refused(question: Question, expert: Expert, tag: str) -> Response:
    return Response(
        question_id=question.id,
        expert=expert.name,
        source=expert.source,
        outcome=Outcome.REFUSED,
        usage=Usage(0, 0, 0.0),
        calls=0,
        reason=f"not asked: the tag {tag!r} does not allow the provider {provider(expert)!r}",
    )


def _hidden(question: Question, redaction: Redaction) -> Question:
    examples = [text for example in question.examples for text in (example.question, example.answer)]
    redaction.reserve(question.text, question.context or "", *examples)
    spec = question.answer.spec()
    if redaction.hide(spec) != spec:
        raise InvalidInput(
            "The choices of an answer stand as they are, and one of these holds what is to be redacted: choose other "
            "words for it."
        )
    return _question_mapped(question, redaction.hide)


def _question_mapped(question: Question, change: Callable[[str], str]) -> Question:
    return replace(
        question,
        text=change(question.text),
        context=None if question.context is None else change(question.context),
        examples=tuple(Example(change(e.question), change(e.answer)) for e in question.examples),
    )


def _round_mapped(one: Round, change: Callable[[str], str]) -> Round:
    return replace(
        one,
        questions=tuple((name, _question_mapped(question, change)) for name, question in one.questions),
        responses=tuple(response.changed(change) for response in one.responses),
    )
