"""A person reviews by keyboard in a real JupyterLab."""

import pytest

pytestmark = pytest.mark.slow

RUN = """
import polars as pl
import consilience as cs
from consilience.notebook import Review

texts = [
    "The export button does nothing in Safari.",
    "Please add a dark theme.",
    "How do I change my password?",
    "The app crashes when the list is empty, and I have to start it again before I can go on with what I was doing.",
    "Can I pay by invoice?",
]
frame = pl.DataFrame({"id": [f"t{n}" for n in range(len(texts))], "text": texts})
kind = cs.Label("bug", "feature", "question")
def first(question): return "bug"
def second(question): return "bug" if "crash" in question.text else "question"
def third(question): return "feature" if "add" in question.text else "question"
circle = cs.Circle([first, second, third], store="review.duckdb")
run = circle.run(frame, prompt="Classify this message: {text}", answer=kind, key="id")
result = run.wait_sync()
"""
SHOW = "review = Review(run, person='ana')\nreview"


def test_keys_answer_and_the_answers_are_in_the_store_when_the_page_says_so(open_book, shoot, accessible):
    with open_book(RUN, SHOW) as book:
        book.run(0)
        book.run(1)
        review = book.output(1).get_by_label("Review", exact=True)
        review.get_by_text("0 of 5", exact=True).wait_for()
        shoot(book, review, "review-fresh")
        assert accessible(book.page, ".cs-widget") == []
        review.get_by_label("Question", exact=True).focus()
        book.page.keyboard.press("1")
        review.get_by_text("1 of 5", exact=True).wait_for()
        review.get_by_text("Saved in review.duckdb").wait_for()
        stored = "run._store.sql(\"SELECT count(*) FROM responses WHERE source = 'person'\").item()"
        assert book.value(stored) == "1"
        book.page.keyboard.press("s")
        review.get_by_text("1 skipped").wait_for()
        book.page.keyboard.press("u")
        book.page.keyboard.press("u")
        review.get_by_text("0 of 5", exact=True).wait_for()
        assert book.value("review.answers.height, review.remaining") == "(0, 5)"
        for n in range(1, 6):
            book.page.keyboard.press("3")
            review.get_by_text(f"{n} of 5", exact=True).wait_for()
        review.get_by_text("All 5 questions answered").wait_for()
        review.get_by_text("Saved in review.duckdb").wait_for()
        shoot(book, review, "review-done")
        review.get_by_role("option").nth(1).click()
        review.get_by_text("With your answer the circle says").wait_for()
        book.page.keyboard.press("?")
        shoot(book, review, "review-answered")
        assert accessible(book.page, ".cs-widget") == []
        assert book.errors == []


KINDS = """
import consilience as cs
from consilience.notebook import Review
def review(kind, **more):
    return Review({"question": ["How severe is this leak?", "And this one?"]}, answer=kind, **more)
"""


def test_numbers_rankings_and_texts_are_given_by_keyboard(open_book, shoot, accessible):
    cells = (
        "a = review(cs.Score(0, 10))\na",
        "b = review(cs.Ranking('cost', 'speed', 'safety', top=2))\nb",
        "c = review(cs.Text())\nc",
    )
    with open_book(KINDS, *cells) as book:
        book.run(0)
        book.run(1)
        view = book.output(1).get_by_label("Review", exact=True)
        view.get_by_role("textbox", name="Your number").fill("11")
        book.page.keyboard.press("Enter")
        view.get_by_text("11 came").wait_for()
        shoot(book, view, "review-score")
        book.page.keyboard.press("Control+a")
        book.page.keyboard.type("7.5")
        book.page.keyboard.press("Enter")
        view.get_by_text("1 of 2", exact=True).first.wait_for()
        assert book.value("a.answers['answer'].to_list()") == "[7.5]"
        book.run(2)
        view = book.output(2).get_by_label("Review", exact=True)
        view.get_by_role("listbox", name="Your order").focus()
        for key in ("ArrowDown", "ArrowDown", " ", "ArrowUp", "ArrowUp"):
            book.page.keyboard.press(key)
        shoot(book, view, "review-ranking")
        book.page.keyboard.press("Enter")
        view.get_by_text("1 of 2", exact=True).first.wait_for()
        assert book.value("b.answers['answer'].to_list()") == "[['safety', 'cost']]"
        book.run(3)
        view = book.output(3).get_by_label("Review", exact=True)
        view.get_by_role("textbox", name="Your answer").fill("j is a letter here")
        shoot(book, view, "review-text")
        book.page.keyboard.press("Enter")
        view.get_by_text("1 of 2", exact=True).first.wait_for()
        assert book.value("c.answers['answer'].to_list()") == "['j is a letter here']"
        assert accessible(book.page, ".cs-widget") == []
        assert book.errors == []


def test_a_page_that_is_loaded_again_goes_on_where_it_was(open_book, ready):
    with open_book(RUN.replace("review.duckdb", "reloaded.duckdb"), SHOW) as book:
        book.run(0)
        book.run(1)
        review = book.output(1).get_by_label("Review", exact=True)
        review.get_by_label("Question", exact=True).focus()
        book.page.keyboard.press("1")
        review.get_by_text("1 of 5", exact=True).wait_for()
        book.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        book.page.reload()
        ready(book)
        review.get_by_text("1 of 5", exact=True).wait_for()
        review.get_by_label("Question", exact=True).focus()
        book.page.keyboard.press("2")
        review.get_by_text("2 of 5", exact=True).wait_for()
        review.get_by_text("Saved in reloaded.duckdb").wait_for()
        assert book.value("review.answers['answer'].to_list()") == "['bug', 'feature']"
        assert book.errors == []
