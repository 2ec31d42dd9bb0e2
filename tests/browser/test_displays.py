"""Displays in a browser: tables sort and filter where no script runs, and both themes can be read by everybody."""

import polars as pl
import pytest

import consilience as cs
from consilience.markup import frame_table, page

FRAME = pl.DataFrame(
    {
        "task": [f"t{n}" for n in range(12)],
        "cost_usd": [0.5, 0.1, None, 0.9, 0.3, 0.2, 0.8, 0.7, 0.6, 0.4, 1.0, 0.05],
        "decision": ["majority", "tie", "tie"] * 4,
    }
)


@pytest.fixture
def static(browser, tmp_path):
    """Open displays as a static page, in which no script runs unless it is asked for."""
    contexts = []

    def opened(*displays, scripts=False, dark=False):
        context = browser.new_context(
            java_script_enabled=scripts,
            color_scheme="dark" if dark else "light",
            viewport={"width": 900, "height": 900},
        )
        contexts.append(context)
        path = tmp_path / "page.html"
        body = "".join(displays)
        path.write_text(
            f"<!doctype html><html lang=en><title>displays</title><main>{body}</main>", encoding="utf-8"
        )
        shown = context.new_page()
        shown.goto(path.as_uri())
        return shown

    yield opened
    for context in contexts:
        context.close()


def tasks(shown):
    """Return the first cells of the rows that can be seen, from the top down."""
    rows = [row for row in shown.locator("tbody tr").all() if row.is_visible()]
    placed = sorted((row.bounding_box()["y"], row.locator("td").first.inner_text()) for row in rows)
    return [task for _, task in placed]


def test_a_table_sorts_and_goes_back_without_a_script(static):
    shown = static(page(frame_table(FRAME)))
    assert tasks(shown) == FRAME["task"].to_list()
    shown.get_by_label("sort by cost, USD, ascending").check()
    by_cost = FRAME.sort("cost_usd", nulls_last=True)["task"].to_list()
    assert tasks(shown) == by_cost
    shown.get_by_label("sort by cost, USD, descending").check()
    assert tasks(shown) == by_cost[::-1]
    shown.get_by_role("button", name="show as given").click()
    assert tasks(shown) == FRAME["task"].to_list()


def test_a_table_filters_without_a_script(static):
    shown = static(page(frame_table(FRAME)))
    shown.locator("select").select_option("tie")
    assert tasks(shown) == FRAME.filter(pl.col("decision") == "tie")["task"].to_list()


def test_two_tables_sort_apart(static):
    shown = static(page(frame_table(FRAME)), page(frame_table(FRAME)))
    shown.get_by_label("sort by task, descending").first.check()
    shown.get_by_label("sort by cost, USD, ascending").last.check()
    assert shown.get_by_label("sort by task, descending").first.is_checked()


def test_columns_line_up_with_their_heads(static):
    shown = static(page(frame_table(FRAME)))
    for n in range(3):
        head = shown.locator("thead th").nth(n).bounding_box()
        cell = shown.locator("tbody tr").first.locator("td").nth(n).bounding_box()
        assert abs(head["x"] - cell["x"]) < 1
        assert abs(head["width"] - cell["width"]) < 1


def everything():
    circle = cs.Circle([cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["no"]), cs.Scripted("cy", ["yes"])])
    verdict = circle.ask_sync("Is it?", answer=cs.Label("yes", "no"))
    late = cs.Circle([cs.Scripted("ana", ["yes"]), cs.Scripted("ben", [TimeoutError("late")])])
    merged = cs.dedup.merge({"ana": ["Use 4 shards", "Add an index"], "ben": ["Use 5 shards"]})
    policy = cs.policies.Policy("shown", rate="500/min", concurrency=8, registered=False)
    shown = (verdict, late.ask_sync("Is it?", answer=cs.Label("yes", "no")), merged, circle, policy)
    return [each._repr_html_() for each in shown] + [page(frame_table(FRAME))]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_displays_are_accessible(static, accessible, dark):
    shown = static(*everything(), scripts=True, dark=dark)
    shown.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert accessible(shown, "main") == []
