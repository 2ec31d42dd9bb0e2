"""The expert: SmolLM2-135M-Instruct on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput, LocalModelError, Unparseable
from consilience.experts.local import prompts
from consilience.experts.local.artifact import model_path
from consilience.models import ConfidenceSource, Example, Items, Label, Question, Reply, Source, Text, Usage

if TYPE_CHECKING:
    from consilience.experts.local.client import Client, Completion, Sampling
    from consilience.experts.local.tokens import Listing, Tally

# Tokens listed at each place: 1,000 cost some 5 ms more than 50. Where that is too few, a further look with a
# longer list costs 30 ms.
_TOP = 1000
_LONG_TOP = 5000
# Looking further ends when no probability can be wrong by more than this, or after so many looks; what could be
# wrong by more than _MOST_UNSEEN after that is not given.
_ENOUGH = 0.01
_MOST_LOOKS = 12
_MOST_UNSEEN = 0.05


class LocalModel:
    """SmolLM2-135M-Instruct under llama.cpp, in a child process that starts with the first question.

    Parameters
    ----------
    name
        Unique within a circle.
    examples
        Solved questions, as `Example` or ``(question, answer)``, for questions that bring none of their own. Those
        whose answer does not fit the kind that is asked for are left out. Without any, yes/no labels get four
        built-in ones.
    persona
        Who answers, in a sentence or two, put before everything else; nobody in particular by default.
    temperature
        0 gives the likeliest answer each time; above, answers are drawn.
    seed
        For temperatures above 0: the same seed draws the same label for the same question.
    port
        A fixed port of 127.0.0.1 for the server; 0 lets the system choose.
    max_tokens
        Longest `Text` or `Items` answer, in tokens; one that reaches it is unparseable. A `Label` needs no limit.

    Raises
    ------
    InvalidInput
        An option is out of its range.

    Notes
    -----
    All objects of one process share a server for each port. `Reply.confidence` is the probability of the answer
    under the model's own distribution at temperature 1, restricted to the allowed labels (see `tokens`).

    Examples
    --------
    >>> LocalModel()
    LocalModel('smollm2')
    """

    source = Source.MODEL
    provider = "local"
    model = "smollm2"

    def __init__(
        self,
        name: str = "smollm2",
        *,
        examples: Sequence[Example | tuple[str, str]] = (),
        persona: str | None = None,
        temperature: float = 0.0,
        seed: int = 1,
        port: int = 0,
        max_tokens: int = 512,
    ) -> None:
        _require("temperature", 0.0 <= temperature <= 5.0, "between 0 and 5", temperature)
        _require("seed", 0 <= seed < 2**32 - 1, "between 0 and 4,294,967,294", seed)
        _require("port", 0 <= port <= 65535, "between 0 and 65535", port)
        _require("max_tokens", max_tokens >= 1, "at least 1", max_tokens)
        self.name = name
        self._examples = tuple(e if isinstance(e, Example) else Example(*e) for e in examples)
        self._persona = persona
        self._temperature, self._seed = temperature, seed
        self._port, self._max_tokens = port, max_tokens

    def __repr__(self) -> str:
        return f"LocalModel({self.name!r})"

    async def answer(self, question: Question) -> Reply:
        """Answer a `Label`, `Items` or `Text` question.

        Raises
        ------
        LocalModelError
            The model cannot run: extra or file absent, port taken, child ended.
        ContextExceeded
            The question does not fit into the model's 2,048 tokens.
        Unparseable
            The answer was cut off by ``max_tokens``.
        """
        from consilience.experts.local.server import shared_server

        kind = question.answer
        if not isinstance(kind, (Label, Items, Text)):
            raise LocalModelError(
                f"The local model answers Label, Items and Text, {kind!r} came: ask another expert."
            )
        server = shared_server(model_path(), self._port)
        if isinstance(kind, Label):
            return await server.call(self, lambda client: self._choose(client, question, kind), alone=True)
        return await server.call(self, lambda client: self._write(client, question, kind))

    async def aclose(self) -> None:
        """End the child process, unless another `LocalModel` uses it. The next question starts it again."""
        from consilience.experts.local.server import shared_server

        await shared_server(model_path(), self._port).release(self)

    def _sampling(self, max_tokens: int) -> Sampling:
        from consilience.experts.local.client import Sampling

        return Sampling(self._temperature, self._seed, max_tokens)

    async def _choose(self, client: Client, question: Question, label: Label) -> Reply:
        from consilience.experts.local.tokens import known_places

        labels = prompts.Labels(label)
        examples = prompts.examples_for(question, self._examples)
        front, asked = prompts.label_prompt(question, label, labels, examples, self._persona)
        await client.read(front)
        prompt = front + asked
        generated = await client.complete(
            prompt, (), labels.grammar, self._sampling(labels.most_tokens), _TOP
        )
        _require_room(generated)
        tally, looked = await _follow(labels, known_places(generated), client, prompt)
        return self._judged(labels.read(generated.text), tally, _usage([generated, *looked]))

    def _judged(self, drawn: str, tally: Tally, usage: Usage) -> Reply:
        found = tally.probabilities()
        chances = dict(found)
        if tally.unseen > _MOST_UNSEEN or drawn not in chances:
            return Reply(drawn, usage=usage)
        # The grammar takes the likeliest allowed token each time, which need not lead to the likeliest label.
        answer = max(chances, key=lambda c: (chances[c], c == drawn)) if self._temperature == 0.0 else drawn
        return Reply(answer, chances[answer], ConfidenceSource.TOKENS, found, usage)

    async def _write(self, client: Client, question: Question, kind: Items | Text) -> Reply:
        examples = prompts.examples_for(question, self._examples)
        messages = prompts.messages(question, examples, self._persona)
        grammar = prompts.items_grammar(kind, self._max_tokens) if isinstance(kind, Items) else None
        completion = await client.chat(messages, grammar, self._sampling(self._max_tokens))
        if completion.cut:
            _require_room(completion)
            raise Unparseable(
                f"The local model's answer was cut off after {completion.output_tokens} tokens, and half an answer is "
                f"none: raise max_tokens (now {self._max_tokens}), or ask for less."
            )
        raw = (
            prompts.whole_items(completion.text, kind, self._max_tokens)
            if isinstance(kind, Items)
            else completion.text
        )
        return Reply(raw, usage=_usage([completion]))


async def _follow(
    labels: prompts.Labels, known: dict[tuple[int, ...], Listing], client: Client, prompt: str
) -> tuple[Tally, list[Completion]]:
    """Gather the labels' probabilities from what the generation told, looking further where that is too little."""
    from consilience.experts.local.tokens import Listing, Tally

    tally = Tally(labels.forms, labels.stops)
    while (place := tally.among(known)) is not None:
        tally.look(place, known[place.path])
    if tally.unlisted > _ENOUGH / 2:
        tally = Tally(labels.forms, labels.stops)  # the lists were too short: longer ones, from the start
    looked: list[Completion] = []
    while (
        not tally.settled(_ENOUGH) and len(looked) < _MOST_LOOKS and (place := tally.heaviest()) is not None
    ):
        looked.append(await client.look(prompt, place.path, _LONG_TOP))
        tally.look(place, Listing(looked[-1].positions[0].top))
    return tally, looked


def _require_room(completion: Completion) -> None:
    from consilience.experts.local.client import too_long
    from consilience.experts.local.server import CONTEXT

    used = completion.input_tokens + completion.output_tokens
    if completion.cut and used >= CONTEXT:
        raise too_long(used + 1, CONTEXT)


def _usage(calls: Sequence[Completion]) -> Usage:
    return Usage(sum(c.input_tokens for c in calls), sum(c.output_tokens for c in calls), 0.0)


def _require(name: str, holds: bool, wanted: str, came: object) -> None:
    if not holds:
        raise InvalidInput(f"{name} must be {wanted}, {came!r} came.")
