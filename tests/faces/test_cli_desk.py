"""A person answers from a terminal."""

import asyncio

import pytest
from typer.testing import CliRunner

import consilience as cs
from consilience.cli import app

BUG = cs.Label("bug", "feature")


def run(*arguments, **how):
    return CliRunner().invoke(app, ["desk", *map(str, arguments)], **how)


@pytest.fixture
def waiting(tmp_path):
    """A question that a circle decided without ana, and the options that lead to it."""
    store = tmp_path / "history.duckdb"
    with cs.Circle(
        [cs.Human("ana", tmp_path / "inbox"), cs.Scripted("ben", ["bug"])], store=store, deadline=0.1
    ) as circle:
        verdict = circle.ask_sync("Crash \x1b[31m on save", answer=BUG)
    return verdict.question.id, ("--inbox", tmp_path / "inbox", "--store", store)


def test_what_waits_is_listed_without_control_characters_or_others_answers(waiting):
    question, where = waiting
    done = run("open", "ana", *where)
    assert done.exit_code == 0, done.output
    assert question in done.output
    assert "Label('bug', 'feature')" in done.output
    assert "\x1b[31m" not in done.output
    assert "ben" not in done.output
    assert "Nothing waits for eva." in run("open", "eva", *where).output


def test_an_answer_decides_again_and_a_second_one_is_refused(waiting):
    question, where = waiting
    wrong = run("answer", "ana", question, "neither", *where)
    assert (wrong.exit_code, "neither" in wrong.output) == (1, True)
    done = run("answer", "ana", question, "-", *where, input="bug\n")
    assert done.exit_code == 0, done.output
    assert "It stands now: bug" in done.output
    again = run("answer", "ana", question, "feature", *where)
    assert (again.exit_code, "has answered" in again.output) == (2, True)


def test_abstaining_reaches_the_circle_that_waits(tmp_path):
    human = cs.Human("ana", tmp_path, poll=0.01, slowest=0.02)

    async def story():
        task = asyncio.create_task(human.answer(cs.Question("Which?", BUG, id="q")))
        while not list((tmp_path / "ana").glob("*.md")):  # noqa: ASYNC110 - a file system sets no event
            await asyncio.sleep(0.005)
        done = await asyncio.to_thread(run, "abstain", "ana", "q", "--inbox", tmp_path)
        with pytest.raises(cs.errors.Abstained):
            await task
        return done

    done = asyncio.run(story())
    assert "The circle that waits takes it." in done.output


def test_without_a_place_it_says_what_is_needed():
    done = run("open", "ana")
    assert (done.exit_code, "--inbox or --store" in " ".join(done.output.split())) == (2, True)
