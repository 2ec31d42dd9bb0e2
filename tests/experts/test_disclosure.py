"""What leaves a circle: secrets and personal data are hidden from experts and store, tags bar providers."""

import asyncio

import pytest

import consilience as cs
from consilience.errors import InvalidInput
from consilience.experts.human import Desk
from consilience.redaction import Redactor

MAIL = "ana@example.org"


class Listening:
    """An expert that notes what it is asked and repeats it."""

    name = "listening"
    source = cs.models.Source.MODEL

    def __init__(self, provider="openai"):
        self.provider = provider
        self.asked = []

    async def answer(self, question):
        self.asked.append(question)
        return cs.Reply(f"{question.text} / {question.context}; also ben@example.org")

    async def aclose(self):
        pass


def test_experts_and_store_see_placeholders_and_the_caller_sees_the_values(tmp_path):
    expert = Listening()
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([expert], store=store, redact=True)
        verdict = circle.ask_sync(
            f"Is {MAIL} right?", context=f"{MAIL} or 192.0.2.7", examples=[("c@example.org?", "no")]
        )
        kept = [
            str(store.sql(f"SELECT * FROM {table}").rows())
            for table in ("questions", "responses", "verdicts")
        ]
    (question,) = expert.asked
    assert (question.text, question.context) == ("Is [EMAIL_1] right?", "[EMAIL_1] or [IP_1]")
    assert question.examples[0].question == "[EMAIL_2]?"
    assert verdict.answer == f"Is {MAIL} right? / {MAIL} or 192.0.2.7; also ben@example.org"
    assert verdict.question.text == f"Is {MAIL} right?"
    assert "[EMAIL_1]" in kept[0]
    assert "[EMAIL_3]" in kept[1]
    assert not [text for text in kept if "example.org" in text or "192.0.2.7" in text]


def test_without_redact_nothing_is_changed():
    expert = Listening()
    cs.Circle([expert]).ask_sync(f"Is {MAIL} right?")
    assert MAIL in expert.asked[0].text


def test_a_redactor_of_ones_own_is_used():
    expert = Listening()
    cs.Circle([expert], redact=Redactor(["IP"])).ask_sync(f"{MAIL} at 192.0.2.7")
    assert expert.asked[0].text == f"{MAIL} at [IP_1]"


def test_choices_that_would_have_to_be_hidden_are_refused_before_anybody_is_asked():
    expert = Listening()
    with pytest.raises(InvalidInput, match="other words") as caught:
        cs.Circle([expert], redact=True).ask_sync("Who?", answer=cs.Label(MAIL, "nobody"))
    assert expert.asked == []
    assert MAIL not in str(caught.value)


def test_a_tag_bars_the_providers_it_does_not_name():
    hosted, here = Listening("openai"), Listening("local")
    here.name = "here"
    circle = cs.Circle([hosted, here], allow={"confidential": ["local"]})
    verdict = circle.ask_sync(cs.Question("Secret plan?", tags=["confidential"]))
    outcomes = {r.expert: (r.outcome, r.reason) for r in verdict.responses}
    assert hosted.asked == []
    assert outcomes["listening"] == (
        cs.Outcome.REFUSED,
        "not asked: the tag 'confidential' does not allow the provider 'openai'",
    )
    assert outcomes["here"][0] is cs.Outcome.ANSWERED
    assert verdict.degraded
    circle.ask_sync("Open plan?")
    assert len(hosted.asked) == 1


def test_one_expert_of_a_provider_can_be_named_and_a_name_alone_opens_nothing():
    posing = Listening("openai")
    posing.name = "local"
    question = cs.Question("Secret plan?", tags=["confidential"])
    verdict = cs.Circle([posing], allow={"confidential": ["local"]}).ask_sync(question)
    assert verdict.responses[0].outcome is cs.Outcome.REFUSED
    verdict = cs.Circle([posing], allow={"confidential": ["openai:local"]}).ask_sync(question)
    assert verdict.responses[0].outcome is cs.Outcome.ANSWERED


def test_when_nobody_may_be_asked_the_verdict_says_so():
    question = cs.Question("Secret plan?", cs.Label("yes", "no"), tags=["confidential"])
    verdict = cs.Circle([Listening()], allow={"confidential": []}).ask_sync(question)
    assert verdict.decision is cs.Decision.NO_ANSWER


def test_functions_recordings_scripts_and_people_are_providers_by_their_source():
    def own(question):
        return "yes"

    question = cs.Question("Secret plan?", tags=["confidential"])
    circle = cs.Circle([own, cs.Scripted("ana", ["yes"])], allow={"confidential": ["function"]})
    outcomes = {r.expert: r.outcome for r in circle.ask_sync(question).responses}
    assert outcomes == {"own": cs.Outcome.ANSWERED, "ana": cs.Outcome.REFUSED}


def test_tags_are_no_part_of_what_an_expert_is_shown():
    assert cs.Question("q").digest == cs.Question("q", tags=["a"]).digest
    assert cs.Question("q", tags=["a", "b", "a"]).tags == ("a", "b")


@pytest.mark.parametrize("tags", ["confidential", [1], 3])
def test_tags_that_are_no_words_are_refused(tags):
    with pytest.raises(InvalidInput, match="tags="):
        cs.Question("q", tags=tags)


def test_a_rule_that_is_one_text_is_refused():
    with pytest.raises(InvalidInput, match="allow="):
        cs.Circle([Listening()], allow={"confidential": "local"})


class Naming(Listening):
    """One that brings an address of its own."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    async def answer(self, question):
        self.asked.append(question)
        return cs.Reply(f"{question.text[:30]}; {self.name}@example.org")


def held(store):
    """Return everything that a store holds, as one text."""
    store.flush()
    return "".join(
        str(store.sql(f"SELECT * FROM {table}").rows())
        for table in ("questions", "responses", "verdicts", "recommendations", "runs", "cells")
    )


@pytest.mark.parametrize(
    "rounds",
    [cs.rounds.Delphi(), cs.rounds.Debate(), cs.rounds.PeerReview(), cs.rounds.Escalation(["a", "b"])],
)
def test_every_round_sends_and_keeps_placeholders_and_the_caller_sees_the_values(tmp_path, rounds):
    experts = [Naming(name) for name in "abc"]
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle(experts, store=store, redact=True)
        verdict = circle.ask_sync(f"Is {MAIL} right?", context="192.0.2.7", rounds=rounds)
        kept = held(store)
    sent = [f"{q.text} {q.context}" for expert in experts for q in expert.asked]
    assert len(sent) >= 3
    assert not [text for text in sent if "example.org" in text or "192.0.2.7" in text]
    assert "example.org" not in kept
    assert verdict.question.text == f"Is {MAIL} right?"
    assert all("[EMAIL" not in str(r.answer) for one in verdict.rounds for r in one.responses)
    assert MAIL in verdict.rounds[0].questions[0][1].text


def test_a_strategy_that_makes_questions_of_its_own_cannot_send_what_is_hidden_or_barred():
    class Leaking:
        async def conduct(self, inquiry):
            return await inquiry.ask(cs.Question("And ben@example.org?"))

    hosted, here = Listening("openai"), Listening("local")
    here.name = "here"
    circle = cs.Circle([hosted, here], redact=True, allow={"confidential": ["local"]})
    verdict = circle.ask_sync(cs.Question(f"Is {MAIL} right?", tags=["confidential"]), rounds=Leaking())
    assert hosted.asked == []
    assert [q.text for q in here.asked] == ["And [EMAIL_2]?"]
    assert {r.expert: r.outcome for r in verdict.responses} == {
        "here": cs.Outcome.ANSWERED,
        "listening": cs.Outcome.REFUSED,
    }


def test_who_may_not_see_a_question_is_refused_in_every_round():
    hosted, here, there = Listening("openai"), Naming("here"), Naming("there")
    here.provider = there.provider = "local"
    circle = cs.Circle([hosted, here, there], allow={"confidential": ["local"]})
    verdict = circle.ask_sync(cs.Question("Secret?", tags=["confidential"]), rounds=cs.rounds.Delphi())
    assert hosted.asked == []
    assert len(verdict.rounds) > 1
    assert all(one.responses[1].outcome is cs.Outcome.REFUSED for one in verdict.rounds)


FRAME = {"id": [1, 2, 3], "text": [f"Is {MAIL} right?", "Is c@example.org right?", "Is it?"]}


def test_a_run_sends_and_keeps_placeholders_and_its_result_has_the_values(tmp_path):
    expert = Listening()
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([expert], store=store, redact=True)
        settings = {"key": "id", "context": "Ask d@example.org", "progress": False}
        first = circle.run(FRAME, "For e@example.org: {text}", **settings)
        assert first.plan.calls == 3
        result = first.wait_sync()
        kept = held(store)
        again = circle.run(FRAME, "For e@example.org: {text}", **settings)
        assert again.plan.settled == 3 or again.plan.calls < 3
        reused = again.wait_sync()
    assert "example.org" not in kept
    assert not [q for q in expert.asked if "example.org" in f"{q.text} {q.context}"]
    assert len(expert.asked) == 3
    for frame in (result.frame, reused.frame):
        assert frame["answer"][0].startswith(f"For e@example.org: Is {MAIL} right?")
        assert frame["answer"][1].startswith("For e@example.org: Is c@example.org right?")


def test_the_tags_of_a_run_bar_providers_row_by_row(tmp_path):
    hosted, here = Listening("openai"), Listening("local")
    here.name = "here"
    frame = {"id": [1, 2, 3], "text": ["a", "b", "a"], "level": ["secret", None, "open"]}
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([hosted, here], store=store, allow={"secret": ["local"]})
        run = circle.run(frame, "{text}?", key="id", tags=["{level}"], answer=cs.Text(), progress=False)
        assert {e.name: e.calls for e in run.plan.experts} == {"here": 2, "listening": 2}
        result = run.wait_sync()
        assert sorted(q.text for q in hosted.asked) == ["a?", "b?"]
        stored = store.sql("SELECT expert, outcome FROM responses WHERE reason LIKE 'not asked%'").rows()
        assert stored == [("listening", "refused")]
        circle.run(frame, "{text}?", key="id", tags=["{level}"], progress=False).wait_sync()
        assert len(hosted.asked) == 2
        cs.Circle([hosted, here], store=store).run(frame, "{text}?", key="id", progress=False).wait_sync()
    outcomes = result.answers.filter(result.answers["expert"] == "listening")["outcome"].to_list()
    assert sorted(outcomes) == ["answered", "answered", "refused"]
    assert result.frame["support_of"].to_list() == [2, 2, 2]


def test_a_tag_of_the_whole_run_bars_a_provider_of_all_rows():
    hosted, here = Listening("openai"), Listening("local")
    here.name = "here"
    circle = cs.Circle([hosted, here], allow={"secret": ["local"]})
    run = circle.run(FRAME, "{text}", tags=["secret"], progress=False)
    assert {e.name: e.calls for e in run.plan.experts} == {"here": 3, "listening": 0}
    run.wait_sync()
    assert hosted.asked == []
    with pytest.raises(InvalidInput, match="tags="):
        circle.run(FRAME, "{text}", tags="secret")


def test_a_run_whose_choices_would_have_to_be_hidden_is_refused_before_anybody_is_asked():
    with pytest.raises(InvalidInput, match="other words"):
        cs.Circle([Listening()], redact=True).run(FRAME, "{text}", answer=cs.Label(MAIL, "nobody"))


def test_a_late_answer_is_kept_with_placeholders(tmp_path):
    human = cs.Human("ana")
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([human, cs.Scripted("ben", ["yes"])], store=store, redact=True, deadline=0.1)
        asked = [circle.ask_sync(f"Is {MAIL} right? ({n})") for n in (1, 2)]
        human.give(asked[0].question.id, "Write to c@example.org")
        assert len(asyncio.run(circle.collect())) == 1
        Desk("ana", store=store, redact=True).submit(asked[1].question.id, "Write to d@example.org")
        kept = held(store)
    assert "example.org" not in kept
    assert "Write to [EMAIL_2]" in kept
