"""People are asked through files and from notebooks; what they write is read, sent back or kept."""

import asyncio
import re
import threading
from contextlib import suppress

import pytest

import consilience as cs
from consilience.errors import Abstained, InboxError, InvalidInput, Unparseable
from consilience.experts.human import Notice, collect, folder_at
from consilience.policies import ManualClock, deadline

BUG = cs.Label("bug", "feature")


def tick(text, choice):
    assert f"- [ ] {choice}" in text
    return text.replace(f"- [ ] {choice}", f"- [x] {choice}")


def files(inbox, part=""):
    return sorted((inbox / "ana" / part).glob("*.md"))


def words(path):
    """What a file says; nothing when it was taken since it was listed."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


async def until(condition):
    while not (found := condition()):  # noqa: ASYNC110 - a file system sets no event
        await asyncio.sleep(0.005)
    return found


async def asked(inbox, question, *edits, human=None, expect=None):
    """Ask, and edit the open file once for each edit as soon as it shows what the edit waits for."""
    human = human or cs.Human("ana", inbox, poll=0.01, slowest=0.02)
    task = asyncio.create_task(human.answer(question))
    for awaited, edit in edits:
        (path,) = await until(
            lambda awaited=awaited: [path for path in files(inbox) if awaited in words(path)]
        )
        edit(path)
    return await task


def saved(change):
    return lambda path: path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def done(answer):
    return saved(
        lambda text: text.replace("## Your answer\n", f"## Your answer\n{answer}\n").replace(
            "- [ ] done", "- [x] done"
        )
    )


@pytest.mark.parametrize(
    ("kind", "edit", "answer"),
    [
        (BUG, saved(lambda text: tick(text, "bug")), "bug"),
        (cs.Score(0, 10), saved(lambda text: text.replace("answer: ", "answer: 7/10")), 7.0),
        (cs.Text(), done("Shard it.\n\nBy tenant."), "Shard it.\n\nBy tenant."),
        (cs.Items(), done("- Add an index\n- Shard"), ("Add an index", "Shard")),
        (cs.Ranking("cost", "speed"), done("speed\ncost"), ("speed", "cost")),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_an_answer_of_every_kind_is_read_from_the_file(tmp_path, kind, edit, answer):
    question = cs.Question("What now?", kind)
    reply = asyncio.run(asked(tmp_path, question, ("What now?", edit)))
    assert kind.parse(reply.raw) == answer
    assert not files(tmp_path)
    assert len(files(tmp_path, "answered")) == 1


def test_a_malformed_answer_goes_back_with_its_reason_on_top_and_what_was_written_below(tmp_path):
    both = saved(lambda text: tick(tick(text, "bug"), "feature"))
    mend = saved(lambda text: text.replace("- [x] bug", "- [ ] bug"))
    notices = []
    human = cs.Human(
        "ana", tmp_path, poll=0.01, slowest=0.02, notify=lambda notice, pending: notices.append(notice)
    )
    seen = []

    def look_and_mend(path):
        seen.append(path.read_text())
        mend(path)

    edits = [("Crash", both), ("Please mend", look_and_mend)]
    reply = asyncio.run(asked(tmp_path, cs.Question("Crash", BUG), *edits, human=human))
    assert reply.raw == "feature"
    assert (
        "**Please mend your answer.** One ticked box is required, 2 are" in seen[0].split("# A question")[0]
    )
    assert "- [x] bug\n- [x] feature" in seen[0]
    assert notices == [Notice.ASKED, Notice.RETURNED]
    assert len(files(tmp_path, "returned")) == 1


@pytest.mark.parametrize(
    ("kind", "edit", "sentence"),
    [
        (cs.Score(0, 10), saved(lambda text: text.replace("answer: ", "answer: 11")), "from 0 to 10"),
        (cs.Items(), done(""), "the place for it is empty"),
        (cs.Ranking("a", "b"), done("b"), "2 items in order are required"),
        (BUG, saved(lambda text: text.replace("## Your answer", "gone")), "is required above the answer"),
        (BUG, lambda path: path.write_bytes(b"\xfc\xe4"), "UTF-8"),
        (BUG, saved(lambda text: text.replace("- [ ] bug", "- [x] bugs")), "'bugs' is ticked"),
    ],
)
def test_each_fault_of_a_file_has_its_sentence_and_the_question_stays_open(tmp_path, kind, edit, sentence):
    shown = []

    def abstain(path):
        shown.append(path.read_text())
        path.write_text(
            shown[0].replace("- [x] bugs", "- [ ] bug").replace("- [ ] (I abstain", "- [x] (I abstain")
        )

    with pytest.raises(Abstained):
        asyncio.run(asked(tmp_path, cs.Question("Well?", kind), ("Well?", edit), ("Please mend", abstain)))
    assert sentence in shown[0].split("# A question")[0]


def test_the_file_shows_the_deadline_and_nobody_elses_answer(tmp_path):
    circle = cs.Circle([cs.Human("ana", tmp_path, poll=0.01), cs.Scripted("ben", ["feature"])], deadline=600)

    async def story():
        task = asyncio.create_task(circle.ask("Crash on save", answer=BUG))
        (path,) = await until(lambda: files(tmp_path))
        text = path.read_text()
        saved(lambda text: tick(text, "bug"))(path)
        return text, await task

    text, verdict = asyncio.run(story())
    assert re.search(r"Please answer by \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)
    assert "ben" not in text
    assert {r.expert: (r.source, r.answer) for r in verdict.responses}["ana"] == (
        cs.models.Source.PERSON,
        "bug",
    )


def test_a_late_answer_changes_the_stored_verdict_once(tmp_path):
    human = cs.Human("ana", tmp_path / "inbox", poll=0.01, slowest=0.02)
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([human, cs.Scripted("ben", ["bug"])], store=store)
        early = circle.ask_sync("Crash on save", answer=BUG, deadline=0.3)
        assert early.outcomes == {cs.Outcome.ANSWERED: 1, cs.Outcome.TIMED_OUT: 1}
        assert asyncio.run(circle.collect()) == ()
        (path,) = files(tmp_path / "inbox")
        saved(lambda text: tick(text, "bug"))(path)
        (late,) = asyncio.run(circle.collect())
        assert (late.answer, late.support.n, late.support.of) == ("bug", 2, 2)
        assert asyncio.run(circle.collect()) == ()
        shown = store.latest()
        assert (shown["answer"].item(), shown["support_n"].item(), shown["support_of"].item()) == (
            "bug",
            2,
            2,
        )
        assert store.verdict(early.question.id).support.of == 2
        assert human.pending() == ()


def test_an_answer_that_was_taken_but_never_recorded_is_collected(tmp_path):
    human = cs.Human("ana", tmp_path / "inbox")
    with cs.Store(tmp_path / "history.duckdb") as store:
        cs.Circle([human], store=store).ask_sync("Crash on save", answer=BUG, deadline=0.2)
        (path,) = files(tmp_path / "inbox")
        saved(lambda text: tick(text, "feature"))(path)
        folder_at(tmp_path / "inbox", "ana").take(path.name, "answered")
        (late,) = collect(store, [cs.Human("ana", tmp_path / "inbox")])
        assert late.answer == "feature"
        assert collect(store, [cs.Human("ana", tmp_path / "inbox")]) == ()


def test_an_answer_given_late_in_a_notebook_is_collected(tmp_path):
    human = cs.Human("ana")
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([human, cs.Scripted("ben", ["bug"])], store=store)
        early = circle.ask_sync("Crash on save", answer=BUG, deadline=0.1)
        human.give(early.question.id, "bug")
        (late,) = asyncio.run(circle.collect())
        assert late.support.n == 2


def test_collecting_without_a_store_says_what_is_needed():
    with pytest.raises(InvalidInput, match="store"):
        asyncio.run(cs.Circle([cs.Human("ana")]).collect())


def test_a_question_that_was_given_up_is_withdrawn_and_kept(tmp_path):
    async def story():
        task = asyncio.create_task(cs.Human("ana", tmp_path).answer(cs.Question("Still there?")))
        await until(lambda: files(tmp_path))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert not files(tmp_path)
    assert len(files(tmp_path, "withdrawn")) == 1


def test_a_question_whose_time_is_over_stays_open(tmp_path):
    async def story():
        with pytest.raises(TimeoutError), deadline(0.1):
            await cs.Human("ana", tmp_path).answer(cs.Question("Still there?"))

    asyncio.run(story())
    assert len(files(tmp_path)) == 1


def test_giving_from_another_thread_wakes_the_answer():
    human = cs.Human("ana")

    async def story():
        task = asyncio.create_task(human.answer(cs.Question("Wet?", BUG, id="q")))
        await until(human.pending)
        with pytest.raises(Unparseable):
            human.give("q", "neither")
        thread = threading.Thread(target=human.give, args=("q", "bug"))
        thread.start()
        reply = await task
        thread.join()
        return reply

    assert asyncio.run(story()).raw == "bug"
    with pytest.raises(InvalidInput, match="no open question"):
        human.give("q", "bug")


def test_giving_nothing_abstains_and_closes_the_file(tmp_path):
    human = cs.Human("ana", tmp_path)

    async def story():
        task = asyncio.create_task(human.answer(cs.Question("Wet?", BUG, id="q")))
        await until(lambda: files(tmp_path))
        human.give("q", None)
        await task

    with pytest.raises(Abstained):
        asyncio.run(story())
    assert not files(tmp_path)


def test_of_many_threads_that_answer_one_question_one_succeeds():
    human = cs.Human("ana")
    results = []

    def give():
        try:
            human.give("q", "bug")
            results.append("given")
        except InvalidInput:
            results.append("refused")

    async def story():
        task = asyncio.create_task(human.answer(cs.Question("Wet?", BUG, id="q")))
        await until(human.pending)
        threads = [threading.Thread(target=give) for _ in range(8)]
        for thread in threads:
            thread.start()
        await asyncio.to_thread(lambda: [thread.join() for thread in threads])
        await task

    asyncio.run(story())
    assert sorted(results) == ["given"] + ["refused"] * 7


def test_a_person_is_reminded_until_they_answer(tmp_path):
    clock = ManualClock()
    told = []
    human = cs.Human(
        "ana", tmp_path, poll=5, remind=3600, clock=clock, notify=lambda notice, pending: told.append(notice)
    )

    async def story():
        task = asyncio.create_task(human.answer(cs.Question("Crash on save", BUG)))
        while told.count(Notice.REMINDER) < 2:
            clock.advance(300)
            await asyncio.sleep(0.002)
        (path,) = files(tmp_path)
        saved(lambda text: tick(text, "bug"))(path)
        while not task.done():
            clock.advance(15)
            await asyncio.sleep(0.002)
        return await task

    assert asyncio.run(story()).raw == "bug"
    assert "Crash on save" in (tmp_path / "ana" / "REMINDER.txt").read_text()


def test_a_messenger_that_fails_is_logged_and_costs_no_answer(tmp_path, caplog):
    def broken(notice, pending):
        raise OSError("no route")

    human = cs.Human("ana", tmp_path, poll=0.01, notify=broken)
    edit = saved(lambda text: tick(text, "bug"))
    assert asyncio.run(asked(tmp_path, cs.Question("Wet?", BUG), ("Wet?", edit), human=human)).raw == "bug"
    assert "no route" in caplog.text


def test_a_question_in_memory_of_another_system_is_answered_there(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    human = cs.Human("ana", "memory://people-test", poll=0.01, slowest=0.02)

    async def story():
        task = asyncio.create_task(human.answer(cs.Question("Wet?", BUG)))
        paths = await until(lambda: memory.glob("/people-test/ana/*.md"))
        memory.pipe_file(paths[0], tick(memory.cat_file(paths[0]).decode(), "bug").encode())
        return await task

    assert asyncio.run(story()).raw == "bug"
    assert len(memory.glob("/people-test/ana/answered/*.md")) == 1
    memory.rm("/people-test", recursive=True)


def test_an_inbox_without_its_driver_or_folder_says_so(tmp_path):
    pytest.importorskip("fsspec")
    with pytest.raises(InboxError, match="nosuch://"):
        folder_at("nosuch://bucket")
    (tmp_path / "file").write_text("")
    verdict = cs.Circle([cs.Human("ana", tmp_path / "file")]).ask_sync("Wet?", answer=BUG)
    assert verdict.responses[0].outcome is cs.Outcome.FAILED
    assert "An inbox needs a folder it can use" in verdict.responses[0].reason


@pytest.mark.parametrize("settings", [{"poll": 0}, {"poll": 20}, {"remind": 0}, {"slowest": float("inf")}])
def test_times_out_of_their_range_are_refused(settings):
    with pytest.raises(InvalidInput):
        cs.Human("ana", **settings)
