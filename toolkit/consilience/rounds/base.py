"""What a strategy of rounds is, and what it works with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias, runtime_checkable

from consilience.consult import Calls, consult, unanswered
from consilience.disclosure import Shown
from consilience.errors import InvalidInput, UnknownExpert
from consilience.experts.base import Expert
from consilience.models import AnswerValue, Outcome, Question, Response
from consilience.rounds.showing import ordered, show
from consilience.streaming import Asked, Tell
from consilience.terms import Terms
from consilience.verdict import Round, Verdict, decide
from consilience.verdict.methods import Method

Put: TypeAlias = Question | Callable[[str], Question]

#: Ends that an expert did not choose; its answer of the round before stands then.
_UNCHOSEN = (
    Outcome.TIMED_OUT,
    Outcome.FAILED,
    Outcome.CIRCUIT_OPEN,
    Outcome.OVER_BUDGET,
    Outcome.UNPARSEABLE,
)


@runtime_checkable
class Rounds(Protocol):
    """A strategy: who is asked what, how often, and which responses the verdict counts.

    Examples
    --------
    One of your own:

    >>> import consilience as cs
    >>> class SecondThoughts:
    ...     async def conduct(self, inquiry):
    ...         first = await inquiry.ask()
    ...         said = inquiry.show(r.answer for r in first if r.answered)
    ...         again = inquiry.again("Consider what others said, then answer again.", said)
    ...         return inquiry.standing(first, await inquiry.ask(again))
    >>> circle = cs.Circle([cs.Scripted("ana", ["no", "yes"]), cs.Scripted("ben", ["yes"])])
    >>> verdict = circle.ask_sync("Is water wet?", answer=cs.Label("yes", "no"), rounds=SecondThoughts())
    >>> verdict.answer, len(verdict.rounds), verdict.rounds[0].responses[0].answer
    ('yes', 2, 'no')
    """

    async def conduct(self, inquiry: Inquiry) -> Sequence[Response]:
        """Ask as often as it takes and return the responses that count, one an expert."""


class Inquiry:
    """One question to a circle, asked in rounds. A strategy gets it; nobody else makes one.

    Attributes
    ----------
    question
        What the circle was asked, as experts may see it.
    experts
        The names of all experts of the circle, sorted. Who may not see the question is *refused* in every round.
    rounds
        What was asked and answered so far.
    """

    def __init__(
        self,
        shown: Shown,
        experts: Sequence[Expert],
        policies: Mapping[str, Calls],
        *,
        deadline: float,
        method: Method,
        tell: Tell | None = None,
    ) -> None:
        self.question = shown.question
        self.experts = tuple(expert.name for expert in experts)
        self.rounds: list[Round] = []
        self._shown = shown
        self._withheld = {response.expert: response for response in shown.withheld}
        self._experts = {expert.name: expert for expert in experts}
        self._policies = policies
        self._until = time.monotonic() + deadline
        self._method = method
        self._tell = tell
        self._notes: list[str] = []

    @property
    def seconds_left(self) -> float:
        """Seconds until the question's deadline, which all rounds share; 0 when it is over."""
        return max(self._until - time.monotonic(), 0.0)

    async def ask(
        self, question: Put | None = None, *, experts: Iterable[str] | None = None
    ) -> tuple[Response, ...]:
        """Ask one round, everyone at once, and return a response for each, sorted by name.

        Parameters
        ----------
        question
            What is asked; the circle's question by default. A function gives each expert, by name, a question of its
            own.
        experts
            Who is asked; all by default.

        Raises
        ------
        UnknownExpert, InvalidInput
            A name is not in the circle, or there is none.
        """
        names = self._named(experts)
        put = self.question if question is None else question
        questions = {
            name: self._shown.leaving(put if isinstance(put, Question) else put(name)) for name in names
        }
        number = len(self.rounds) + 1
        if self._tell is not None:
            asked = tuple(name for name in names if name not in self._withheld)
            self._tell(Asked(self._shown.original, asked, number))
        responses = await self._answers(questions)
        self.rounds.append(Round(number, tuple(questions.items()), responses))
        return responses

    def again(self, request: str, shown: str) -> Question:
        """Return the circle's question to be answered again; the answer is of the same kind.

        Parameters
        ----------
        request
            What to do now; it stands after the question's text.
        shown
            What to look at; it stands after the question's context, which is data for a model and not instructions.
        """
        context = f"{self.question.context}\n\n{shown}" if self.question.context else shown
        return replace(self.question, text=f"{self.question.text}\n\n{request}", context=context)

    def show(self, answers: Iterable[AnswerValue]) -> str:
        """Return answers as experts may be shown them: escaped, bounded, in an order that does not tell whose."""
        return show(ordered(answers))

    def vote(self, responses: Sequence[Response]) -> Verdict:
        """Return what these responses would add up to, by the circle's method."""
        return decide(self.question, responses, method=self._method)

    def note(self, sentence: str) -> None:
        """Add a sentence to `Verdict.course`, which says how the rounds went."""
        self._notes.append(sentence)

    def standing(self, before: Sequence[Response], after: Sequence[Response]) -> tuple[Response, ...]:
        """Return the responses after a revision; the earlier answer of an expert who could not revise stands.

        Who abstains or refuses after seeing what others said has withdrawn its answer; who was late or failed has not.
        """
        earlier = {response.expert: response for response in before if response.answered}
        kept = [r.expert for r in after if r.outcome in _UNCHOSEN and r.expert in earlier]
        if kept:
            self.note(
                f"The earlier answer stands of {', '.join(kept)}, who gave none in round {len(self.rounds)}."
            )
        return tuple(earlier[r.expert] if r.expert in kept else r for r in after)

    async def conducted(self, strategy: Rounds) -> Verdict:
        """Let a strategy ask, and return the verdict with its rounds.

        Raises
        ------
        InvalidInput
            The strategy returned no responses, or two for one name.
        """
        responses = tuple(await strategy.conduct(self))
        given: Sequence[object] = responses
        names = [response.expert for response in given if isinstance(response, Response)]
        if not names or len(names) != len(responses) or len(set(names)) != len(names):
            raise InvalidInput(
                f"conduct() of {strategy!r} must return cs.Response objects, at least one and one for each name; "
                f"{len(responses)} objects came, {len(set(names))} names."
            )
        return replace(self.vote(responses), rounds=tuple(self.rounds), course=" ".join(self._notes))

    def _named(self, experts: Iterable[str] | None) -> tuple[str, ...]:
        names = self.experts if experts is None else tuple(sorted(set(experts)))
        unknown = [name for name in names if name not in self._experts]
        if unknown:
            raise UnknownExpert(
                f"A round asks experts of the circle, {', '.join(map(repr, unknown))} came: take of "
                f"{', '.join(self.experts)}."
            )
        if not names:
            raise InvalidInput("A round asks at least one expert, none came.")
        return names

    async def _answers(self, questions: Mapping[str, Question]) -> tuple[Response, ...]:
        asked = [(self._experts[name], put) for name, put in questions.items() if name not in self._withheld]
        seconds = self.seconds_left
        if seconds:
            came = await consult(asked, self._policies, Terms(deadline=seconds), self._tell)
        else:
            now = time.monotonic()
            reason = f"no time was left for round {len(self.rounds) + 1}"
            came = [unanswered(e, question, Outcome.TIMED_OUT, reason, now) for e, question in asked]
        given = self._withheld | {response.expert: self._shown.hide(response) for response in came}
        return tuple(given[name] for name in questions)
