"""The three dialects against llmock, a real server with the faults of the real providers."""

import asyncio

import pytest
from llmock.scenarios import Reply

import consilience as cs
from consilience.errors import KeyRejected, ProviderError
from consilience.experts.registry import as_expert
from consilience.loop import background
from consilience.models import ConfidenceSource, Outcome
from consilience.policies import Policy
from consilience.streaming import Token

pytestmark = pytest.mark.slow

dialects = pytest.mark.parametrize("dialect", ["openai", "anthropic", "google"])
YES = '{"answer": "yes", "confidence": 0.8}'


@dialects
def test_a_model_answers_with_its_tokens_and_an_unknown_price(llmock, model, ask, dialect):
    llmock.reply("It is.")
    response = ask(model(dialect))
    assert (response.outcome, response.answer) == (Outcome.ANSWERED, "It is.")
    assert response.usage.input_tokens > 0
    assert response.usage.output_tokens > 0
    assert response.usage.cost_usd is None  # at another address, the list says nothing


@dialects
def test_a_label_comes_with_the_model_s_own_confidence(llmock, model, ask, dialect):
    llmock.reply(YES)
    response = ask(model(dialect), kind=cs.Label("yes", "no"))
    assert (response.answer, response.confidence) == ("yes", 0.8)
    assert response.confidence_source is ConfidenceSource.SELF_REPORTED


@dialects
@pytest.mark.parametrize(
    ("fault", "words", "requests"),
    [
        (lambda m: m.fail(401, times=None), "does not accept the key from PLANTED_KEY (HTTP 401", 1),
        (lambda m: m.rate_limit(times=None, retry_after=0.05), "gets too many requests (HTTP 429", 3),
        (lambda m: m.fail(404, times=None), "was not found (HTTP 404", 1),
        (lambda m: m.context_overflow(times=None), "does not fit into the context", 1),
        (lambda m: m.fail(500, times=None), "is unwell (HTTP 500", 3),
        (lambda m: m.fail(503, times=None, retry_after=0.01), "is unwell (HTTP 503", 3),
        (lambda m: m.fail(529, times=None, retry_after=0.01), "is unwell (HTTP 529", 3),
        (lambda m: m.disconnect(times=None), "The connection to", 3),
        (lambda m: m.corrupt(times=None), "cannot be read", 3),
        (lambda m: m.truncate(times=None), "has no end", 3),
    ],
    ids=["401", "429", "404", "context", "500", "503", "529", "disconnect", "malformed", "truncated"],
)
def test_each_fault_is_a_typed_failure_with_one_sentence(llmock, model, ask, dialect, fault, words, requests):
    fault(llmock)
    response = ask(model(dialect), f"Is {words} wet?")
    assert response.outcome is Outcome.FAILED
    assert words in response.reason
    assert response.reason.endswith(".")
    assert "\n" not in response.reason
    assert len(llmock.requests) == requests


@dialects
@pytest.mark.parametrize(
    "fault",
    [
        lambda m: m.rate_limit(retry_after=0.3),
        lambda m: m.fail(500),
        lambda m: m.fail(503, retry_after=0.01),
        lambda m: m.fail(529, retry_after=0.01),
        lambda m: m.disconnect(),
        lambda m: m.corrupt(),
        lambda m: m.truncate(),
    ],
    ids=["429", "500", "503", "529", "disconnect", "malformed", "truncated"],
)
def test_a_passing_fault_is_tried_again_and_the_server_has_no_complaint(llmock, model, ask, dialect, fault):
    fault(llmock)
    response = ask(model(dialect), "Is it well again?")
    assert response.outcome is Outcome.ANSWERED
    assert len(llmock.requests) == 2
    llmock.assert_resilient()  # Retry-After waited for, nothing cut off taken for an answer


@dialects
def test_a_slow_answer_is_timed_out_at_the_deadline(llmock, model, ask, dialect):
    llmock.delay(5, times=None)
    assert ask(model(dialect), "Are you there?", deadline=0.3).outcome is Outcome.TIMED_OUT


@dialects
def test_a_stream_that_hangs_is_timed_out_too(llmock, model, ask, dialect):
    llmock.stall(seconds=5, times=None)
    assert ask(model(dialect), "Go on?", deadline=0.5).outcome is Outcome.TIMED_OUT


@dialects
def test_an_answer_of_the_wrong_form_is_asked_for_once_more(llmock, model, ask, dialect):
    llmock.reply('{"answer": "perhaps", "confidence": 0.5}').reply(YES)
    response = ask(model(dialect), kind=cs.Label("yes", "no"))
    assert (response.answer, response.calls) == ("yes", 2)
    first, second = llmock.requests
    assert "perhaps" in str(second.body)
    assert "One of yes, no is required, 'perhaps' came." in str(second.body)
    assert "perhaps" not in str(first.body)


@dialects
def test_an_answer_that_stays_wrong_is_unparseable_and_both_calls_count(llmock, model, ask, dialect):
    llmock.reply('{"answer": "perhaps", "confidence": 0.5}', times=None)
    once = ask(as_expert(model(dialect)), kind=cs.Label("perhaps", "no"))
    both = ask(model(dialect), kind=cs.Label("yes", "no"))
    assert (both.outcome, both.calls, once.calls) == (Outcome.UNPARSEABLE, 2, 1)
    assert len(llmock.requests) == 3
    assert both.usage.output_tokens == 2 * once.usage.output_tokens
    assert both.usage.input_tokens > 2 * once.usage.input_tokens  # the second round quotes the first


@pytest.mark.parametrize(
    ("kind", "wrong", "right", "answer"),
    [
        (cs.Score(0, 10), "11", "7", 7.0),
        (cs.Ranking("cost", "speed"), '["cost"]', '["speed", "cost"]', ("speed", "cost")),
        (cs.Items(max_items=1), '["Wait", "Go"]', '["Wait"]', ("Wait",)),
    ],
)
def test_every_kind_is_held_to_its_bounds(llmock, model, ask, kind, wrong, right, answer):
    for said in (wrong, right):
        llmock.reply(f'{{"answer": {said}, "confidence": 0.5}}')
    assert ask(model("openai"), kind=kind).answer == answer
    assert len(llmock.requests) == 2


@dialects
def test_a_refusal_is_told_from_a_cut_and_from_nonsense(llmock, model, ask, dialect):
    for finish, outcome, words in (
        ("content_filter", Outcome.REFUSED, "refused to answer"),
        ("length", Outcome.UNPARSEABLE, "was cut off after"),
        ("stop", Outcome.UNPARSEABLE, "One of yes, no is required"),
    ):
        llmock.reset().add(Reply("I will not, or", finish_reason=finish, times=None))
        response = ask(model(dialect), f"Will it {finish}?", cs.Label("yes", "no"))
        assert response.outcome is outcome
        assert words in response.reason
        assert len(llmock.requests) == (2 if finish == "stop" else 1)
        assert response.usage.output_tokens > 0


def test_a_model_may_abstain(llmock, model, ask):
    llmock.reply('{"answer": null, "confidence": 0.1}')
    response = ask(model("openai"), kind=cs.Label("yes", "no"))
    assert response.outcome is Outcome.ABSTAINED
    assert response.usage.output_tokens > 0
    assert len(llmock.requests) == 1


def test_a_confidence_out_of_bounds_is_unknown(llmock, model, ask):
    llmock.reply('{"answer": "yes", "confidence": 100}')
    response = ask(model("openai"), kind=cs.Label("yes", "no"))
    assert (response.answer, response.confidence, response.confidence_source) == ("yes", None, None)


def test_what_a_server_says_cannot_steer_a_terminal_or_a_page(llmock, model, ask):
    llmock.fail(418, message="\x1b[2J\x1b]0;owned\x07 <script>alert(1)</script>\nsecond line", times=None)
    response = ask(model("openai"))
    assert "<script>" in response.reason
    assert response.reason.isprintable()


def test_words_of_a_server_about_contexts_do_not_hide_what_it_is(llmock, model, ask):
    llmock.fail(401, message="No key for the context length service", times=None)
    assert "does not accept the key" in ask(model("openai")).reason


@dialects
def test_bursts_of_cancelled_calls_leave_the_client_well(llmock, model, dialect):
    expert = as_expert(model(dialect))

    async def burst():
        await expert.answer(cs.Question("Warm?"))
        for milliseconds in (0, 1, 2, 3):
            tasks = [asyncio.create_task(expert.answer(cs.Question(f"{i}?"))) for i in range(10)]
            await asyncio.sleep(milliseconds / 1000)  # not a wait for anything: the burst ends wherever it is
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return await expert.answer(cs.Question("Still well?"))

    assert asyncio.run(burst()).raw


def test_the_schema_goes_to_those_who_hold_it(llmock, model, ask):
    for dialect in ("openai", "google"):
        llmock.reply(YES)
        ask(model(dialect), kind=cs.Label("yes", "no"))
    openai, google = (str(request.body) for request in llmock.requests)
    assert "'json_schema'" in openai
    assert "'strict': True" in openai
    assert "response_json_schema" in google.lower() or "responsejsonschema" in google.lower()


def test_tool_and_prompted_answers_are_asked_for_when_named(llmock, model, ask):
    llmock.call_tool("answer", {"answer": "yes", "confidence": 0.5})
    assert ask(model("openai", typed="tool"), kind=cs.Label("yes", "no")).answer == "yes"
    llmock.reply(YES)
    assert ask(model("openai", typed="prompted"), kind=cs.Label("yes", "no")).answer == "yes"
    tool, prompted = (request.body for request in llmock.requests)
    assert tool["tool_choice"] == "required"
    assert "tools" not in prompted
    assert "response_format" not in prompted


def test_openai_itself_is_asked_without_a_stream_and_with_its_price(llmock, ask):
    # llmock's fixture points OPENAI_BASE_URL at itself, which the client of OpenAI reads
    llmock.reply("It is.")
    response = ask("openai:gpt-4o-mini")
    assert response.answer == "It is."
    assert not llmock.last_request.stream
    used = response.usage
    # 0.15 and 0.60 dollars a million tokens since 2024
    assert used.cost_usd == pytest.approx((0.15 * used.input_tokens + 0.6 * used.output_tokens) / 1e6)


@pytest.mark.parametrize(
    "name", ["openai:gpt-4o", "openai:gpt-5", "openai:gpt-5.1", "openai:o3", "anthropic:claude-opus-4-8"]
)
def test_a_model_is_sent_only_the_settings_that_it_takes(llmock, ask, name):
    # warnings are errors here: none is given about a temperature that a reasoning model does not take
    llmock.reply(YES)
    assert ask(name, kind=cs.Label("yes", "no")).answer == "yes"
    assert ("temperature" in llmock.last_request.body) == (name in ("openai:gpt-4o", "openai:gpt-5.1"))


def test_an_older_claude_is_held_by_a_tool(llmock, ask):
    llmock.call_tool("answer", {"answer": "yes", "confidence": 0.5})
    assert ask("anthropic:claude-of-old", kind=cs.Label("yes", "no")).answer == "yes"
    assert llmock.last_request.body["tool_choice"]["type"] == "any"


def test_models_of_one_service_share_a_policy_and_a_given_one_goes_first(llmock, model, forget):
    one, two = model("openai"), cs.Model("openai:other", base_url=llmock.base_url("openai"), alias="two")
    circle = cs.Circle([one, two])
    assert circle.policies["openai"] is circle.policies["two"]
    forget("openai")
    mine = Policy("openai", rate="500/min")
    circle = cs.Circle(["openai:gpt-4o-mini", "openai:gpt-4o"])
    assert set(circle.policies.values()) == {mine}
    assert repr(mine) == repr(circle.policies["openai:gpt-4o"])  # not configured anew


def test_the_usual_policy_retries(llmock, model):
    llmock.fail(500)
    with cs.Circle([model("openai")]) as circle:
        assert circle.ask_sync("Twice?").responses[0].outcome is Outcome.ANSWERED
    assert len(llmock.requests) == 2


def test_a_repair_spends_quota_like_any_call(llmock, model):
    expert = as_expert(model("openai"))
    Policy(expert.service.name, rate="100/min")
    before = expert.policy().requests.left
    llmock.reply("neither").reply(YES)
    asyncio.run(expert.answer(cs.Question("Is it?", cs.Label("yes", "no"))))
    assert before - expert.policy().requests.left == pytest.approx(1, abs=0.5)


def test_an_expert_answers_on_any_loop_again_and_again(llmock, model):
    expert = as_expert(model("anthropic"))
    for _ in range(3):
        assert asyncio.run(expert.answer(cs.Question("Again?"))).raw
    background.close()  # as at the end of a program; the next call starts another loop
    assert asyncio.run(expert.answer(cs.Question("And again?"))).raw


@dialects
def test_a_stream_brings_pieces_and_then_the_reply(llmock, model, dialect):
    llmock.reply("one two three four five")
    *pieces, reply = asyncio.run(_streamed(as_expert(model(dialect)), "Count"))
    assert len(pieces) > 1
    assert "".join(pieces) == reply.raw == "one two three four five"
    assert reply.usage.output_tokens > 0


@dialects
@pytest.mark.parametrize("fault", ["truncate", "corrupt", "disconnect"])
def test_a_stream_that_breaks_raises_after_what_came(llmock, model, dialect, fault):
    getattr(llmock, fault)(after_chunks=3)
    with pytest.raises(ProviderError):
        asyncio.run(_streamed(as_expert(model(dialect)), f"Break by {fault}"))


def test_who_stops_a_stream_ends_the_call(llmock, model):
    llmock.pace(200)
    expert = as_expert(model("openai"))

    async def first():
        pieces = expert.stream(cs.Question("Count slowly"))
        try:
            return await anext(pieces)
        finally:
            await pieces.aclose()

    assert asyncio.run(first())
    assert not llmock.last_request.completed


def test_a_stream_under_a_policy_is_one_call(llmock, model):
    expert = as_expert(model("openai"))
    llmock.fail(401)

    async def under():
        return [part async for part in expert.policy().stream(expert.stream, cs.Question("Under?"))]

    with pytest.raises(KeyRejected):
        asyncio.run(under())


async def _streamed(expert, text):
    return [part async for part in expert.stream(cs.Question(text))]


def test_a_circle_streams_what_a_model_writes_and_repairs_its_end(llmock, model):
    llmock.reply('{"answer": "perhaps", "confidence": 0.5}').reply(YES)
    with cs.Circle([model("openai")]) as circle:
        events = list(circle.stream_sync("Is it?", answer=cs.Label("yes", "no")))
    written = "".join(event.text for event in events if isinstance(event, Token))
    assert "perhaps" in written
    (response,) = events[-1].verdict.responses
    assert (response.answer, response.calls) == ("yes", 2)
    assert len(llmock.requests) == 2
