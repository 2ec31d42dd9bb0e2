"""One question as a Markdown file, and the answer read from it.

Whatever comes from the question stands in block quotes: each of its lines begins with ``>``. The answer is read below
the first line ``## Your answer`` that is not quoted, so that no question can answer itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime

from consilience.errors import InvalidInput, Unparseable
from consilience.markup.plain import plain
from consilience.models import AnswerKind, Items, Label, Question, Ranking, Score, quoted

HEADING = "## Your answer"
_START = "--- consilience ---"
_BOX = re.compile(r"^\s*[-*+]\s*\[([^\]]{0,3})\]\s?(.*)$")
_DONE = "done: I have finished my answer"
_ABSTAIN = "(I abstain: I cannot or will not say)"
_FIELD = re.compile(r"^\s*answer:\s*(.*)$", re.IGNORECASE)
_GIVEN = "answer: "
_NOTICE = "**Please mend your answer.** "
_MARKUP = re.compile(r"(\\*)([<\[])")
_LINES = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Written:
    """What a person wrote: a raw answer for the kind to read, or that they abstain."""

    raw: object = None
    abstained: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """The lines with which a file begins: whose question it is, for whom, and until when."""

    question_id: str
    expert: str
    deadline: datetime | None


def sheet(question: Question, expert: str, deadline: datetime | None, problem: str | None = None) -> str:
    r"""Return a question as Markdown, with a place for the answer at its end.

    Parameters
    ----------
    question
        What is asked. Its text and context are data: quoted line by line, with HTML, links and images disarmed.
    expert
        Who is asked.
    deadline
        Until when the circle waits, in UTC; ``None`` when it does not say.
    problem
        What is wrong with the last answer, in one sentence; shown on top.

    Examples
    --------
    >>> from consilience.models import Label
    >>> print(sheet(Question("Crash on save", Label("bug", "feature"), id="q1"), "ana", None))
    --- consilience ---
    question: "q1"
    expert: "ana"
    deadline: none
    ---
    <BLANKLINE>
    # A question for ana
    <BLANKLINE>
    > Crash on save
    <BLANKLINE>
    Answer at the end of this file and save it. Your answer is asked for blind: nobody else's is shown to you.
    <BLANKLINE>
    Tick one box, as in `- [x]`, and save.
    <BLANKLINE>
    ## Your answer
    <BLANKLINE>
    - [ ] bug
    - [ ] feature
    <BLANKLINE>
    - [ ] (I abstain: I cannot or will not say)
    <BLANKLINE>
    """
    until = f"{deadline:%Y-%m-%dT%H:%M:%SZ}" if deadline else "none"
    head = [
        _START,
        f"question: {json.dumps(question.id)}",
        f"expert: {json.dumps(expert)}",
        f"deadline: {until}",
        "---",
        "",
    ]
    notice = [f"{_NOTICE}{_one_line(problem, 600)}", ""] if problem else []
    context = ["Context:", "", *_quote(question.context), ""] if question.context else []
    return "\n".join(
        [
            *head,
            *notice,
            f"# A question for {_one_line(expert, 100)}",
            "",
            *_quote(question.text),
            "",
            *context,
            _instruction(deadline),
            "",
            _how(question.answer),
            "",
            HEADING,
            "",
            *_place(question.answer),
            "",
        ]
    )


def sent_back(text: str, question: Question, expert: str, deadline: datetime | None, problem: str) -> str:
    """Return the file with the problem on top and what the person wrote left as it is."""
    fresh = sheet(question, expert, deadline, problem)
    written = _section(text)
    if written is None:
        return fresh
    return fresh[: fresh.index(f"\n{HEADING}\n") + len(HEADING) + 2] + "\n".join(written)


def filled(question: Question, expert: str, deadline: datetime | None, said: Written) -> str:
    r"""Return a question's file with an answer that was given elsewhere: as data in its head, to be read below.

    Examples
    --------
    >>> text = filled(Question("Which?", id="q1"), "ana", None, Written("- [x] this\nor that"))
    >>> written(text, Question("Which?").answer)
    Written(raw='- [x] this\nor that', abstained=False)
    """
    whole = sheet(question, expert, deadline)
    data = json.dumps(None if said.abstained else said.raw)
    head, body = whole.split("\n---\n", 1)
    above = body[: body.index(f"\n{HEADING}\n") + len(HEADING) + 2]
    return f"{head}\n{_GIVEN}{data}\n---\n{above}\n" + "\n".join([*_quote(_read_aloud(said)), ""])


def _read_aloud(said: Written) -> str:
    if said.abstained:
        return _ABSTAIN
    return "\n".join(map(str, said.raw)) if isinstance(said.raw, (list, tuple)) else str(said.raw)


def _given(text: str) -> Written | None:
    """Return the answer in the head of a file that `filled` wrote."""
    line = next((line for line in _LINES.split(text[:4000])[:5] if line.startswith(_GIVEN)), None)
    if line is None:
        return None
    whole = next(line for line in text.split("\n") if line.startswith(_GIVEN))
    try:
        raw = json.loads(whole.removeprefix(_GIVEN))
    except ValueError as error:
        raise Unparseable(f"The line '{_GIVEN.strip()}' on top is damaged: {error}.") from error
    return Written(abstained=True) if raw is None else Written(tuple(raw) if isinstance(raw, list) else raw)


def header(text: str) -> Header | None:
    """Return what a file says of itself; ``None`` when it is not one of ours."""
    lines = _LINES.split(text[:4000])[:5]
    if not lines or lines[0].strip() != _START:
        return None
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
    try:
        until = fields["deadline"]
        return Header(
            str(json.loads(fields["question"])),
            str(json.loads(fields["expert"])),
            None if until == "none" else datetime.fromisoformat(until),
        )
    except (KeyError, ValueError):
        return None


def decoded(content: bytes) -> str:
    """Return the text of a file that a person saved.

    Raises
    ------
    Unparseable
        It is not UTF-8, nor UTF-16 with its mark.
    """
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unparseable(
            f"A file in UTF-8 is required, byte {error.start + 1} is something else: save it as UTF-8."
        ) from error


def written(text: str, kind: AnswerKind) -> Written | None:
    """Return what a person wrote below the heading; ``None`` while they have not finished.

    Raises
    ------
    Unparseable
        What they wrote cannot be an answer; the message is for them.
    """
    given = _given(text)
    if given is not None:
        return given
    lines = _section(text)
    if lines is None:
        raise Unparseable(
            f"The line '{HEADING}' is required above the answer, it is gone: write below it this time."
        )
    boxes = [(mark.strip() != "", label.strip()) for mark, label in _boxes(lines)]
    if isinstance(kind, Label):
        return _choice(kind, boxes)
    if (True, _ABSTAIN) in boxes:
        return Written(abstained=True)
    if isinstance(kind, Score):
        return _number(lines)
    if (True, _DONE) not in boxes:
        return None
    own = "\n".join(_own_lines(lines)).strip()
    if not own:
        raise Unparseable("An answer is required, the place for it is empty: write it above the box 'done'.")
    return Written(own)


def _choice(kind: Label, boxes: list[tuple[bool, str]]) -> Written | None:
    shown = _shown_choices(kind)
    ticked = [label for is_ticked, label in boxes if is_ticked]
    if not ticked:
        return None
    if len(ticked) > 1:
        raise Unparseable(f"One ticked box is required, {len(ticked)} are: {', '.join(map(quoted, ticked))}.")
    if ticked[0] in shown:
        return Written(shown[ticked[0]])
    if ticked[0] == _ABSTAIN:
        return Written(abstained=True)
    raise Unparseable(f"One of the boxes {', '.join(shown)} is required, {quoted(ticked[0])} is ticked.")


def _number(lines: list[str]) -> Written | None:
    found = [match[1].strip() for line in lines if (match := _FIELD.match(line))]
    if len(found) > 1:
        raise Unparseable(f"One line 'answer:' is required, {len(found)} are there: keep one.")
    return Written(found[0]) if found and found[0] else None


def _own_lines(lines: list[str]) -> list[str]:
    """Return the lines that are the person's: those above the boxes at the end."""
    at = [n for n, line in enumerate(lines) if (box := _BOX.match(line)) and box[2].strip() == _DONE]
    return lines[: at[-1]]


def _boxes(lines: list[str]) -> list[tuple[str, str]]:
    return [(box[1], box[2]) for line in lines if (box := _BOX.match(line))]


def _section(text: str) -> list[str] | None:
    lines = _LINES.split(text)
    for number, line in enumerate(lines):
        if line.strip() == HEADING:
            return lines[number + 1 :]
    return None


def _instruction(deadline: datetime | None) -> str:
    blind = "Your answer is asked for blind: nobody else's is shown to you."
    if deadline is None:
        return f"Answer at the end of this file and save it. {blind}"
    return (
        f"Please answer by {deadline:%Y-%m-%d %H:%M:%S} UTC, at the end of this file, and save it. {blind} "
        "After that time the circle decides without you; a later answer still changes the verdict."
    )


def _place(kind: AnswerKind) -> list[str]:
    abstain = f"- [ ] {_ABSTAIN}"
    if isinstance(kind, Label):
        return [*(f"- [ ] {shown}" for shown in _shown_choices(kind)), "", abstain]
    if isinstance(kind, Score):
        return ["answer: ", "", abstain]
    return ["", "", "", f"- [ ] {_DONE}", abstain]


def _how(kind: AnswerKind) -> str:
    ending = "Then tick the box 'done', as in `- [x]`, and save."
    if isinstance(kind, Label):
        return "Tick one box, as in `- [x]`, and save."
    if isinstance(kind, Score):
        return f"Write a number from {kind.low:g} to {kind.high:g} behind 'answer:', and save."
    if isinstance(kind, Items):
        return (
            f"Write one recommendation a line, each beginning with '- ', at most {kind.max_items}. {ending}"
        )
    if isinstance(kind, Ranking):
        items = "; ".join(_one_line(item, 200) for item in kind.items)
        return f"Write {kind.top} of these, one a line, the best first: {items}. {ending}"
    return f"Write your answer below the heading. {ending}"


def _shown_choices(kind: Label) -> dict[str, str]:
    """Return the choices by how they stand beside their boxes, each on one line."""
    flat = [_one_line(choice, 200) for choice in kind.choices]
    if len(set(flat)) == len(flat) and _ABSTAIN not in flat:
        return dict(zip(flat, kind.choices, strict=True))
    numbered = (f"{number}. {text}" for number, text in enumerate(flat, 1))
    return dict(zip(numbered, kind.choices, strict=True))


def _quote(text: str) -> list[str]:
    return [f"> {_disarmed(plain(line, 200_000))}".rstrip() for line in _LINES.split(text)]


def _disarmed(line: str) -> str:
    """Return a line in which Markdown sees no HTML, link, image or check box."""
    return _MARKUP.sub(lambda found: f"{found[1] * 2}\\{found[2]}", line)


def _one_line(text: str, limit: int) -> str:
    flat = " ".join(_disarmed(plain(text, 20 * limit)).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "\u2026"


def checked_name(name: str) -> str:
    """Return a name that may stand in a circle and become a folder.

    Raises
    ------
    InvalidInput
        It is empty.
    """
    if not name.strip():
        raise InvalidInput(f"A person has a name, {name!r} came: cs.Human('ana').")
    return name


def folder_name(name: str) -> str:
    """Return a name as a folder bears it, different for different names.

    Examples
    --------
    >>> folder_name("ana"), folder_name("../ana")
    ('ana', '%2E%2E%2Fana')
    """
    return re.sub(
        r"[^\w -]",
        lambda odd: "".join(f"%{byte:02X}" for byte in odd[0].encode(errors="surrogatepass")),
        name,
    )


def file_name(question: Question) -> str:
    """Return the name of a question's file: what it is about, and its id."""
    words = "-".join(re.findall(r"[a-z0-9]+", question.text[:200].lower()))[:40].rstrip("-")
    return f"{words or 'question'}--{id_part(question.id)}.md"


def id_part(question_id: str) -> str:
    """Return how a question's id stands in the names of its files, between ``--``."""
    if re.fullmatch(r"[A-Za-z0-9]{1,64}", question_id):
        return question_id
    return hashlib.sha256(question_id.encode(errors="surrogatepass")).hexdigest()
