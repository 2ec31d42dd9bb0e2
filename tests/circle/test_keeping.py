import pytest

import consilience as cs
from consilience.errors import StoreError, StoreFull, StoreTooNew

YES_NO = cs.Label("yes", "no")


def circle(store):
    return cs.Circle([cs.Scripted("a", ["yes"]), cs.Scripted("b", [None])], store=store)


def test_what_was_asked_is_in_the_store_when_ask_returns(tmp_path):
    path = tmp_path / "history.duckdb"
    with circle(path) as asked:
        verdict = asked.ask_sync("Is it?", answer=YES_NO)
        row = asked.store.latest(1).row(0, named=True)
    assert row["question"] == "Is it?"
    assert row["question_id"] == verdict.question.id
    assert [(r["expert"], r["outcome"]) for r in row["responses"]] == [("a", "answered"), ("b", "abstained")]


def test_a_store_that_was_handed_in_stays_open(tmp_path):
    with cs.Store(tmp_path / "history.duckdb") as store:
        with circle(store) as first:
            first.ask_sync("Is it?", answer=YES_NO)
        with circle(store) as second:
            second.ask_sync("Is he?", answer=YES_NO)
        assert store.sql("SELECT count(*) FROM verdicts").item() == 2


def test_a_store_that_cannot_be_used_is_found_before_anybody_is_asked(tmp_path):
    path = tmp_path / "history.duckdb"
    path.write_text("no database")
    asked = []

    def notes(question):
        asked.append(question)
        return "yes"

    with pytest.raises(StoreError, match="history.duckdb"):
        cs.Circle([notes], store=path).ask_sync("Is it?")
    assert not asked


def test_a_store_of_a_newer_version_is_refused_and_unchanged(tmp_path):
    import duckdb

    path = tmp_path / "history.duckdb"
    with circle(path) as asked:
        asked.ask_sync("Is it?", answer=YES_NO)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE schema_version SET version = version + 1000")
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="newer"):
        circle(path).ask_sync("Is he?", answer=YES_NO)
    assert path.read_bytes() == before


def test_a_full_disk_raises_with_the_verdict_and_writes_it_when_there_is_space(small_disk, fill):
    with cs.Store(small_disk / "history.duckdb", interval=3600) as store:
        asking = circle(store)
        asking.ask_sync("Before?", answer=YES_NO)
        fill(small_disk)
        with pytest.raises(StoreFull, match="make space") as caught:
            asking.ask_sync("Meanwhile?", answer=YES_NO)
        assert caught.value.verdict.question.text == "Meanwhile?"
        (small_disk / "filler").unlink()
        asking.ask_sync("After?", answer=YES_NO)
        assert store.latest()["question"].to_list() == ["After?", "Meanwhile?", "Before?"]
