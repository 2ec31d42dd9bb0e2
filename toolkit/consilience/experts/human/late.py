"""Answers that came after the deadline: they join the stored responses, and the verdict is decided again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput, Unparseable
from consilience.experts.human.folders import OPEN, Folder
from consilience.experts.human.human import Human
from consilience.experts.human.inbox import ANSWERED, Pending, judged, read_answer
from consilience.experts.human.sheet import Written, decoded, header, id_part
from consilience.models import Outcome, Question, Response
from consilience.redaction import Redactor
from consilience.verdict import decide
from consilience.verdict.methods import WEIGHTED

if TYPE_CHECKING:
    from consilience.store import Store
    from consilience.verdict import Verdict

_RAW_LIMIT = 100_000
_SETTLED = (
    "SELECT DISTINCT question_id FROM responses WHERE expert = ? AND outcome IN ('answered', 'abstained')"
)


@dataclass(frozen=True, slots=True)
class Late:
    """A response that came late.

    Parameters
    ----------
    question
        As it is stored.
    response
        Its id follows from the question, the person and the answer, so that it counts once however often it is read.
    """

    question: Question
    response: Response


def collect(store: Store, humans: Iterable[Human], *, redact: Redactor | None = None) -> tuple[Verdict, ...]:
    """Take the late answers of people, record them, and decide again; each new verdict is the newest in the store.

    Parameters
    ----------
    store
        Where the questions were recorded.
    humans
        Whose inboxes are read, and whose answers by `Human.give` are taken. An answer before its deadline belongs to
        the circle that waits for it and is left; so is one to a question that the store does not hold.
    redact
        Hides secrets and personal data in the answers before they are stored; nothing is hidden by default.

    Returns
    -------
    tuple of Verdict
        The new verdicts, by the method of the old ones; by the kind's usual method where that was weighted.

    Raises
    ------
    InboxError, StoreError
        An inbox or the store cannot be used. Calling again continues: an answer that was taken from its file and is
        not in the store is read from ``answered/``.

    Notes
    -----
    It blocks; a circle does it off the loop with ``await circle.collect()``.
    """
    decided = []
    for human in humans:
        folder = human.folder()
        for late in _in_hand(store, human) + (_in_inbox(store, human, folder) if folder else []):
            decided.append(taken_up(store, late.question, late.response, redact))
            human.forget(late.question.id)
    return tuple(decided)


def _in_hand(store: Store, human: Human) -> list[Late]:
    found = []
    for question, said in human.given_late():
        stored = _stored(store, question.id)
        if stored is not None:
            found.append(Late(stored, response_to(stored, human, said)))
    return found


def _in_inbox(store: Store, human: Human, folder: Folder) -> list[Late]:
    """Read open files, and answered ones that no stored response came from: of a process that ended too early."""
    settled = {
        id_part(question_id) for question_id in store.read(_SETTLED, human.name)["question_id"].to_list()
    }
    found = []
    for part in (OPEN, ANSWERED):
        for name in folder.names(part):
            if any(own in settled for own in name.removesuffix(".md").split("--")[1:]):
                continue
            late = _late(store, human, folder, name, part)
            if late is not None and id_part(late.question.id) not in settled:
                settled.add(id_part(late.question.id))
                found.append(late)
    return found


def _late(store: Store, human: Human, folder: Folder, name: str, part: str) -> Late | None:
    content = folder.read(name, part)
    try:
        head = header(decoded(content or b""))
    except Unparseable:
        return None
    if head is None or (head.deadline is not None and head.deadline > datetime.now(UTC)):
        return None
    question = _stored(store, head.question_id)
    if question is None:
        return None
    if part == OPEN:
        pending = Pending(question, head.deadline, folder.where(name))
        said = read_answer(folder, name, pending, human.name).written
    else:
        said = judged(content or b"", question)
    return None if said is None else Late(question, response_to(question, human, said))


def _stored(store: Store, question_id: str) -> Question | None:
    try:
        return store.verdict(question_id).question
    except InvalidInput:
        return None


def response_to(question: Question, human: Human, said: Written) -> Response:
    """Return what a person said as their late response to a question."""
    answer = None if said.abstained else question.answer.parse(said.raw)
    shown = "" if answer is None else question.answer.key(answer)
    own = json.dumps([question.id, human.name, said.abstained, shown])
    return Response(
        question_id=question.id,
        expert=human.name,
        source=human.source,
        outcome=Outcome.ABSTAINED if said.abstained else Outcome.ANSWERED,
        answer=answer,
        raw=None if said.abstained else str(said.raw)[:_RAW_LIMIT],
        reason=f"{human.name} abstained, after the deadline." if said.abstained else None,
        latency_s=max((datetime.now(UTC) - question.asked_at).total_seconds(), 0.0),
        id=hashlib.sha256(own.encode()).hexdigest()[:32],
    )


def taken_up(store: Store, question: Question, response: Response, redact: Redactor | None) -> Verdict:
    """Record a late response and return the verdict that is decided with it, which the store then holds as newest."""
    before = store.verdict(question.id)
    if redact is not None:
        redaction = redact.start()
        redaction.reserve(question.text, question.context or "", *(r.raw or "" for r in before.responses))
        response = response.changed(redaction.hide)
    method = None if before.method in WEIGHTED else before.method
    responses = [*before.responses, response]
    verdict = decide(question, responses, method=method)
    store.record(question, [response], verdict)
    return verdict
