"""Looks at a question's file: a finished answer is taken, a malformed one goes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from consilience.errors import Unparseable
from consilience.experts.human.folders import Folder
from consilience.experts.human.sheet import Written, decoded, sent_back, written
from consilience.models import Question

ANSWERED, RETURNED, WITHDRAWN, QUESTIONS = "answered", "returned", "withdrawn", "questions"


@dataclass(frozen=True, slots=True)
class Pending:
    """A question that waits for a person.

    Parameters
    ----------
    question
        The question.
    deadline
        Until when its circle waits, in UTC; ``None`` when it does not say. Later answers count late.
    where
        Path or URL of its file; ``None`` without an inbox.
    late
        Whether its deadline was over when this was read: an answer now changes a verdict that stands.
    """

    question: Question
    deadline: datetime | None
    where: str | None
    late: bool = False

    @property
    def id(self) -> str:
        """The question's id, as `Human.give` takes it."""
        return self.question.id


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a file found."""

    content: bytes
    written: Written | None = None
    sent_back: bool = False
    taken: str | None = None


def read_answer(folder: Folder, name: str, pending: Pending, expert: str, seen: bytes = b"") -> Look:
    """Look at a question's file: take a finished answer, send a malformed one back, leave the others.

    Parameters
    ----------
    folder, name
        Where the file is.
    pending, expert
        What was asked, of whom.
    seen
        What it held at the last look, which need not be judged again.

    Notes
    -----
    A finished answer is judged once more after it was taken, so that what somebody saves in between is read, and a
    file that goes back never replaces one that was saved meanwhile.
    """
    content = folder.read(name)
    if content is None:
        return _taken_elsewhere(folder, name, pending)
    if content == seen:
        return Look(content)
    try:
        found = judged(content, pending.question)
    except Unparseable:
        return _back(folder, name, pending, expert, content)
    if found is None:
        return Look(content)
    taken = folder.take(name, ANSWERED)
    if taken is None:
        return Look(b"")
    return Look(content, _judged_again(folder, taken, pending.question, found), taken=taken)


def judged(content: bytes, question: Question) -> Written | None:
    """Return the finished answer in a file's bytes, ``None`` while there is none; raise `Unparseable` if malformed."""
    found = written(decoded(content), question.answer)
    if found is not None and not found.abstained:
        question.answer.parse(found.raw)
    return found


def _judged_again(folder: Folder, taken: str, question: Question, before: Written) -> Written:
    """Return the last finished version: the one that was taken, if it was changed to another good answer."""
    try:
        return judged(folder.read(taken, ANSWERED) or b"", question) or before
    except Unparseable:
        return before


def _back(folder: Folder, name: str, pending: Pending, expert: str, content: bytes) -> Look:
    taken = folder.take(name, RETURNED)
    if taken is None:
        return Look(b"")
    content = folder.read(taken, RETURNED) or content
    try:
        if judged(content, pending.question) is None:
            problem = ""
        else:  # mended between the two looks
            folder.create(name, content)
            return Look(b"")
    except Unparseable as error:
        problem = str(error)
    try:
        text = decoded(content)
    except Unparseable:
        text = ""
    fresh = sent_back(text, pending.question, expert, pending.deadline, problem).encode()
    created = folder.create(name, fresh)
    return Look(fresh if created else b"", sent_back=created)


def _taken_elsewhere(folder: Folder, name: str, pending: Pending) -> Look:
    """Return what another process has read meanwhile."""
    stem = name.removesuffix(".md") + "--"
    for taken in folder.names(ANSWERED):
        if taken.startswith(stem):
            content = folder.read(taken, ANSWERED) or b""
            try:
                return Look(content, judged(content, pending.question))
            except Unparseable:
                continue
    return Look(b"")
