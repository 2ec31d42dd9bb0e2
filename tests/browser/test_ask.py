"""The widget that asks, in a real JupyterLab."""

import pytest

pytestmark = pytest.mark.slow

CIRCLE = """
import consilience as cs
from consilience.notebook import Ask

ana = "Yes. Each tenant's rows stay together, so their queries touch one shard, and a noisy tenant can be moved away."
eva = "Yes. Backups and deletions for one tenant become one operation instead of a scan of everything."
eli = "No. The three largest tenants hold 80 % of the rows, and their shard would be the hot spot you have today."
circle = cs.Circle([
    cs.Scripted("ana", {"Shard the orders table by tenant?": "yes", "Why?": ana}, latency=.4),
    cs.Scripted("eva", {"Shard the orders table by tenant?": "yes", "Why?": eva}, latency=.8),
    cs.Scripted("eli", {"Shard the orders table by tenant?": "no", "Why?": eli}, latency=1.2),
    cs.Scripted("dee", [TimeoutError("no answer within 30 s")]),
])
"""
ASK = 'ask = Ask(circle, "Shard the orders table by tenant?", answer=cs.Label("yes", "no"))\nask'
SLOW = """
slow = cs.Circle([
    cs.Scripted("ana", ["Each tenant's rows stay together, so their queries touch one shard."], latency=.2),
    cs.Scripted("eva", ["word " * 400], latency=60),
    cs.Human("dan"),
])
ask = Ask(slow, "Shard the orders table by tenant?")
ask"""
ITEMS = """
lists = cs.Circle([
    cs.Scripted("ana", ["- Add an index on tenant_id\\n- Shard by tenant\\n- Archive orders older than two years"]),
    cs.Scripted("eva", ["- Shard by tenant\\n- Add an index on tenant_id\\n- Move reports to a replica"]),
    cs.Scripted("eli",
        ["- Do not shard by tenant\\n- Add an index on tenant_id.\\n- Archive orders older than 2 years"],
        latency=.1),
    cs.Scripted("dee", [TimeoutError("no answer within 30 s")]),
])
ask = Ask(lists, "How do we make the orders table fast again?", answer=cs.Items())
ask"""


def test_a_question_is_asked_by_keyboard_and_its_verdict_can_be_decided_again(open_book, shoot, accessible):
    with open_book(CIRCLE, ASK) as book:
        book.run(0)
        book.run(1)
        out = book.output(1)
        question = out.get_by_label("Question")
        assert question.input_value() == "Shard the orders table by tenant?"
        shoot(book, out.locator(".cs-widget"), "ask-ready")
        question.press("Control+Enter")
        out.get_by_text("2 of 4, 0.50").wait_for()
        assert book.value("ask.verdict.headline") == "'no majority'"
        shoot(book, out.locator(".cs-widget"), "ask-decided")
        out.get_by_text("Decide again from these answers").click()
        out.get_by_role("combobox", name="Method").select_option("plurality")
        out.get_by_role("group", name="Who counts").get_by_role("checkbox", name="eli").uncheck()
        out.get_by_role("button", name="Decide again").click()
        out.get_by_text("without eli; nobody was asked again").wait_for()
        out.get_by_text("Every answer, side by side").click()
        shoot(book, out.locator(".cs-widget"), "ask-replayed")
        assert book.value("ask.verdict.headline, len(ask.verdicts)") == "('yes', 1)"
        assert accessible(book.page, ".cs-widget") == []
        assert book.errors == []


def test_a_question_that_is_stopped_keeps_what_came_and_decides_from_it_when_told(
    open_book, shoot, accessible
):
    with open_book(CIRCLE, SLOW) as book:
        book.run(0)
        book.run(1)
        out = book.output(1)
        out.get_by_role("button", name="Ask", exact=True).click()
        out.locator(".cs-ended", has_text="answered").wait_for()
        out.get_by_text("waiting for dan to answer").wait_for()
        out.get_by_text("word word").wait_for()
        shoot(book, out.locator(".cs-widget"), "ask-live")
        assert accessible(book.page, ".cs-widget") == []
        out.get_by_role("button", name="Stop").click()
        out.get_by_text("1 of 3 had answered, nothing was decided").wait_for()
        assert book.value("ask.verdict") == "None"
        out.get_by_role("button", name="Decide from 1 answer").click()
        out.get_by_text("1 of 3 answered: 2 failed").wait_for()
        shoot(book, out.locator(".cs-widget"), "ask-stopped")


def test_recommendations_are_merged_and_a_page_that_is_loaded_again_has_draft_and_verdict(
    open_book, shoot, ready
):
    with open_book(CIRCLE, ITEMS) as book:
        book.run(0)
        book.run(1)
        out = book.output(1)
        out.get_by_role("button", name="Ask", exact=True).click()
        out.get_by_text("Every answer, side by side").wait_for()
        shoot(book, out.locator(".cs-widget"), "ask")
        out.get_by_label("Question").fill("And which of them first?")
        for _ in range(50):
            if book.value("ask.question") == "'And which of them first?'":
                break
            book.page.wait_for_timeout(100)
        book.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        book.page.reload()
        ready(book)
        out.get_by_text("Every answer, side by side").wait_for()
        assert out.get_by_label("Question").input_value() == "And which of them first?"
        book.page.set_viewport_size({"width": 760, "height": 1000})
        shoot(book, out.locator(".cs-widget"), "ask-items-narrow")


def test_rounds_and_who_must_answer_are_chosen_in_the_form(open_book, shoot, accessible):
    with open_book(CIRCLE, ASK) as book:
        book.run(0)
        book.run(1)
        out = book.output(1)
        out.get_by_text("Rounds, deadline and quorum").click()
        out.get_by_role("combobox", name="Rounds").select_option("debate")
        out.get_by_role("group", name="Must have answered").get_by_role("checkbox", name="eli").check()
        shoot(book, out.locator(".cs-widget"), "ask-rounds")
        assert accessible(book.page, ".cs-widget") == []
        out.get_by_role("button", name="Ask", exact=True).click()
        out.get_by_text("Round 2").wait_for()
        out.get_by_text("Every answer, side by side").wait_for()
        assert book.value("len(ask.verdict.rounds), ask.form['required']") == "(2, ['eli'])"
        assert book.errors == []


def test_what_cannot_be_asked_is_said_beside_the_button(open_book, shoot):
    with open_book(CIRCLE, "Ask(circle)", "Ask()") as book:
        for n in range(3):
            book.run(n)
        out = book.output(1)
        out.get_by_role("button", name="Ask", exact=True).click()
        out.get_by_text("A question needs a text").wait_for()
        out.get_by_text("Label", exact=True).click()
        out.get_by_label("Choices").fill("yes")
        out.get_by_label("Question").fill("Is it?")
        out.get_by_role("button", name="Ask", exact=True).click()
        out.get_by_text("A label needs at least two choices").wait_for()
        shoot(book, out.locator(".cs-widget"), "ask-error")
        shoot(book, book.output(2).locator(".cs-widget"), "ask-empty")
