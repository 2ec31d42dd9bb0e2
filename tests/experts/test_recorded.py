import json

import pytest

import consilience as cs
from consilience.errors import InvalidInput
from consilience.samples import panel60, panel60_path

ROW = {"expert": "ana", "question": "Is it?", "labels": ["yes", "no"], "answer": "yes", "confidence": 0.9}


@pytest.fixture
def recording(tmp_path):
    def write(*rows, text=None):
        path = tmp_path / "recording.jsonl"
        path.write_text(text if text is not None else "\n".join(json.dumps(row) for row in rows))
        return path

    return write


def ask(expert, text="Is it?", answer=None):
    return cs.Circle([expert]).ask_sync(text, answer=answer or cs.Label("yes", "no")).responses[0]


def test_a_recording_is_replayed_and_marked(recording):
    response = ask(cs.Recorded(recording(ROW)))
    assert (response.answer, response.confidence, response.source) == ("yes", 0.9, "recorded")


def test_the_order_of_the_choices_does_not_matter(recording):
    assert ask(cs.Recorded(recording(ROW)), answer=cs.Label("no", "yes")).answer == "yes"


@pytest.mark.parametrize(
    ("text", "answer"),
    [("Is he?", None), ("Is it?", cs.Label("yes", "no", "unsure")), ("Is it?", cs.Text())],
)
def test_a_miss_is_an_outcome_and_never_a_guess(recording, text, answer):
    response = ask(cs.Recorded(recording(ROW)), text, answer)
    assert response.outcome == "failed"
    assert "holds no answer" in response.reason


def test_one_of_several_recorded_experts_is_named(recording):
    path = recording(ROW, ROW | {"expert": "ben", "answer": "no"})
    assert ask(cs.Recorded(path, "ben", name="b")).answer == "no"
    with pytest.raises(InvalidInput, match="ana, ben; none was named"):
        cs.Recorded(path)
    with pytest.raises(InvalidInput, match="'cy' came"):
        cs.Recorded(path, "cy")


def test_a_recorded_label_outside_the_choices_is_unparseable(recording):
    assert ask(cs.Recorded(recording(ROW | {"answer": "maybe"}))).outcome == "unparseable"


def test_recorded_items_come_back_as_a_list(recording):
    row = {"expert": "ana", "question": "How?", "answer": ["Shard", "Index"]}
    assert ask(cs.Recorded(recording(row)), "How?", cs.Items()).answer == ("Shard", "Index")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no answers"),
        ("{broken", "line 1: a JSON object"),
        ("[1]", "line 1"),
        ('{"expert": "a"}', "question, answer is missing"),
    ],
)
def test_a_file_that_is_no_recording_says_where(recording, text, why):
    with pytest.raises(InvalidInput, match=why):
        cs.Recorded(recording(text=text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"nothing\.jsonl cannot be read"):
        cs.Recorded(tmp_path / "nothing.jsonl")


def test_panel60_is_what_its_card_says():
    questions = panel60()
    assert len(questions) == 60
    card = (panel60_path().parent / "panel60.md").read_text()
    for model, right in (("gemma270", 53), ("qwen25coder05", 58), ("qwen25coder15", 55)):
        circle = cs.Circle([cs.Recorded(panel60_path(), f"{model}_fewshot")])
        found = sum(circle.ask_sync(one.question).answer == one.gold for one in questions)
        assert found == right
        assert str(right) in card
