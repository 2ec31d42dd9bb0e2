"""Answers in a store: replayed exactly, by expert, question, prompt and replicate."""

import asyncio
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from consilience.errors import StoreFull
from consilience.models import ConfidenceSource, Reply, Usage
from consilience.policies import Cache, Events, TierChanged, TierFailed, cached
from consilience.store import AnswerKey, Answers, leases

KEY = AnswerKey("local:smollm2", "3f1c", "9ab0")
FOREVER = float("inf")


@pytest.fixture
def told():
    return []


@pytest.fixture
def make(store, told):
    events = Events()
    events.subscribe(told.append)

    def build(given=None, **settings):
        return Answers(given or store, events=events, **settings)

    return build


def run(coroutine):
    return asyncio.run(coroutine)


def get(answers, key="key"):
    kept = run(answers.get(key))
    return None if kept is None else kept.value


REPLY = Reply("yes", 0.75, ConfidenceSource.TOKENS, (("yes", 0.75), ("no", 0.25)), Usage(10, 2, 0.001))


@pytest.mark.parametrize("value", [REPLY, None, "", 0, ("a", "b"), {"text": "\x00\ud83d"}, b"\x00"], ids=repr)
def test_an_answer_comes_back_exactly_as_it_was(make, open_store, value):
    run(make().put("key", value, FOREVER))
    assert get(make()) == value
    assert type(get(make())) is type(value)


def test_another_process_replays_what_one_has_kept(make, open_store):
    one, two = open_store(), open_store()
    run(make(one).put("key", "answer", FOREVER))
    one.flush()
    assert get(make(two)) == "answer"


def test_answers_that_are_asked_for_at_the_same_time_share_statements(make, open_store):
    statements = []
    answers = make(open_store(observer=statements.append))

    async def story():
        for number in range(5):
            await answers.put(f"key {number}", number, FOREVER)
        await answers.get("key 0")
        statements.clear()
        return await asyncio.gather(*(answers.get(f"key {number % 10}") for number in range(100)))

    found = run(story())
    assert [kept and kept.value for kept in found[:10]] == [0, 1, 2, 3, 4, None, None, None, None, None]
    assert found[:10] * 10 == found
    assert 1 <= len(statements) <= 20


def test_replicates_prompts_and_experts_are_answers_of_their_own(make):
    runs = []
    try:

        @cached(name="replicates", tiers=[make()])
        def ask(key):
            runs.append(key)
            return f"answer {len(runs)}"

        keys = [
            KEY,
            KEY._replace(replicate=1),
            KEY._replace(prompt="other"),
            KEY._replace(expert="ana"),
            KEY._replace(question="other"),
        ]
        first = [ask(key) for key in keys]
        ask.cache.clear()
        assert [ask(key) for key in keys] == first
        assert runs == keys
    finally:
        Cache.forget("replicates")


def test_the_newest_answer_holds_and_a_removed_one_is_none(make):
    answers = make(now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for value in ("old", "new"):
        run(answers.put("key", value, FOREVER))
    assert get(answers) == "new"
    run(answers.remove("key"))
    assert run(answers.get("key")) is None
    run(answers.put("key", "again", FOREVER))
    assert get(answers) == "again"


def test_an_answer_expires_by_the_time_of_day(make):
    at = [datetime(2026, 1, 1, tzinfo=UTC)]
    answers = make(now=lambda: at[0])
    run(answers.put("key", "answer", 60))
    at[0] += timedelta(seconds=20)
    assert run(answers.get("key")).seconds == 40
    at[0] += timedelta(seconds=40)
    assert run(answers.get("key")) is None


def test_what_json_cannot_bring_back_is_not_kept_and_told(make, told):
    answers = make()
    run(answers.put("key", object(), FOREVER))
    assert run(answers.get("key")) is None
    assert [(event.operation, "a object came" in event.reason) for event in told] == [("put", True)]


def test_a_damaged_row_is_a_miss_and_told(make, store, told):
    from consilience.store.rows import Bundle

    store.write(Bundle({"answers": [("1", datetime.now(UTC), "key", "no json", None)]}))
    assert run(make().get("key")) is None
    assert [event.operation for event in told] == ["get"]


def test_a_store_that_cannot_be_used_is_a_miss_with_an_event(make, store, told):
    answers = make()
    store.close()
    assert run(answers.get("key")) is None
    run(answers.put("key", "answer", FOREVER))
    assert answers.degraded
    assert [type(event) for event in told] == [TierFailed, TierChanged, TierFailed]
    assert "is closed" in told[0].reason


def test_a_store_that_works_again_is_no_longer_degraded(make, store, told, monkeypatch):
    answers = make()

    def full(_):
        raise StoreFull("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", full)
        run(answers.put("key", "lost", FOREVER))
    assert answers.degraded
    run(answers.put("key", "kept", FOREVER))
    assert not answers.degraded
    assert get(answers) == "kept"
    assert [event.degraded for event in told if isinstance(event, TierChanged)] == [True, False]


def test_a_file_of_the_version_before_is_read_as_empty_and_migrated_by_the_first_answer(
    tmp_path, monkeypatch
):
    path = tmp_path / "old.duckdb"
    monkeypatch.setattr(leases, "MIGRATIONS", leases.MIGRATIONS[:1])
    with duckdb.connect(str(path)) as connection:
        leases.migrate(connection)
    monkeypatch.undo()
    with Answers(path).store as store:
        answers = Answers(store)
        assert run(answers.get("key")) is None
        assert not answers.degraded
        run(answers.put("key", "answer", FOREVER))
        assert get(answers) == "answer"
