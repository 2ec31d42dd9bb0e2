"""Data that ships with the package, each set with its card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from consilience.models import Example, Label, Question

_CARD = "panel60.md"


@dataclass(frozen=True, slots=True)
class PanelQuestion:
    """One question of panel60 with its gold label.

    Parameters
    ----------
    number
        ``qid`` in the file.
    topic
        ``sentiment``, ``topic`` or ``fact``.
    question
        The question as a circle takes it: text, labels and the four exemplars the recorded models saw.
    gold
        The right label.
    """

    number: int
    topic: str
    question: Question
    gold: str


def panel60_path() -> Path:
    """Return the path of the recorded answers of panel60; its card stands beside it as ``panel60.md``."""
    return Path(str(files("consilience") / "data" / "panel60" / "panel60.jsonl"))


@cache
def panel60() -> tuple[PanelQuestion, ...]:
    """Return the 60 questions of panel60 in the order of their numbers.

    Examples
    --------
    >>> first = panel60()[0]
    >>> first.question.text, first.gold
    ('I love this phone, it works perfectly.', 'positive')
    """
    rows = (json.loads(line) for line in panel60_path().read_text(encoding="utf-8").splitlines())
    by_number = {row["qid"]: row for row in rows}
    return tuple(_panel_question(by_number[number]) for number in sorted(by_number))


def _panel_question(row: dict[str, object]) -> PanelQuestion:
    *solved, asked = str(row["prompt"]).split("\n\n")
    name = asked.splitlines()[1].partition(":")[0]
    labels = row["labels"]
    assert isinstance(labels, list)
    examples = tuple(Example(*(line.partition(": ")[2] for line in block.splitlines())) for block in solved)
    question = Question(str(row["question"]), Label(*labels, name=name), examples=examples)
    return PanelQuestion(int(str(row["qid"])), str(row["kind"]), question, str(row["gold"]))


def orders_recommendations() -> dict[str, list[str]]:
    """Return what six experts recommend for one slow database, by expert; its card is ``recommendations.md``.

    Examples
    --------
    >>> len(orders_recommendations()), orders_recommendations()["dba"][1]
    (6, 'Partition the orders table by month.')
    """
    path = files("consilience") / "data" / "recommendations" / "orders.jsonl"
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found.setdefault(row["expert"], []).append(row["text"])
    return found
