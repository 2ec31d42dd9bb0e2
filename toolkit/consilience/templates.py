"""Templates for questions that come again and again: who is asked to answer, how, and in which form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consilience.errors import InvalidInput
from consilience.experts.registry import Model
from consilience.models import AnswerKind, Example, Items, Question, Score, Text

__all__ = ["ARCHITECTURE", "CODE_REVIEW", "OPTIMISATION", "RESEARCH", "REVIEW", "Template"]


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of question.

    Parameters
    ----------
    role
        A sentence that says as whom a model answers; the persona of `expert`.
    request
        What is to be done; it stands before what is asked.
    answer
        The kind of answer.
    examples
        Solved questions, as in `Question`; none by default.
    temperature
        Of the sampling, for `expert`; 0, the default, repeats itself.

    Raises
    ------
    InvalidInput
        The role or the request is empty.

    Examples
    --------
    >>> question = CODE_REVIEW.question("def mean(x): return sum(x) / len(x)", constraints=["Python 3.11"])
    >>> print(question.text)
    Review this change. Name each fault with the line it is in, what it breaks, and how to put it right.
    <BLANKLINE>
    def mean(x): return sum(x) / len(x)
    <BLANKLINE>
    Hold to this:
    - Python 3.11
    >>> CODE_REVIEW.expert("local:smollm2", alias="reviewer").persona
    'You review code for a team that has to maintain it.'
    """

    role: str
    request: str
    answer: AnswerKind
    examples: tuple[Example | tuple[str, str], ...] = ()
    temperature: float = 0.0

    def __post_init__(self) -> None:
        if not (self.role.strip() and self.request.strip()):
            raise InvalidInput("A template needs a role and a request, an empty one came.")

    def question(
        self,
        text: str,
        *,
        context: str | None = None,
        constraints: Sequence[str] = (),
        references: Sequence[str] = (),
        answer: AnswerKind | None = None,
    ) -> Question:
        """Return the question about a text.

        Parameters
        ----------
        text
            What is asked about.
        context
            Material that belongs to it, which is data for a model and not instructions; none by default.
        constraints
            What every answer must hold to, a line each, after the text.
        references
            Where the material comes from, a line each, after the context.
        answer
            Another kind of answer than the template's; its examples are left out then.

        Raises
        ------
        EmptyQuestion, InvalidInput
            The text is empty, or constraints or references are one text and not a list.
        """
        parts = [self.request, text, _listed("constraints", "Hold to this:", constraints)]
        material = [context or "", _listed("references", "References:", references)]
        asked = "\n\n".join(part for part in parts if part) if text.strip() else ""
        shown = "\n\n".join(part for part in material if part) or None
        return Question(asked, answer or self.answer, shown, self.examples if answer is None else ())  # type: ignore[arg-type]

    def expert(self, name: str, *, alias: str | None = None) -> Model:
        """Return a language model that answers in the template's role, by its ``"provider:model"``."""
        return Model(name, alias=alias, persona=self.role, temperature=self.temperature)


def _listed(name: str, title: str, lines: Sequence[str]) -> str:
    if isinstance(lines, str):
        raise InvalidInput(f"{name}= takes a list of texts, a text came: write {name}=[{lines!r}].")
    return "\n".join((title, *(f"- {line}" for line in lines))) if lines else ""


CODE_REVIEW = Template(
    role="You review code for a team that has to maintain it.",
    request="Review this change. Name each fault with the line it is in, what it breaks, and how to put it right.",
    answer=Items(),
)
"""Faults of a change, as a list."""

ARCHITECTURE = Template(
    role="You design systems that others have to run.",
    request="Recommend a design. Give each recommendation with what it costs and when it would be wrong.",
    answer=Items(),
)
"""Recommendations for a design, as a list."""

OPTIMISATION = Template(
    role="You make programs faster by measuring them.",
    request="Recommend what to change to make this faster or cheaper, the largest gain first, with how to measure it.",
    answer=Items(),
)
"""Changes that save time or money, as a list."""

RESEARCH = Template(
    role="You answer from evidence, and say what is not known.",
    request="Answer this. Set apart what is established, what is disputed and what is not known; name sources.",
    answer=Text(),
)
"""An answer from evidence, as text."""

REVIEW = Template(
    role="You judge work by what its reader needs.",
    request="Judge how good this is, from 0, of no use, to 10, nothing to improve.",
    answer=Score(0, 10),
)
"""How good something is, from 0 to 10."""
