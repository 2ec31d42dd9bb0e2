"""The expert: a language model of any provider."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from consilience.errors import ExpertError, InvalidInput, ProviderError, Refused, Truncated, Unparseable
from consilience.experts.llm import keys, prompts, reading
from consilience.experts.llm.chances import label_probabilities
from consilience.experts.llm.connection import Completion, Connection, Request
from consilience.experts.llm.defaults import shared_policy
from consilience.experts.llm.feed import from_background
from consilience.experts.llm.prompts import Turn
from consilience.experts.llm.schemas import Form, form, object_schema
from consilience.experts.llm.services import Service, Typed
from consilience.loop import background
from consilience.models import ConfidenceSource, Example, Label, Question, Reply, Source, Usage, quoted
from consilience.policies import Policy


class LanguageModel:
    """A language model behind a provider's interface, asked with `cs.Model` or by its name in a circle.

    Parameters
    ----------
    name
        Unique within a circle.
    service, model
        Who is asked, and which model there.
    persona
        Who answers, in a sentence or two, as the system prompt; nobody in particular by default.
    examples
        Solved questions for questions that bring none of their own; those that do not fit the kind that is asked for
        are left out.
    temperature
        0 gives the likeliest answer each time, as far as the provider keeps to it; above, answers are drawn. A
        reasoning model takes none, and gets none.
    seed
        Of the drawing, where the provider has one.
    max_tokens
        Longest answer in tokens, with what a reasoning model thinks; one that reaches it is truncated. 8192 holds both
        for a short answer.
    typed
        ``"native"`` holds the answer to a JSON schema at the provider, ``"tool"`` by a tool call, ``"prompted"`` only
        asks for it. By default what the service and the model are known to keep to.
    repairs
        Further rounds after an answer that cannot be used, each a paid call that says what was wrong.

    Raises
    ------
    InvalidInput
        An option is out of its range.

    Notes
    -----
    The answer is checked here, its bounds included, because a grammar does not hold them. A label's confidence is its
    share of the token probabilities where the service tells them; else confidence is what the model says of itself,
    marked as self-reported. Clients live on the package's own loop and retry nothing: the policy does.

    Examples
    --------
    >>> from consilience.experts.llm.services import SERVICES
    >>> LanguageModel("judge", SERVICES["openai"], "gpt-4o-mini")
    LanguageModel('judge', 'openai:gpt-4o-mini')
    """

    source = Source.MODEL

    def __init__(  # noqa: PLR0913 - one option each, with a default
        self,
        name: str,
        service: Service,
        model: str,
        *,
        persona: str | None = None,
        examples: Sequence[Example | tuple[str, str]] = (),
        temperature: float = 0.0,
        seed: int = 1,
        max_tokens: int = 8192,
        typed: Typed | None = None,
        repairs: int = 1,
    ) -> None:
        _require("temperature", 0.0 <= temperature <= 2.0, "between 0 and 2", temperature)
        _require("max_tokens", max_tokens >= 1, "at least 1", max_tokens)
        _require("typed", typed in (None, "native", "prompted", "tool"), "native, prompted or tool", typed)
        _require("repairs", repairs >= 0, "0 or more", repairs)
        self.name = name
        self.service, self.model = service, model
        self._persona, self._repairs = persona, repairs
        self._examples = tuple(e if isinstance(e, Example) else Example(*e) for e in examples)
        self._temperature, self._seed, self._max_tokens = temperature, seed, max_tokens
        self._typed = typed or service.typed
        self._connection: Connection | None = None

    def __repr__(self) -> str:
        return f"LanguageModel({self.name!r}, '{self.service.name}:{self.model}')"

    def policy(self) -> Policy:
        """Return the policy that this expert shares with all others of its service."""
        return shared_policy(self.service)

    def prompt_digest(self, question: Question) -> str:
        """Return the SHA-256 of all that decides the answer to a question: messages, schema, model, sampling."""
        turns, wanted = self._prepared(question)
        request = self._request(question, wanted)
        where = [self.service.dialect, self.service.url, self.model]
        sampling = [request.temperature, request.seed, request.max_tokens, request.typed, self._repairs]
        return prompts.digest(turns, where, sampling, request.schema)

    async def answer(self, question: Question) -> Reply:
        """Answer a question of any kind.

        Raises
        ------
        NotConfigured
            The provider's extra or key is missing.
        ProviderError, ContextExceeded
            The provider did not answer.
        Refused, Abstained, Truncated, Unparseable
            It answered, and there is no answer in it; what it cost is the error's ``usage``.
        """
        return await background.wait(self._answer(question))

    async def stream(self, question: Question) -> AsyncGenerator[str | Reply, None]:
        """Yield the text as the model writes it, and at the end the `Reply`; a repair round brings no text.

        Errors are those of `answer`. Who stops early ends the call.
        """
        async with aclosing(from_background(self._stream(question))) as parts:
            async for part in parts:
                yield part

    async def aclose(self) -> None:
        """Let go of the client and its key; the next question makes another."""
        self._connection = None

    async def _answer(self, question: Question) -> Reply:
        turns, wanted = self._prepared(question)
        request = self._request(question, wanted)
        first = await self._connected().complete(turns, request)
        return await self._judged(first, turns, request, question, wanted)

    async def _stream(self, question: Question) -> AsyncGenerator[str | Reply, None]:
        turns, wanted = self._prepared(question)
        request = self._request(question, wanted)
        async with aclosing(self._connected().stream(turns, request)) as parts:
            async for part in parts:
                if isinstance(part, Completion):
                    yield await self._judged(part, turns, request, question, wanted)
                else:
                    yield part

    async def _judged(
        self,
        completion: Completion,
        turns: tuple[Turn, ...],
        request: Request,
        question: Question,
        wanted: Form | None,
    ) -> Reply:
        """Return the reply that a completion is, after further rounds if it cannot be used."""
        spent = [completion.usage]
        while True:
            try:
                return self._read(completion, question, wanted, spent)
            except Unparseable as error:
                error.usage, error.calls = _total(spent), len(spent)
                if isinstance(error, Truncated) or len(spent) > self._repairs:
                    raise
                turns = prompts.repair(turns, completion.text, str(error))
            except ExpertError as error:
                error.usage, error.calls = _total(spent), len(spent)
                raise
            completion = await self._once_more(turns, request, spent)
            spent.append(completion.usage)

    async def _once_more(
        self, turns: tuple[Turn, ...], request: Request, spent: Sequence[Usage]
    ) -> Completion:
        try:
            await self.policy().requests.acquire()  # a further call, which the provider counts too
            return await self._connected().complete(turns, request)
        except ExpertError as error:
            error.usage, error.calls = _total(spent), len(spent) + 1
            raise

    def _prepared(self, question: Question) -> tuple[tuple[Turn, ...], Form | None]:
        wanted = form(question.answer)
        return prompts.conversation(question, wanted, self._examples, self._persona), wanted

    def _request(self, question: Question, wanted: Form | None) -> Request:
        return Request(
            self._temperature,
            self._seed,
            self._max_tokens,
            None if wanted is None else object_schema(wanted),
            self._typed,
            self.service.probabilities and isinstance(question.answer, Label),
        )

    def _connected(self) -> Connection:
        if self._connection is None:
            key = keys.find(self.service.key, self.service.name)
            self._connection = Connection(self.service, self.model, key)
        return self._connection

    def _read(
        self, completion: Completion, question: Question, wanted: Form | None, spent: Sequence[Usage]
    ) -> Reply:
        self._require_end(completion)
        told = reading.read(completion.text, question.answer, typed=wanted is not None)
        usage, calls = _total(spent), len(spent)
        if isinstance(question.answer, Label):
            found = label_probabilities(completion.tokens, question.answer.choices)
            chosen = dict(found).get(question.answer.parse(told.raw))
            if chosen is not None:
                return Reply(told.raw, chosen, ConfidenceSource.TOKENS, found, usage, calls)
        own = None if told.confidence is None else ConfidenceSource.SELF_REPORTED
        return Reply(told.raw, told.confidence, own, usage=usage, calls=calls)

    def _require_end(self, completion: Completion) -> None:
        who = f"{self.model} at {self.service.name}"
        if completion.finish == "content_filter":
            raise Refused(f"{who} refused to answer: {quoted(completion.text or 'it gave no reason')}.")
        if completion.finish == "length":
            raise Truncated(
                f"The answer of {who} was cut off after {completion.usage.output_tokens} tokens, and half an answer is "
                f"none: raise max_tokens (now {self._max_tokens}), or ask for less."
            )
        if completion.finish == "error":
            raise ProviderError(f"{who} ended its answer with an error: ask again.")


def _total(spent: Sequence[Usage]) -> Usage:
    return sum(spent[1:], start=spent[0])


def _require(name: str, holds: bool, wanted: str, came: object) -> None:
    if not holds:
        raise InvalidInput(f"{name} must be {wanted}, {came!r} came.")
