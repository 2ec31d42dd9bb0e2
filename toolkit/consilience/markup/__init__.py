"""The pieces that every display is made of, so that a person who knows one knows all.

Whatever is not `Html` is escaped: a model's answer is text, never markup.
"""

from consilience.markup.html import Html, escape, page
from consilience.markup.palette import colour
from consilience.markup.pieces import (
    accuracy_bar,
    conflict_mark,
    details,
    expert_mark,
    interval_bar,
    outcome_mark,
    table,
)
from consilience.markup.plain import plain

__all__ = [
    "Html",
    "accuracy_bar",
    "colour",
    "conflict_mark",
    "details",
    "escape",
    "expert_mark",
    "interval_bar",
    "outcome_mark",
    "page",
    "plain",
    "table",
]
