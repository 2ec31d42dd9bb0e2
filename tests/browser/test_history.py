"""The history of a store in a real JupyterLab."""

import pytest

pytestmark = pytest.mark.slow

MAKE = """
import consilience as cs
from consilience.notebook import History
store = cs.Store("history.duckdb")
def ana(question): return "yes"
def ben(question): return "no" if "7" in question.text else "yes"
def cy(question): raise RuntimeError("The line is dead")
circle = cs.Circle([ana, ben, cs.Scripted("eve", ["no"] * 500)], store=store)
short = cs.Circle([ana, ben, cy], store=store)
kind = cs.Label("yes", "no")
for n in range(60):
    asked = (short if n % 9 == 4 else circle).ask_sync(f"Should table {n} be sharded by tenant?", answer=kind)
"""
SHOW = "history = History(store)\nhistory"


def test_the_history_is_searched_read_compared_and_decided_again(open_book, shoot, accessible):
    with open_book(
        MAKE, SHOW, "asked = circle.ask_sync('Is water wet?', answer=cs.Label('yes', 'no'))"
    ) as book:
        book.run(0)
        book.run(1)
        history = book.output(1).get_by_label("History", exact=True)
        history.get_by_text("60 questions in history.duckdb").wait_for()
        listed = history.get_by_role("listbox", name="Questions")
        listed.focus()
        book.page.keyboard.press("ArrowDown")
        card = history.get_by_role("article", name="Verdict")
        card.wait_for()
        shoot(book, history, "history-verdict")
        assert accessible(book.page, ".cs-widget") == []
        card.get_by_text("Decide again from these answers").click()
        card.get_by_role("checkbox").first.uncheck()
        card.get_by_role("button", name="Decide again").click()
        history.get_by_text("nobody was asked again").wait_for()
        book.page.keyboard.press("Escape")
        history.get_by_role("button", name="Compare").click()
        listed.locator("[role=option]").nth(3).click()
        history.get_by_role("table").wait_for()
        shoot(book, history, "history-compared")
        assert accessible(book.page, ".cs-widget") == []
        history.get_by_role("button", name="Compare").click()
        history.get_by_role("searchbox").fill("table 5")
        history.get_by_text("11 questions fit").wait_for()
        history.get_by_role("searchbox").fill("nowhere")
        history.get_by_text("Nothing fits.").wait_for()
        history.get_by_role("searchbox").fill("")
        history.get_by_text("60 questions in history.duckdb").wait_for()
        book.run(2)
        history.get_by_text("61 questions in history.duckdb").wait_for()
        listed.get_by_text("Is water wet?").wait_for()
        assert book.errors == []


def test_a_history_without_a_store_says_what_to_do(open_book, accessible):
    with open_book("from consilience.notebook import History", "History()") as book:
        book.run(0)
        book.run(1)
        book.output(1).get_by_text("A store is required").wait_for()
        assert accessible(book.page, ".cs-widget") == []
