"""The things that pass between modules: questions, answer kinds, responses."""

from consilience.models.answers import AnswerKind, AnswerValue, Items, Label, Text, canonical, quoted
from consilience.models.question import Example, Question
from consilience.models.response import ConfidenceSource, Outcome, Reply, Response, Source, Usage

__all__ = [
    "AnswerKind",
    "AnswerValue",
    "ConfidenceSource",
    "Example",
    "Items",
    "Label",
    "Outcome",
    "Question",
    "Reply",
    "Response",
    "Source",
    "Text",
    "Usage",
    "canonical",
    "quoted",
]
