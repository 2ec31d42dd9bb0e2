"""The things that pass between modules: questions, answer kinds, responses."""

from consilience.models.answers import AnswerKind, AnswerValue, Items, Label, Text
from consilience.models.question import Example, Question
from consilience.models.rankings import Ranking
from consilience.models.reading import canonical, quoted
from consilience.models.response import ConfidenceSource, Outcome, Reply, Response, Source, Usage
from consilience.models.scores import Score

__all__ = [
    "AnswerKind",
    "AnswerValue",
    "ConfidenceSource",
    "Example",
    "Items",
    "Label",
    "Outcome",
    "Question",
    "Ranking",
    "Reply",
    "Response",
    "Score",
    "Source",
    "Text",
    "Usage",
    "canonical",
    "quoted",
]
