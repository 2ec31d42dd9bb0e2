"""Prompts for a small model, and the grammars that hold its answers.

Small models do well with solved examples and a grammar of the allowed labels, and badly with instructions.
"""

from __future__ import annotations

import itertools
import json
import unicodedata
from collections.abc import Sequence

from consilience.errors import Unparseable
from consilience.models import AnswerKind, Example, Items, Label, Question

# The exemplars of the fact questions in data/panel60.
_YES_NO = (
    Example("Is water wet?", "yes"),
    Example("Is fire cold?", "no"),
    Example("Is London in England?", "yes"),
    Example("Can stones talk?", "no"),
)
# More recommendations than these only repeat themselves from a model of this size.
_MOST_ITEMS = 5
_LINE_TOKENS = 4  # the dash, the blank and the line break, and one to spare


class Labels:
    """A label's choices as a prompt and a grammar write them: each on one line.

    Parameters
    ----------
    label
        The answer kind.

    Attributes
    ----------
    shown
        ``{written form: choice}``. White space is collapsed, as `Label` does when it compares; where that makes two
        choices the same, or a character is left that the model cannot write, all are written as JSON escapes.
    """

    def __init__(self, label: Label) -> None:
        self.shown = _one_line(label.choices)
        self._by_choice = {choice: shown for shown, choice in self.shown.items()}
        self.nested = any(a != b and b.startswith(a) for a, b in _neighbours(self.shown))

    def written(self, choice: str) -> str:
        """Return how a choice is written."""
        return self._by_choice[choice]

    def read(self, generated: str) -> str:
        """Return the choice that was generated.

        Raises
        ------
        Unparseable
            It is none of them, which the grammar allows only for a generation that was cut off.
        """
        try:
            return self.shown[generated.strip()]
        except KeyError:
            raise Unparseable(
                f"One of {', '.join(self._by_choice)} is required, the local model's answer was cut off at "
                f"{generated.strip()!r}."
            ) from None

    @property
    def grammar(self) -> str:
        """The choices in GBNF; a line break ends them where one choice begins another."""
        choices = " | ".join(quote(shown) for shown in self.shown)
        return f'root ::= " " ({choices})' + (' "\\n" "\\n"?' if self.nested else "")

    @property
    def forms(self) -> dict[str, tuple[bytes, ...]]:
        """The bytes of each choice as generated, complete."""
        ends = ("\n", "\n\n") if self.nested else ("",)
        return {
            choice: tuple(f" {shown}{end}".encode() for end in ends) for shown, choice in self.shown.items()
        }

    @property
    def stops(self) -> dict[bytes, str]:
        """The bytes after which the end of the text completes a choice too."""
        return {f" {shown}".encode(): choice for shown, choice in self.shown.items()} if self.nested else {}

    @property
    def most_tokens(self) -> int:
        """Tokens that suffice for the longest choice: one a byte, and the end."""
        return max(len(form) for written in self.forms.values() for form in written) + 1


def _one_line(choices: Sequence[str]) -> dict[str, str]:
    shown = {" ".join(plain(choice).split()): choice for choice in choices}
    plainly = all(_writable(character) for text in shown for character in text)
    if plainly and len(shown) == len(choices) and all(shown):
        return shown
    return {json.dumps(choice)[1:-1].strip(): choice for choice in choices}


def _writable(character: str) -> bool:
    # The model's vocabulary has neither the bytes 0xF1 and 0xF2, with which the characters of the unassigned planes
    # 4 to 11 begin, nor several control characters: a grammar that wants one fails.
    return unicodedata.category(character) not in {"Cc", "Cs"} and not 0x40000 <= ord(character) < 0xC0000


def _neighbours(texts: Sequence[str] | dict[str, str]) -> list[tuple[str, str]]:
    # a text that begins another stands directly before one that it begins, in sorted order
    ordered = sorted(texts)
    return list(itertools.pairwise(ordered))


def quote(text: str) -> str:
    r"""Return a text as a GBNF literal.

    Everything but ASCII letters, digits and blanks is written as a code point, so that no character ends it.

    Examples
    --------
    >>> print(quote('say "no"'))
    "say \x22no\x22"
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character == " " or (character.isascii() and character.isalnum()):
        return character
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02X}"
    return f"\\u{point:04X}" if point <= 0xFFFF else f"\\U{point:08X}"


def plain(text: str) -> str:
    """Return a text that cannot pose as the template's own control tokens.

    ``<|`` opens each of them (``<|im_end|>``), so it gets a blank; half a surrogate pair, which UTF-8 cannot write,
    becomes U+FFFD.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("<|", "< |")


def examples_for(question: Question, own: Sequence[Example]) -> tuple[Example, ...]:
    """Return the question's examples, else those of the model's own that answer this kind of question.

    With none, yes/no labels get four built-in ones; other kinds get none.
    """
    if question.examples:
        return question.examples
    fitting = tuple(example for example in own if _fits(example, question.answer))
    if fitting or not isinstance(question.answer, Label):
        return fitting
    return _yes_no(question.answer)


def _fits(example: Example, kind: AnswerKind) -> bool:
    try:
        kind.parse(example.answer)
    except Unparseable:
        return False
    return True


def _yes_no(label: Label) -> tuple[Example, ...]:
    if {choice.strip().casefold() for choice in label.choices} != {"yes", "no"}:
        return ()
    return _YES_NO


def label_prompt(
    question: Question, label: Label, labels: Labels, examples: Sequence[Example], persona: str | None = None
) -> tuple[str, str]:
    """Return a text that a label completes, in two parts: what further questions share, and the question.

    Parameters
    ----------
    question
        Its context stands in front, after the persona.
    label, labels
        The answer kind, and how its choices are written.
    examples
        Solved questions; with none, the choices are named.
    persona
        Who answers; nobody in particular by default.
    """
    front = [plain(part.strip()) for part in (persona, question.context) if part and part.strip()]
    if not examples:
        front.append(f"{plain(label.name)} is one of: {', '.join(labels.shown)}.")
    front += [
        f"{_asked(example.question, label)} {labels.written(label.parse(example.answer))}"
        for example in examples
    ]
    return "".join(f"{part}\n\n" for part in front), _asked(question.text, label)


def _asked(text: str, label: Label) -> str:
    text = plain(text.strip())
    return f"{'Question' if text.endswith('?') else 'Text'}: {text}\n{plain(label.name)}:"


def messages(
    question: Question, examples: Sequence[Example], persona: str | None = None
) -> list[dict[str, str]]:
    """Return a conversation that asks for a text or for recommendations."""
    turns = [{"role": "system", "content": plain(persona)}] if persona and persona.strip() else []
    for example in examples:
        turns += [_turn("user", _wanted(example.question, question.answer))]
        turns += [_turn("assistant", _as_answered(example.answer, question.answer))]
    context = f"{question.context.strip()}\n\n" if question.context and question.context.strip() else ""
    return [*turns, _turn("user", context + _wanted(question.text, question.answer))]


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": plain(content)}


def _wanted(text: str, kind: AnswerKind) -> str:
    if not isinstance(kind, Items):
        return text
    return f'{text}\n\nGive short recommendations, one on a line, each line beginning with "- ".'


def _as_answered(answer: str, kind: AnswerKind) -> str:
    if not isinstance(kind, Items):
        return answer
    return "\n".join(f"- {' '.join(item.split())}" for item in kind.parse(answer))


def _bounds(kind: Items, max_tokens: int) -> tuple[int, int]:
    """Return how many items, and how many characters each, stay within the tokens, at two characters a token.

    English has about four; fewer than two are rare.
    """
    count = max(1, min(kind.max_items, _MOST_ITEMS, max_tokens // 40))
    return count, max(1, min(kind.max_chars, 2 * (max_tokens // count - _LINE_TOKENS)))


def items_grammar(kind: Items, max_tokens: int) -> str:
    """Return a grammar of lines that begin with ``- ``, bounded in number and length.

    The first character is a letter or a digit, so that no item is empty; none holds a line break of any script.
    """
    count, length = _bounds(kind, max_tokens)
    rest = f"[^\\x00-\\x1F\\x7F-\\x9F\\u2028\\u2029]{{0,{length - 1}}}" if length > 1 else ""
    first = "[0-9A-Za-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u024F\\u0370-\\u167F\\u3041-\\u318E\\u3400-\\uD7A3]"
    return f'root ::= item{{1,{count}}}\nitem ::= "- " {first} {rest} "\\n"'


def whole_items(text: str, kind: Items, max_tokens: int) -> tuple[str, ...]:
    """Return the items that ended by themselves; one that was stopped by its length can say the opposite.

    Raises
    ------
    Unparseable
        All were stopped.
    """
    _, length = _bounds(kind, max_tokens)
    items = [line.removeprefix("- ") for line in text.split("\n") if line]
    whole = tuple(item for item in items if len(item) < length or length == 1)
    if not whole:
        raise Unparseable(
            f"A recommendation may have {length} characters here, all {len(items)} that the local model wrote were cut "
            "off there: raise max_tokens."
        )
    return whole
