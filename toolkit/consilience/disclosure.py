"""What of a question leaves, to whom, and what of the answers is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from consilience.errors import InvalidInput
from consilience.experts.base import Expert
from consilience.models import AnswerValue, Example, Outcome, Question, Response
from consilience.redaction import Redaction, Redactor
from consilience.verdict import Verdict, decide

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
        withheld = tuple(
            _refused(question, expert, tag) for expert in experts if (tag := self._barred(question, expert))
        )
        names = {response.expert for response in withheld}
        asked = tuple(expert for expert in experts if expert.name not in names)
        if self.redactor is None:
            return Shown(question, asked, withheld, None, question)
        redaction = self.redactor.start()
        return Shown(_hidden(question, redaction), asked, withheld, redaction, question)

    def require_open(self, what: str) -> None:
        """Raise `InvalidInput` where this is used with redaction or an allow-list, which it does not go through."""
        if self.redactor is not None or self.allow:
            raise InvalidInput(
                f"A circle with redact= or allow= takes no {what.removeprefix('a ')}: what it hides would be shown. "
                "Ask the questions with ask or ask_all, or make a circle without them."
            )

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

    def hidden(self, responses: Sequence[Response]) -> list[Response]:
        """Return all responses as they may be kept."""
        together = [*responses, *self.withheld]
        if self.redaction is None:
            return together
        return [_mapped(response, self.redaction.hide) for response in together]

    def restored(self, verdict: Verdict) -> Verdict:
        """Return the verdict for the caller: with what was hidden put back."""
        if self.redaction is None or not self.redaction.placeholders:
            return verdict
        responses = [_mapped(response, self.redaction.restore) for response in verdict.responses]
        again = decide(self.original, responses, method=verdict.method)
        return replace(again, id=verdict.id, decided_at=verdict.decided_at)


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
    return replace(
        question,
        text=redaction.hide(question.text),
        context=None if question.context is None else redaction.hide(question.context),
        examples=tuple(
            Example(redaction.hide(e.question), redaction.hide(e.answer)) for e in question.examples
        ),
    )


def _mapped(response: Response, change: Callable[[str], str]) -> Response:
    def value(answer: AnswerValue | None) -> AnswerValue | None:
        if isinstance(answer, tuple):
            return tuple(change(part) for part in answer)
        return change(answer) if isinstance(answer, str) else answer

    return replace(
        response,
        answer=value(response.answer),
        raw=None if response.raw is None else change(response.raw),
        reason=None if response.reason is None else change(response.reason),
    )
