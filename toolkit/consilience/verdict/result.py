"""What a circle's responses to one question add up to, with its displays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from consilience.agreement import Coefficient
from consilience.dedup.merged import Merged
from consilience.errors import InvalidInput
from consilience.intervals import wilson
from consilience.markup.displayed import Displayed
from consilience.markup.plain import plain
from consilience.models import AnswerValue, Items, Outcome, Question, Ranking, Response, Score, Usage, quoted
from consilience.models.identifiers import new_id
from consilience.verdict.methods import WEIGHTED, Method, methods_for
from consilience.verdict.needs import NO_NEEDS, Needs
from consilience.verdict.rounds import Round
from consilience.verdict.weights import same

if TYPE_CHECKING:
    import polars as pl


class Decision(StrEnum):
    """How the votes fell."""

    MAJORITY = "majority"
    PLURALITY = "plurality"
    TIE = "tie"
    NO_MAJORITY = "no majority"
    NO_ANSWER = "no answer"
    MERGED = "merged"
    POOLED = "pooled"
    RANKED = "ranked"
    NO_QUORUM = "no quorum"


@dataclass(frozen=True, slots=True)
class Support:
    """How many of the asked experts stand behind an answer.

    Parameters
    ----------
    n, of
        Experts behind the answer, and experts asked: every outcome counts in the denominator.
    low, high
        95 % interval of the share (Wilson 1927), as if the experts erred independently; they seldom do, so the true
        interval is wider.
    weight
        Share of the weight of the asked experts; ``None`` unless the method weighs them.
    """

    n: int
    of: int
    low: float
    high: float
    weight: float | None = None

    @property
    def share(self) -> float:
        """``n / of``, between 0 and 1."""
        return self.n / self.of if self.of else math.nan

    def __str__(self) -> str:
        said = f"{self.n} of {self.of}, {self.share:.2f} [{self.low:.2f}, {self.high:.2f}]"
        return said if self.weight is None else f"{said}, {self.weight:.2f} of the weight"


@dataclass(frozen=True, slots=True)
class Vote:
    """One answer and who gave it, names in alphabetical order.

    Parameters
    ----------
    answer, experts
        The answer, and the names.
    weight
        What the experts weigh together; ``None`` unless the method weighs them.
    """

    answer: AnswerValue
    experts: tuple[str, ...]
    weight: float | None = None

    @property
    def strength(self) -> float:
        """What decides: the weight, or the number of experts."""
        return float(len(self.experts)) if self.weight is None else self.weight


@dataclass(frozen=True, slots=True)
class Replay:
    """Where a replayed verdict comes from.

    Parameters
    ----------
    of
        Id of the verdict whose responses were counted again.
    without
        Experts who were left out.
    """

    of: str
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        left_out = f" without {', '.join(self.without)}" if self.without else ""
        return f"Replayed from the stored answers of verdict {self.of[:8]}{left_out}; nobody was asked again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Displayed):
    """What a circle's responses to one question add up to.

    Parameters
    ----------
    question
        The question.
    responses
        One for each asked expert, sorted by name.
        With rounds: the last ones of those whom the verdict counts.
    method
        How it was decided; `decide` says what each method is.
    decision
        How the votes fell.
    answer
        The answer; ``None`` where the votes decide nothing. For `Items`: the merged recommendations, most supported
        first. For `Score`: the pooled number. For `Ranking`: the joint order, the best first.
    votes
        The distinct answers and who gave them, most votes first.
    support
        Experts behind the leading answer, of those asked. For `Score`: whose number lies within the kind's tolerance
        of the answer. For `Ranking`: who put first what the answer puts first.
    agreement
        Chance-corrected agreement on this one question, for `Label`, `Score` and rankings of all items.
    recommendations
        Merged recommendations with their sources; empty for other answer kinds.
    weights
        Expert and weight, by name; empty unless the method weighs them.
    places
        For `Ranking`: the items place by place, several where the method finds no difference; empty for other kinds.
    replayed
        What this verdict is a replay of; ``None`` for the verdict of a circle.
    needs, shortfall
        Without whose answers there is no verdict, and what of that is missing; empty when nothing is.
    rounds, course
        What was asked and answered in each round, and a sentence on how they went; empty when experts were asked once.
    id, decided_at
        A UUID and wall-clock time in UTC.
    """

    question: Question
    responses: tuple[Response, ...]
    method: Method
    decision: Decision
    answer: AnswerValue | None
    votes: tuple[Vote, ...]
    support: Support
    agreement: Coefficient | None
    recommendations: Merged
    weights: tuple[tuple[str, float], ...] = ()
    places: tuple[tuple[str, ...], ...] = ()
    replayed: Replay | None = None
    needs: Needs = NO_NEEDS
    shortfall: str = ""
    rounds: tuple[Round, ...] = ()
    course: str = ""
    id: str = field(default_factory=new_id)
    decided_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def ties(self) -> tuple[str, ...]:
        """Answers that lead together, when the decision is a tie; items that share a place of a ranking."""
        if self.places:
            return tuple(" = ".join(place) for place in self.places if len(place) > 1)
        if self.decision is not Decision.TIE:
            return ()
        most = self.votes[0].strength
        return tuple(sorted(shown(vote.answer) for vote in self.votes if same(vote.strength, most)))

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        """How many experts ended in each outcome, in the order of `Outcome`."""
        ended = [response.outcome for response in self.heard]
        return {outcome: n for outcome in Outcome if (n := ended.count(outcome))}

    @property
    def degraded(self) -> bool:
        """Whether an asked expert who was needed gave no answer, or too few did."""
        fine = (Outcome.ANSWERED, Outcome.NOT_NEEDED)
        return bool(self.shortfall) or any(response.outcome not in fine for response in self.heard)

    @property
    def banner(self) -> str:
        """One line that says who is missing; empty when everyone answered."""
        if all(response.answered for response in self.heard):
            return ""
        answered = self.outcomes.get(Outcome.ANSWERED, 0)
        rest = (f"{n} {outcome}" for outcome, n in self.outcomes.items() if outcome != Outcome.ANSWERED)
        return f"{answered} of {len(self.heard)} answered: {', '.join(rest)}"

    @property
    def heard(self) -> tuple[Response, ...]:
        """The last response of each expert who was asked in any round."""
        if not self.rounds:
            return self.responses
        last = {response.expert: response for each in self.rounds for response in each.responses}
        return tuple(last.values()) or self.responses

    @property
    def dissent(self) -> tuple[Vote, ...]:
        """Answers that do not stand behind the verdict's, most votes first; for `Items`, those of one expert only."""
        if isinstance(self.question.answer, Items):
            return tuple(Vote(row.text, row.experts) for row in self.recommendations if row.support == 1)
        return tuple(vote for vote in self.votes if not self._behind(vote.answer))

    def _behind(self, answer: AnswerValue) -> bool:
        kind = self.question.answer
        if isinstance(kind, Score) and isinstance(answer, float) and isinstance(self.answer, float):
            return kind.near(answer, self.answer)
        if isinstance(kind, Ranking) and isinstance(answer, tuple) and self.answer is not None:
            return answer[0] in self.places[0]
        return answer == self.answer

    @property
    def usage(self) -> Usage:
        """Sum over the responses, those of every round; unknown where any part is unknown."""
        paid = [response for each in self.rounds for response in each.responses] or self.responses
        return Usage.total([response.usage for response in paid])

    @property
    def headline(self) -> str:
        """The verdict in one line: the answer, or why there is none."""
        if self.decision is Decision.NO_QUORUM:
            return f"no quorum: {self.shortfall}"
        if self.decision is Decision.TIE:
            return f"tie: {' | '.join(self.ties)}"
        if self.decision is Decision.MERGED:
            return f"{len(self.recommendations)} recommendations"
        if self.answer is None:
            return self.decision.value
        if self.places:
            return " > ".join(" = ".join(place) for place in self.places)
        return shown(self.answer)

    def replay(
        self,
        *,
        method: Method | None = None,
        weights: Mapping[str, float] | None = None,
        without: Sequence[str] = (),
    ) -> Verdict:
        """Decide again from the same responses, with no call.

        Parameters
        ----------
        method
            Another method; this verdict's by default, or the kind's weighted one when weights are given.
        weights
            How much each expert counts, 0 or more; this verdict's by default. Weights that were learned on the same
            answers flatter whoever agrees: learn them on others.
        without
            Names of experts whose responses are left out; they are not among the asked then.

        Returns
        -------
        Verdict
            With an id of its own, and `replayed` saying of what. Recommendations are merged and not voted on, so for
            `Items` only `without` makes a difference.

        Raises
        ------
        InvalidInput
            A name is not in the circle, nobody is left, weights do not fit, or recommendations were to be voted on.

        Examples
        --------
        >>> import consilience as cs
        >>> circle = cs.Circle([cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["no"])])
        >>> verdict = circle.ask_sync("Is water wet?", answer=cs.Label("yes", "no"))
        >>> verdict.headline, verdict.replay(weights={"ana": 2, "ben": 1}).headline
        ('tie: no | yes', 'yes')
        """
        names = {response.expert for response in self.responses}
        if isinstance(without, str):
            raise InvalidInput(f"without= takes a list of names, a text came: write without=[{without!r}].")
        for what, given in (("without", set(without)), ("weights", set(weights or ()))):
            if given - names:
                raise InvalidInput(
                    f"{what}= takes {', '.join(sorted(names))}; {', '.join(map(str, given - names))} was not asked."
                )
        if isinstance(self.question.answer, Items) and (weights or method not in (None, self.method)):
            raise InvalidInput(
                "Recommendations are merged, not voted on: replay takes without=[...] only for cs.Items()."
            )
        weighted = [each for each in methods_for(self.question.answer) if each in WEIGHTED]
        method = method or (weighted[0] if weights and weighted else self.method)
        if weights is None and method in WEIGHTED:
            weights = dict(self.weights)
        kept = [response for response in self.responses if response.expert not in without]
        from consilience.verdict.decide import decide

        again = decide(self.question, kept, method=method, weights=weights)
        before = self.replayed.without if self.replayed else ()
        replayed = Replay(self.replayed.of if self.replayed else self.id, tuple(sorted({*before, *without})))
        rounds = tuple(each.without(without) for each in self.rounds)
        again = replace(
            again, decided_at=self.decided_at, replayed=replayed, rounds=rounds, course=self.course
        )
        # nobody was asked again: what was short stays short, and leaving answers out can only add to it
        return short_of(again, self.needs, self.shortfall or self.needs.shortfall(again.heard))

    def explain(self) -> str:
        """Say in plain text what was asked, answered and decided, and by whom."""
        lines = [f"Asked: {self.question.text}"]
        lines += [f"{self.replayed}."] if self.replayed else []
        lines += [f"{'Degraded: ' if self.degraded else ''}{self.banner}"] if self.banner else []
        lines += [self.course] if self.course else []
        lines += [f"Answer: {self.headline} ({self.support})"]
        lines += [f"Dissent: {shown(vote.answer)} ({', '.join(vote.experts)})" for vote in self.dissent]
        for row in self.recommendations:
            lines += [f"  - {row.text} ({', '.join(row.experts)})"]
            lines += [f"    contradicts: {self.recommendations[n].text}" for n in row.conflicts]
        lines += [f"  {r.expert}: {r.outcome}: {r.reason}" for r in self.responses if not r.answered]
        lines += [f"Agreement: {self.agreement.explain()}"] if self.agreement else []
        lines += (
            [f"Weights: {', '.join(f'{name} {w:g}' for name, w in self.weights)}"] if self.weights else []
        )
        lines += [f"Method: {self.method}; cost {self.usage.price}"]
        return plain("\n".join(lines), limit=50_000)

    def to_polars(self) -> pl.DataFrame:
        """Return one row a response: who, outcome, answer, confidence and its source, seconds, tokens, cost."""
        import polars as pl

        return pl.DataFrame(
            [
                {
                    "expert": response.expert,
                    "source": str(response.source),
                    "outcome": str(response.outcome),
                    "answer": None if response.answer is None else shown(response.answer),
                    "confidence": response.confidence,
                    "confidence_source": response.confidence_source and str(response.confidence_source),
                    "latency_s": response.latency_s,
                    "input_tokens": response.usage.input_tokens,
                    "output_tokens": response.usage.output_tokens,
                    "cost_usd": response.usage.cost_usd,
                    "reason": response.reason,
                }
                for response in self.responses
            ],
            schema_overrides={
                "confidence": pl.Float64,
                "confidence_source": pl.String,
                "cost_usd": pl.Float64,
                "answer": pl.String,
            }
            | {"input_tokens": pl.Int64, "output_tokens": pl.Int64, "reason": pl.String},
        )

    def __repr__(self) -> str:
        banner = f" ({self.banner})" if self.banner else ""
        replayed = ", replayed" if self.replayed else ""
        return f"<Verdict {quoted(self.headline, 60)}, {self.support}{banner}{replayed}>"

    def _repr_html_(self) -> str:
        from consilience.verdict.card import card

        return card(self)


def short_of(verdict: Verdict, needs: Needs, shortfall: str) -> Verdict:
    """Return the verdict with what it needed; one that falls short of it decides nothing."""
    if not shortfall:
        return replace(verdict, needs=needs)
    of = len(verdict.responses)
    return replace(
        verdict,
        needs=needs,
        shortfall=shortfall,
        decision=Decision.NO_QUORUM,
        answer=None,
        support=Support(0, of, *wilson(0, of)),
        agreement=None,
        recommendations=Merged(()),
        places=(),
    )


def shown(answer: AnswerValue) -> str:
    """Return an answer on one line; numbers to six digits."""
    if isinstance(answer, tuple):
        return "; ".join(answer)
    return answer if isinstance(answer, str) else f"{answer:.6g}"
