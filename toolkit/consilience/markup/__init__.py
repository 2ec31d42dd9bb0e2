"""The pieces that every display is made of, so that a person who knows one knows all.

Whatever is not `Html` is escaped: a model's answer is text, never markup.
"""

from consilience.markup.displayed import Displayed, FrameDisplayed
from consilience.markup.facts import facts, share_bar, size, thing
from consilience.markup.frames import Table, frame_table
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
from consilience.markup.sentence import SentenceDisplayed
from consilience.markup.sorting import Column, sortable
from consilience.markup.times import ago, moment

__all__ = [
    "Column",
    "Displayed",
    "FrameDisplayed",
    "Html",
    "SentenceDisplayed",
    "Table",
    "accuracy_bar",
    "ago",
    "colour",
    "conflict_mark",
    "details",
    "escape",
    "expert_mark",
    "facts",
    "frame_table",
    "interval_bar",
    "moment",
    "outcome_mark",
    "page",
    "plain",
    "share_bar",
    "size",
    "sortable",
    "table",
    "thing",
]
