"""What holds for every text."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consilience.models import Outcome, Question, Response, Source
from consilience.store import Store, segments
from consilience.store.rows import bundle, storable


@pytest.fixture
def engine():
    """DuckDB: the module is about the file."""
    return "duckdb"


START = datetime(2026, 1, 1, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=()), max_size=50)  # Lone surrogates and NUL included.


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts, min_size=1, max_size=20), texts)
def test_any_text_comes_back_from_the_file_as_its_storable_form(store, said, name):
    question = Question("x" + said[0])
    responses = [
        Response(
            question_id=question.id,
            expert=name,
            source=Source.MODEL,
            outcome=Outcome.ANSWERED,
            answer=text,
            raw=text,
        )
        for text in said
    ]
    store.record(question, responses, None)
    frame = store.sql("SELECT answer, raw, expert FROM responses WHERE question_id = ?", question.id)
    assert sorted(frame["raw"]) == sorted(map(storable, said))
    assert sorted(frame["answer"]) == sorted(map(storable, said))
    assert set(frame["expert"]) == {storable(name)}


@given(texts)
def test_a_storable_text_is_utf8_without_nul_and_stays_as_it_is(text):
    stored = storable(text)
    assert "\x00" not in stored
    assert stored.encode().decode() == stored == storable(stored)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00")))
def test_a_text_that_can_be_kept_is_not_changed(text):
    assert storable(text) == text


@given(st.lists(texts, max_size=5))
def test_a_segment_holds_all_rows_of_all_its_bundles(said):
    bundles = [bundle(Question("x" + text), [], None) for text in said]
    if bundles:
        table = segments.decode(segments.encode(bundles))
        assert table.num_rows == len(said)
        assert table["questions.text"].to_pylist() == [storable("x" + text) for text in said]


moments = st.tuples(st.integers(0, 7200), st.integers(-100, 100), st.sampled_from("ab"))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(moments, min_size=1, max_size=20), min_size=1, max_size=3))
def test_rollups_after_any_number_of_turns_are_what_all_raw_rows_give(tmp_path, batches):
    with Store(tmp_path / f"{uuid.uuid4().hex}.duckdb", interval=3600) as store:
        for batch in batches:
            seconds, values, labels = zip(*batch, strict=True)
            store.put_metrics(
                {
                    "asked_at": [START + timedelta(seconds=second) for second in seconds],
                    "source": ["s"] * len(batch),
                    "name": ["n"] * len(batch),
                    "value": list(map(float, values)),
                    "label": list(labels),
                }
            )
            store.maintain(keep={}, now=START + timedelta(days=1))
        for table, unit in (("metrics_1m", "minute"), ("metrics_1h", "hour")):
            columns = "bucket, label, n, sum, min, max, p50"
            wanted = store.sql(
                f"SELECT date_trunc('{unit}', asked_at) AS bucket, label, count(*) AS n, sum(value) AS sum, "
                "min(value) AS min, max(value) AS max, quantile_cont(value, 0.5) AS p50 FROM metrics "
                "GROUP BY 1, 2 ORDER BY 1, 2"
            )
            assert store.sql(f"SELECT {columns} FROM {table} ORDER BY 1, 2").equals(wanted)
