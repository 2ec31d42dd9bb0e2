"""Duplicates in a real JupyterLab."""

import csv

import pytest

pytestmark = pytest.mark.slow

MAKE = """
import polars as pl
from consilience.notebook import Duplicates
from consilience.synthetic import texts

hostile = "<img src=x onerror=document.title='owned'> please reset my password"
said = [hostile, hostile + " now", hostile + "!", "Thank you", "thank you."]
found = Duplicates(pl.concat([pl.Series("text", said), texts(20_000)]), threshold=0.8)
"""
SHOW = "found"


@pytest.fixture
def drawn(open_book):
    with open_book(MAKE, "found") as book:
        book.run(0)
        book.run(1)
        book.output(1).get_by_role("listbox", name="Clusters").wait_for()
        yield book


def clusters(book):
    return book.output(1).get_by_role("listbox", name="Clusters")


def members(book):
    return book.output(1).get_by_role("listbox", name="Texts of the cluster")


def test_the_slider_clusters_again_at_once(drawn):
    before = drawn.value("found.clusters.n_clusters")
    drawn.output(1).get_by_role("slider").fill("0.95")
    drawn.output(1).locator("output").get_by_text("0.95").wait_for()
    for _ in range(50):
        if drawn.value("found.threshold") == "0.95":
            break
        drawn.page.wait_for_timeout(100)
    assert int(drawn.value("found.clusters.n_clusters")) > int(before)
    assert drawn.errors == []


def test_a_text_is_taken_out_by_the_keyboard_and_comes_back(drawn):
    before = int(drawn.value("found.clusters.n_clusters"))
    clusters(drawn).focus()
    drawn.page.keyboard.press("ArrowDown")
    members(drawn).locator("[role=option]").nth(1).wait_for()
    drawn.page.keyboard.press("Enter")
    drawn.page.keyboard.press("ArrowDown")
    drawn.page.keyboard.press("s")
    drawn.output(1).get_by_role("button", name="Undo the last split").wait_for()
    assert int(drawn.value("found.clusters.n_clusters")) == before + 1
    drawn.page.keyboard.press("u")
    drawn.output(1).get_by_role("button", name="Undo", exact=True).wait_for()
    assert int(drawn.value("found.clusters.n_clusters")) == before


def test_marked_clusters_are_merged_and_saved_as_a_file(drawn):
    clusters(drawn).focus()
    for key in ("ArrowDown", "m", "ArrowDown", "m"):
        drawn.page.keyboard.press(key)
    drawn.output(1).get_by_text("Merge 2 marked").click()
    drawn.output(1).get_by_role("button", name="Undo the last merge").wait_for()
    with drawn.page.expect_download() as saved:
        drawn.output(1).get_by_text("Download CSV").click()
    with saved.value.path().open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20_005
    assert len({row["cluster"] for row in rows}) == int(drawn.value("found.clusters.n_clusters"))


def test_a_page_that_is_loaded_again_shows_the_corrections(drawn, ready):
    clusters(drawn).focus()
    for key in ("ArrowDown", "Enter"):
        drawn.page.keyboard.press(key)
    members(drawn).and_(drawn.page.locator(":focus")).wait_for()
    drawn.page.keyboard.press("s")
    drawn.output(1).get_by_role("button", name="Undo the last split").wait_for()
    drawn.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    drawn.page.reload()
    ready(drawn)
    drawn.output(1).get_by_role("button", name="Undo the last split").click()
    drawn.output(1).get_by_role("button", name="Undo", exact=True).wait_for()
    assert drawn.value("len(found.curated.edits)") == "0"


def test_it_is_accessible_shows_text_as_text_and_has_its_pictures(drawn, accessible, shoot):
    drawn.output(1).get_by_label("single texts too").check()
    clusters(drawn).focus()
    drawn.page.keyboard.press("ArrowDown")
    members(drawn).locator("[role=option]").nth(1).click()
    drawn.output(1).get_by_role("region", name="The text in full").wait_for()
    assert accessible(drawn.page, ".cs-widget") == []
    shoot(drawn, drawn.output(1).locator(".cs-widget"), "duplicates-full")
    drawn.page.set_viewport_size({"width": 640, "height": 1000})
    shoot(drawn, drawn.output(1).locator(".cs-widget"), "duplicates-narrow")
    assert drawn.page.evaluate("document.title") != "owned"
