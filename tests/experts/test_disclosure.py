"""What leaves a circle: secrets and personal data are hidden from experts and store, tags bar providers."""

import pytest

import consilience as cs
from consilience.errors import InvalidInput
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
