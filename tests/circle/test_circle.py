import asyncio
import threading
import time

import pytest

import consilience as cs
from consilience.errors import (
    Abstained,
    DuplicateExpert,
    EmptyCircle,
    EmptyQuestion,
    InvalidInput,
    Refused,
    UnknownExpert,
)
from consilience.models import Usage

YES_NO = cs.Label("yes", "no")


class Never:
    """An expert that waits until it is cancelled, and says so."""

    name = "never"
    source = cs.models.Source.FUNCTION

    def __init__(self):
        self.asked = threading.Event()
        self.cancelled = threading.Event()

    async def answer(self, question):
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def aclose(self):
        pass


def three(*answers):
    return cs.Circle([cs.Scripted(name, [answer]) for name, answer in zip("abc", answers, strict=False)])


def by_name(verdict):
    return {response.expert: response for response in verdict.responses}


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (None, "abstained"),
        (Abstained("I pass."), "abstained"),
        (Refused("Not this."), "refused"),
        ("maybe", "unparseable"),
        (TimeoutError("slow"), "timed out"),
        (ValueError("broken"), "failed"),
        (SystemExit(3), "failed"),
        (asyncio.CancelledError(), "failed"),
        (StopIteration("x"), "failed"),
        (ExceptionGroup("both", [ValueError()]), "failed"),
    ],
)
def test_one_experts_failure_is_its_outcome_and_costs_nobody_else(failure, outcome):
    verdict = three("yes", failure, "yes").ask_sync("Is it?", answer=YES_NO)
    assert verdict.answer == "yes"
    assert by_name(verdict)["b"].outcome == outcome
    assert by_name(verdict)["b"].reason
    assert verdict.banner == f"2 of 3 answered: 1 {outcome}"


def test_what_an_unparseable_expert_said_is_kept():
    response = by_name(three("maybe").ask_sync("Is it?", answer=YES_NO))["a"]
    assert (response.raw, response.answer) == ("maybe", None)
    assert "yes, no" in response.reason


def test_what_comes_back_is_bounded():
    verdict = three("x" * 200_000, RuntimeError("y" * 5_000)).ask_sync("Say much")
    first, second = verdict.responses
    assert first.outcome == "unparseable"
    assert len(first.raw) == 100_000
    assert len(second.reason) == 500


def test_functions_and_coroutine_functions_are_experts_by_their_names():
    def keywords(question):
        return "yes" if "it" in question.text else "no"

    async def slow(question):
        await asyncio.sleep(0)
        return cs.Reply("no", confidence=0.6)

    class Callable:
        def __call__(self, question):
            return None

    verdict = cs.Circle([keywords, slow, Callable()]).ask_sync("Is it?", answer=YES_NO)
    assert {name: r.answer for name, r in by_name(verdict).items()} == {
        "keywords": "yes",
        "slow": "no",
        "Callable": None,
    }
    assert by_name(verdict)["slow"].confidence == 0.6
    assert by_name(verdict)["Callable"].outcome == "abstained"


def test_an_object_that_returns_no_reply_says_what_is_required():
    class Wrong(Never):
        async def answer(self, question):
            return "yes"

    verdict = cs.Circle([Wrong()]).ask_sync("Is it?", answer=YES_NO)
    assert "must return a cs.Reply, a str came" in verdict.responses[0].reason


def test_whoever_is_late_is_timed_out_and_its_work_is_stopped():
    late = Never()
    verdict = cs.Circle([late, cs.Scripted("a", ["yes"])]).ask_sync("Is it?", answer=YES_NO, deadline=0.05)
    assert by_name(verdict)["never"].outcome == "timed out"
    assert by_name(verdict)["never"].reason == "no answer within 0.05 s"
    assert by_name(verdict)["a"].answer == "yes"
    assert late.cancelled.is_set()


def test_an_expert_that_resists_its_cancellation_holds_nobody():
    release = threading.Event()

    class Stubborn(Never):
        async def answer(self, question):
            while not release.is_set():
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    continue

    try:
        verdict = cs.Circle([Stubborn(), cs.Scripted("a", ["yes"])], deadline=0.05).ask_sync(
            "Is it?", answer=YES_NO
        )
        assert by_name(verdict)["never"].outcome == "timed out"
    finally:
        release.set()


def test_a_function_that_blocks_does_not_hold_the_others():
    release = threading.Event()

    def blocked(question):
        release.wait(30)
        return "yes"

    try:
        verdict = cs.Circle([blocked, cs.Scripted("a", ["yes"])], deadline=0.05).ask_sync(
            "Is it?", answer=YES_NO
        )
        assert {r.expert: r.outcome.value for r in verdict.responses} == {
            "a": "answered",
            "blocked": "timed out",
        }
    finally:
        release.set()


def test_experts_are_asked_at_the_same_time():
    gate = threading.Barrier(3, timeout=10)

    def meets(name):
        def expert(question):
            gate.wait()
            return "yes"

        return cs.FunctionExpert(expert, name=name)

    assert cs.Circle([meets(name) for name in "abc"]).ask_sync("Is it?", answer=YES_NO).support.n == 3


def test_cancelling_the_caller_cancels_the_experts():
    never = Never()
    circle = cs.Circle([never])

    async def main():
        task = asyncio.create_task(circle.ask("Is it?"))
        await asyncio.to_thread(never.asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert never.cancelled.wait(10)


def test_three_loops_in_a_row_and_a_running_one_work():
    circle = three("yes")

    async def inside():
        sync = circle.ask_sync("Is it?", answer=YES_NO)
        verdict = await circle.ask("Is it?", answer=YES_NO)
        return sync.answer, verdict.answer

    assert [asyncio.run(inside()) for _ in range(3)] == [("yes", "yes")] * 3


def test_two_threads_may_ask_one_circle():
    circle = three("yes", "yes", "no")
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.extend(circle.ask_sync("Is it?", answer=YES_NO).answer for _ in range(20))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["yes"] * 40


def test_an_asynchronous_expert_that_would_wait_for_itself_is_told():
    inner = three("yes")

    async def asks(question):
        return inner.ask_sync("Is it?").answer

    response = cs.Circle([asks]).ask_sync("Is it?").responses[0]
    assert response.outcome == "failed"
    assert "await the asynchronous form" in response.reason


def test_an_expert_may_consult_a_circle_of_its_own():
    inner = three("yes")

    async def asks(question):
        return (await inner.ask("Is it?")).answer

    def asks_sync(question):
        return inner.ask_sync("Is it?").answer

    assert cs.Circle([asks, asks_sync]).ask_sync("Is it?", answer=YES_NO).support.n == 2


def test_a_question_carries_its_own_parts():
    question = cs.Question("Is it?", YES_NO)
    assert three("yes").ask_sync(question).question is question
    with pytest.raises(InvalidInput, match="carries its own"):
        three("yes").ask_sync(question, context="more")


def test_what_experts_see_is_the_question_as_given():
    seen = []

    def notes(question):
        seen.append(question)
        return "yes"

    cs.Circle([notes]).ask_sync("Is it?", answer=YES_NO, context="It rained.", examples=[("Was it?", "no")])
    assert (seen[0].context, seen[0].examples[0].answer) == ("It rained.", "no")


def test_the_method_is_an_option_of_the_circle():
    experts = [cs.Scripted("a", ["yes"]), cs.Scripted("b", [None])]
    assert cs.Circle(experts).ask_sync("Is it?", answer=YES_NO).answer is None
    assert cs.Circle(experts, method="plurality").ask_sync("Is it?", answer=YES_NO).answer == "yes"


@pytest.mark.parametrize(
    ("experts", "error", "why"),
    [
        ([], EmptyCircle, "at least one expert"),
        ("local:smollm2", InvalidInput, r"write \['local:smollm2'\]"),
        ([cs.Scripted("a", [1]), cs.Scripted("a", [2])], DuplicateExpert, "'a' came more than once"),
        (["nobody:x"], UnknownExpert, "nobody:x"),
        (["smollm2"], UnknownExpert, "provider:model"),
        (["local:gpt-9"], UnknownExpert, "local:smollm2"),
        ([3], UnknownExpert, "a int came"),
        ([lambda question: "yes"], InvalidInput, "lambda"),
    ],
)
def test_a_circle_that_cannot_be_formed_says_why(experts, error, why):
    with pytest.raises(error, match=why):
        cs.Circle(experts)


@pytest.mark.parametrize(
    ("how", "error", "why"),
    [
        ({"anwser": YES_NO}, TypeError, "did you mean answer="),
        ({"reqired": ["a"]}, TypeError, "did you mean required="),
        ({"nonsense": 1}, TypeError, "it takes answer, context"),
        ({"answer": cs.Label}, InvalidInput, "answer kind such as"),
        ({"context": 4}, InvalidInput, "context= takes a text, a int came"),
        ({"deadline": "5"}, InvalidInput, "deadline is a number of seconds above 0, '5' came"),
        ({"first": "1"}, InvalidInput, "first is between 1 and"),
        ({"min_responses": True}, InvalidInput, "min_responses is between"),
        ({"rounds": 3}, InvalidInput, "takes a strategy such as"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anybody_is_asked(how, error, why):
    never = Never()
    circle = cs.Circle([never])
    for call in (circle.ask_sync, circle.stream_sync):
        with pytest.raises(error, match=why):
            call("Is it?", **how)
    if error is TypeError:
        with pytest.raises(error, match=why):
            circle.ask_all_sync(["Is it?"], **how)
    else:
        assert isinstance(circle.ask_all_sync(["Is it?"], **how)[0], error)
    assert not never.asked.is_set()


@pytest.mark.parametrize("given", [{"budget": 5}, {"store": 3}])
def test_a_budget_or_store_that_is_none_is_refused(given):
    with pytest.raises(InvalidInput, match="takes"):
        cs.Circle([cs.Scripted("a", ["yes"])], **given)


@pytest.mark.parametrize(
    "reply", [cs.Reply("yes", usage=Usage(1, 1, "0.1")), cs.Reply("yes", probabilities={"yes": 1.0})]
)
def test_a_reply_that_cannot_be_used_is_that_experts_failure(reply):
    verdict = cs.Circle([cs.Scripted("a", [reply]), cs.Scripted("b", ["yes"])]).ask_sync(
        "Is it?", answer=YES_NO
    )
    assert {r.expert: str(r.outcome) for r in verdict.responses} == {"a": "failed", "b": "answered"}


@pytest.mark.parametrize("deadline", [0, -1, float("nan"), float("inf")])
def test_a_deadline_is_a_number_of_seconds(deadline):
    with pytest.raises(InvalidInput, match="deadline"):
        cs.Circle([cs.Scripted("a", ["yes"])], deadline=deadline)


def test_an_empty_question_is_refused_before_anybody_is_asked():
    never = Never()
    with pytest.raises(EmptyQuestion):
        cs.Circle([never]).ask_sync("  ")
    assert not never.asked.is_set()


def test_latency_is_measured_from_the_call():
    verdict = cs.Circle([cs.Scripted("a", ["yes"], latency=0.03)]).ask_sync("Is it?")
    assert verdict.responses[0].latency_s >= 0.03


def test_a_circle_closes_its_experts_and_can_be_used_again():
    closed = []

    class Closing(Never):
        async def answer(self, question):
            return cs.Reply("yes")

        async def aclose(self):
            closed.append(time.monotonic())

    with cs.Circle([Closing()]) as circle:
        circle.ask_sync("Is it?")
    assert len(closed) == 1
    assert circle.ask_sync("Is it?").answer == "yes"


def test_the_repr_names_the_experts():
    assert repr(three("x", "y")) == "<Circle of 2: a, b>"


def test_an_expert_that_keeps_failing_is_not_asked_for_a_while():
    asked = []

    def broken(question):
        asked.append(question)
        raise ConnectionError("refused")

    circle = cs.Circle([broken, cs.Scripted("a", ["yes"] * 9)])
    outcomes = [by_name(circle.ask_sync("Is it?", answer=YES_NO))["broken"] for _ in range(7)]
    assert [response.outcome for response in outcomes] == ["failed"] * 5 + ["circuit open"] * 2
    assert len(asked) == 5
    assert "5 failures in a row" in outcomes[-1].reason


def test_an_expert_that_is_late_again_and_again_is_not_waited_for():
    circle = cs.Circle([Never(), cs.Scripted("a", ["yes"] * 9)], deadline=0.01)
    outcomes = [by_name(circle.ask_sync("Is it?", answer=YES_NO))["never"] for _ in range(6)]
    assert [response.outcome for response in outcomes] == ["timed out"] * 5 + ["circuit open"]


def test_what_an_expert_says_of_a_question_does_not_open_its_circuit():
    def refuses(question):
        raise Refused("no")

    circle = cs.Circle([refuses, cs.Scripted("a", ["yes"] * 9)])
    assert {by_name(circle.ask_sync("Is it?", answer=YES_NO))["refuses"].outcome for _ in range(7)} == {
        "refused"
    }


def test_experts_are_asked_under_the_policies_that_are_named():
    shared = cs.policies.Policy("shared", registered=False, deadline=0.01)
    circle = cs.Circle([Never(), cs.Scripted("a", ["yes"])], policies={"never": shared})
    response = by_name(circle.ask_sync("Is it?", answer=YES_NO))["never"]
    assert (response.outcome, response.reason) == ("timed out", shared._attempts.over)
    with pytest.raises(UnknownExpert, match="nobody"):
        cs.Circle([cs.Scripted("a", ["yes"])], policies={"nobody": shared})


def test_a_name_cannot_write_to_the_terminal():
    assert "\x1b" not in repr(cs.Circle([cs.Scripted("a\x1b[31mb\x07", ["yes"])]))
