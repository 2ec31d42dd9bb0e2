"""A person's desk shows what waits for them, wherever it waits, and takes their answers, wherever they go."""

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import consilience as cs
from consilience.errors import InvalidInput, Unparseable
from consilience.experts.human import Desk, folder_at
from consilience.experts.human.note import note, noted
from consilience.experts.human.sheet import Written, filled, written

BUG = cs.Label("bug", "feature")
KINDS = [
    (BUG, "bug", "bug"),
    (cs.Score(0, 10), 7, 7.0),
    (cs.Text(), "## Your answer\n- [x] done", "## Your answer\n- [x] done"),
    (cs.Items(), ["Add an index", "Shard"], ("Add an index", "Shard")),
    (cs.Ranking("cost", "speed"), ["speed", "cost"], ("speed", "cost")),
]


async def until(condition):
    while not (found := condition()):  # noqa: ASYNC110 - a file system sets no event
        await asyncio.sleep(0.005)
    return found


def answered_at(desk, human, question, answer):
    """Ask a person, answer at the desk as soon as the question lies there, and return the reply."""

    async def story():
        task = asyncio.create_task(human.answer(question))
        (pending,) = await until(desk.open)
        assert (pending.question.text, pending.question.answer) == (question.text, question.answer)
        assert await asyncio.to_thread(desk.submit, pending.id, answer) is None
        return await task

    return asyncio.run(story())


@pytest.fixture(params=["here", "inbox", "memory"])
def place(request, tmp_path):
    """A person who is asked, and their desk: in this process, or knowing the inbox alone."""
    if request.param == "here":
        human = cs.Human("ana")
        return human, Desk(human)
    inbox = tmp_path / "inbox" if request.param == "inbox" else f"memory://{tmp_path.name}/inbox"
    return cs.Human("ana", inbox, poll=0.01, slowest=0.02), Desk("ana", inbox=inbox)


@pytest.mark.parametrize(("kind", "said", "read"), KINDS, ids=[kind.kind for kind, _, _ in KINDS])
def test_an_answer_of_every_kind_reaches_whoever_asked(place, kind, said, read):
    human, desk = place
    reply = answered_at(desk, human, cs.Question("What now?", kind, "A context."), said)
    assert kind.parse(reply.raw) == read
    assert desk.open() == ()


def test_none_abstains(place):
    human, desk = place
    with pytest.raises(cs.errors.Abstained):
        answered_at(desk, human, cs.Question("What now?"), None)


def test_a_malformed_answer_is_refused_with_a_sentence_and_the_question_stays_open(place):
    human, desk = place

    async def story():
        task = asyncio.create_task(human.answer(cs.Question("Which?", BUG, id="q")))
        await until(desk.open)
        with pytest.raises(Unparseable, match="'bug'|bug, feature"):
            desk.submit("q", "neither")
        assert [pending.id for pending in desk.open()] == ["q"]
        desk.submit("q", "bug")
        return await task

    assert asyncio.run(story()).raw == "bug"


def test_a_question_that_is_not_there_is_refused(place):
    _, desk = place
    with pytest.raises(InvalidInput, match="no open question 'q'"):
        desk.submit("q", "bug")


def test_of_many_who_answer_one_question_one_succeeds(tmp_path):
    human = cs.Human("ana", tmp_path, poll=0.01, slowest=0.02)
    barrier, ended = threading.Barrier(6), []

    def answer():
        barrier.wait()
        try:
            Desk("ana", inbox=tmp_path).submit("q", "bug")
        except InvalidInput as error:
            ended.append(str(error))
        else:
            ended.append("")

    async def story():
        task = asyncio.create_task(human.answer(cs.Question("Which?", BUG, id="q")))
        await until(Desk("ana", inbox=tmp_path).open)
        threads = [threading.Thread(target=answer) for _ in range(6)]
        for thread in threads:
            thread.start()
        reply = await task
        for thread in threads:
            thread.join()
        return reply

    assert asyncio.run(story()).raw == "bug"
    assert ended.count("") == 1
    assert len(list((tmp_path / "ana" / "answered").glob("*.md"))) == 1


def test_a_finished_file_is_no_longer_open_and_an_unfinished_one_keeps_what_was_written(tmp_path):
    human, desk = cs.Human("ana", tmp_path, poll=0.01, slowest=0.02), Desk("ana", inbox=tmp_path)

    async def story():
        task = asyncio.create_task(human.answer(cs.Question("What now?", id="q")))
        await until(desk.open)
        (path,) = (tmp_path / "ana").glob("*.md")
        path.write_text(path.read_text().replace("## Your answer\n", "## Your answer\nhalf a thought\n"))
        desk.submit("q", "Shard it.")
        return await task

    assert asyncio.run(story()).raw == "Shard it."
    (left,) = (tmp_path / "ana" / "questions").glob("*.md")
    assert "half a thought" in left.read_text()
    folder = folder_at(tmp_path, "ana")
    question = cs.Question("Done?", BUG)
    folder.create("done--q2.md", filled(question, "ana", None, Written("bug")).encode())
    folder.create("done--q2.json", note(question), "questions")
    assert desk.open() == ()


def test_the_desk_shows_nobody_elses_answer(tmp_path):
    circle = cs.Circle([cs.Human("ana", tmp_path, poll=0.01), cs.Scripted("ben", ["feature"])], deadline=600)
    desk = Desk("ana", inbox=tmp_path)

    async def story():
        task = asyncio.create_task(circle.ask("Crash on save", answer=BUG))
        (pending,) = await until(desk.open)
        assert pending.deadline is not None
        assert not pending.late
        shown = repr(pending)
        desk.submit(pending.id, "bug")
        return shown, await task

    shown, verdict = asyncio.run(story())
    assert "ben" not in shown
    assert {r.expert: r.answer for r in verdict.responses} == {"ana": "bug", "ben": "feature"}


@pytest.mark.parametrize("inbox", [True, False], ids=["inbox and store", "store alone"])
def test_a_late_answer_decides_again_at_once(tmp_path, inbox):
    where = tmp_path / "inbox" if inbox else None
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([cs.Human("ana", where), cs.Scripted("ben", ["bug"])], store=store)
        early = circle.ask_sync("Crash on save", answer=BUG, deadline=0.1)
        desk = Desk("ana", inbox=where, store=store)
        (pending,) = desk.open()
        assert (pending.id, pending.late) == (early.question.id, True)
        verdict = desk.submit(pending.id, "bug")
        assert (verdict.answer, verdict.support.n, verdict.support.of) == ("bug", 2, 2)
        assert desk.open() == ()
        with pytest.raises(InvalidInput, match="has answered"):
            desk.submit(pending.id, "feature")
        assert store.verdict(early.question.id).support.n == 2
        assert asyncio.run(circle.collect()) == ()


def test_a_late_answer_at_the_desk_of_the_process_that_asked_decides_again(tmp_path):
    human = cs.Human("ana")
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([human, cs.Scripted("ben", ["bug"])], store=store)
        early = circle.ask_sync("Crash on save", answer=BUG, deadline=0.1)
        desk = Desk(human, store=store)
        assert len(desk.open()) == 1
        assert desk.submit(early.question.id, "bug").support.n == 2
        assert desk.open() == ()


def test_an_answer_after_the_deadline_waits_for_collect_where_the_desk_knows_no_store(tmp_path):
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([cs.Human("ana", tmp_path / "inbox"), cs.Scripted("ben", ["bug"])], store=store)
        early = circle.ask_sync("Crash on save", answer=BUG, deadline=0.1)
        assert Desk("ana", inbox=tmp_path / "inbox").submit(early.question.id, "bug") is None
        (late,) = asyncio.run(circle.collect())
        assert late.support.n == 2


def test_somebody_who_was_not_asked_may_review_a_stored_question(tmp_path):
    with cs.Store(tmp_path / "history.duckdb") as store:
        verdict = cs.Circle(
            [cs.Scripted("ben", ["bug"]), cs.Scripted("cy", ["feature"])], store=store
        ).ask_sync("Crash on save", answer=BUG)
        assert verdict.answer is None
        desk = Desk("ana", store=store)
        assert desk.open() == ()
        again = desk.submit(verdict.question.id, "bug")
        assert (again.answer, again.support.n, again.support.of) == ("bug", 2, 3)


def test_a_desk_takes_the_inbox_of_its_human():
    with pytest.raises(InvalidInput, match="inbox of their own"):
        Desk(cs.Human("ana"), inbox="elsewhere")
    with pytest.raises(InvalidInput, match="from 1 up"):
        Desk("ana").open(0)


@given(st.text(), st.text(min_size=1).filter(str.strip))
@settings(max_examples=200)
def test_a_submitted_text_is_read_back_as_it_was_given(text, asked):
    question = cs.Question(asked)
    sheet = (
        filled(question, "ana", None, Written(text)).encode(errors="surrogatepass").decode(errors="replace")
    )
    assert written(sheet, question.answer) == Written(text)


@given(
    st.text(min_size=1).filter(str.strip), st.none() | st.text(), st.sampled_from([k for k, _, _ in KINDS])
)
def test_a_question_comes_back_from_its_note(text, context, kind):
    question = cs.Question(text, kind, context)
    again = noted(note(question))
    assert again == question


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{}", b'{"id": 1}', b"\xff"])
def test_a_note_that_is_damaged_is_none(content):
    assert noted(content) is None
