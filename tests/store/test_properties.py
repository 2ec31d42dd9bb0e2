"""What holds for every text."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consilience.models import Outcome, Question, Response, Source
from consilience.store import segments
from consilience.store.rows import bundle, storable

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
