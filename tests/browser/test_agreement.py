"""Agreement in a real JupyterLab."""

import pytest

pytestmark = pytest.mark.slow

MAKE = """
import polars as pl
from consilience.notebook import Agreement
from consilience.simulate import Planted, answers

crew = [*(Planted(name, 0.92) for name in ("ana", "ben", "cy")), Planted("guesser", 0.4)]
first = answers(crew, tasks=120, labels=["bug", "feature", "question"], seed=1)
second = answers(crew[:3], tasks=120, labels=["bug", "feature", "question"], seed=2).answers
second = second.with_columns(pl.col("expert").replace({"ana": "dev", "ben": "eva", "cy": "fay"}))
frame = pl.concat([first.answers.select("task", "expert", "label"), second.select("task", "expert", "label")])
hostile = pl.lit("<img src=x onerror=document.title='owned'> task ")
frame = frame.with_columns(text=hostile + pl.col("task").cast(pl.String))
seen = Agreement(frame)
"""
SHOW = "seen"


@pytest.fixture
def drawn(open_book):
    with open_book(MAKE, SHOW) as book:
        book.run(0)
        book.run(1)
        book.output(1).get_by_role("grid").wait_for()
        yield book


def test_a_cell_opens_the_tasks_on_which_two_differ(drawn):
    drawn.output(1).get_by_role("gridcell", name="ana and guesser").click()
    drawn.output(1).locator(".cs-rows [role=option]").first.click()
    drawn.output(1).get_by_text("owned").first.wait_for()
    assert drawn.value("seen.selected") == "('ana', 'guesser')"
    assert int(drawn.value("len(seen.differing)")) > 20
    assert drawn.page.evaluate("document.title") != "owned"
    assert drawn.errors == []


def test_the_keyboard_reaches_every_cell(drawn):
    drawn.output(1).locator("td[tabindex='0']").focus()
    names = [drawn.page.evaluate("document.activeElement.getAttribute('aria-label')")]
    for key in ("ArrowRight", "ArrowDown", "End", "Home"):
        drawn.page.keyboard.press(key)
        names.append(drawn.page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert len(set(names)) == 5
    drawn.page.keyboard.press("Enter")
    drawn.output(1).locator(".cs-rows [role=option]").first.wait_for()
    assert drawn.value("seen.selected") != "None"


def test_another_coefficient_is_drawn_for_all_and_for_pairs(drawn):
    drawn.output(1).get_by_label("Coefficient").select_option("gwet_ac1")
    drawn.output(1).get_by_text("Gwet AC1").first.wait_for()
    assert drawn.value("seen.overall.method") == "'Gwet AC1'"


def test_it_is_accessible_and_has_its_pictures(drawn, accessible, shoot):
    drawn.output(1).get_by_role("gridcell", name="ana and guesser").click()
    drawn.output(1).locator(".cs-rows [role=option]").nth(1).click()
    drawn.output(1).get_by_text("owned").first.wait_for()
    assert accessible(drawn.page, ".cs-widget") == []
    shoot(drawn, drawn.output(1).locator(".cs-widget"), "agreement-full")
    drawn.page.set_viewport_size({"width": 640, "height": 1000})
    shoot(drawn, drawn.output(1).locator(".cs-widget"), "agreement-narrow")
