"""What a store keeps of who was asked, beside the questions."""

import json

import pytest

import consilience as cs
from consilience.circle import Circle
from consilience.models import Label, Reply


@pytest.fixture
def kind():
    return Label("yes", "no")


def test_the_store_knows_which_circle_asked_and_who_sits_in_it(tmp_path, kind):
    with Circle(
        [cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["no"])], store=tmp_path / "h.duckdb"
    ) as circle:
        circle.ask_sync("one?", answer=kind)
        circle.ask_sync("two?", answer=kind)
        found = circle.store.sql(
            "SELECT q.text, e.name, e.source, e.provider FROM questions q JOIN experts e ON e.circle = q.circle "
            "ORDER BY q.text, e.name"
        )
    assert found.rows() == [
        (text, name, "scripted", "scripted") for text in ("one?", "two?") for name in ("ana", "ben")
    ]


def test_a_model_is_kept_with_its_settings_and_its_price_list(tmp_path):
    from consilience.provenance import provenance

    model = cs.experts.registry.as_expert(
        cs.Model("openai:gpt-4o", persona="Be brief.", temperature=0.5, key="MY_KEY")
    )
    with cs.Store(tmp_path / "h.duckdb") as store:
        store.write(provenance([model], hide=lambda text: text.replace("brief", "[HIDDEN]")))
        row = store.sql("SELECT provider, model, settings FROM experts").row(0, named=True)
        price = store.sql("SELECT * FROM prices").row(0, named=True)
    assert (row["provider"], row["model"]) == ("openai", "gpt-4o")
    assert json.loads(row["settings"]) == {
        "max_tokens": 8192,
        "persona": "Be [HIDDEN].",
        "seed": 1,
        "temperature": 0.5,
    }
    assert (price["provider"], price["model"]) == ("openai", "gpt-4o")
    assert price["output_usd"] > price["input_usd"] > 0
    assert price["snapshot"].startswith("genai-prices ")


def test_a_run_says_who_was_asked_too(tmp_path, kind):
    with Circle([cs.Scripted("ana", ["yes"])], store=tmp_path / "h.duckdb") as circle:
        circle.run({"id": [1], "text": ["a"]}, "{text}?", answer=kind, key="id", progress=False).wait_sync()
        found = circle.store.sql("SELECT e.name FROM questions q JOIN experts e ON e.circle = q.circle")
    assert found["name"].to_list() == ["ana"]


def test_calls_and_tags_come_back(tmp_path, kind):
    expert = cs.Scripted("ana", [Reply("yes", calls=2)])
    question = cs.Question("one?", kind, tags=("urgent", "confidential"))
    with Circle([expert], store=tmp_path / "h.duckdb") as circle:
        circle.ask_sync(question)
        stored = circle.store.question(question.id)
    assert stored.question.tags == ("urgent", "confidential")
    assert [response.calls for response in stored.responses] == [2]


def test_every_round_comes_back_with_what_was_asked_in_it(tmp_path, kind):
    ana, ben = cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["no", "yes"])
    with Circle([ana, ben], store=tmp_path / "h.duckdb") as circle:
        verdict = circle.ask_sync("one?", answer=kind, rounds=cs.rounds.Delphi())
        again = circle.store.verdict(verdict.question.id)
    assert len(verdict.rounds) > 1
    assert again.course == verdict.course
    assert [each.number for each in again.rounds] == [each.number for each in verdict.rounds]
    for kept, was in zip(again.rounds, verdict.rounds, strict=True):
        assert {r.expert: r.answer for r in kept.responses} == {r.expert: r.answer for r in was.responses}
        assert [(name, q.text, q.context) for name, q in kept.questions] == [
            (name, q.text, q.context) for name, q in was.questions
        ]


def test_what_an_older_version_wrote_has_one_call_and_no_tags(tmp_path, kind):
    with Circle([cs.Scripted("ana", ["yes"])], store=tmp_path / "h.duckdb") as circle:
        circle.ask_sync("one?", answer=kind)
    import duckdb

    with duckdb.connect(str(tmp_path / "h.duckdb")) as connection:
        connection.execute(
            "UPDATE responses SET calls = NULL; UPDATE questions SET tags = NULL, circle = NULL"
        )
    with cs.Store(tmp_path / "h.duckdb") as store:
        stored = store.question(store.latest()["question_id"].item())
    assert stored.question.tags == ()
    assert stored.responses[0].calls == 1
