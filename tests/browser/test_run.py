"""The widget of a run, in a real JupyterLab."""

import pytest

pytestmark = pytest.mark.slow

RUN = """
import consilience as cs
from consilience import notebook

texts = [f"Report {n}: it {verb}" for n, verb in enumerate(["crashes", "hangs", "should sort"] * 40)]
calls = []
pace = 1

async def ana(question):
    import asyncio
    await asyncio.sleep(pace)
    calls.append(question.text)
    return "wish" if "should" in question.text else "bug"

def eva(question):
    if "Report 5:" in question.text and len(calls) < 250:
        raise TimeoutError("no answer within 30 s")
    return "bug"

circle = cs.Circle([ana, eva], store=cs.Store(path))
frame = {"id": list(range(120)), "text": texts}
run = circle.run(frame, "Classify: {text}", answer=cs.Label("bug", "wish"), key="id", concurrency=2)
"""
SHOW = "widget = notebook.Run(run)\nwidget"


def test_a_run_is_planned_paused_goes_on_and_asks_failed_cells_again(open_book, shoot, accessible, tmp_path):
    with open_book(f"path = {str(tmp_path / 'history.duckdb')!r}", RUN, SHOW, "notebook.Run()") as book:
        for n in range(4):
            book.run(n)
        out = book.output(2)
        widget = out.locator(".cs-widget")
        out.get_by_text("240", exact=True).wait_for()
        shoot(book, widget, "run-planned")
        out.get_by_role("button", name="Start").click()
        out.get_by_text("left").wait_for()
        book.value("globals().update(pace=.02)")
        book.page.wait_for_function(
            "() => Number(document.querySelector('[role=progressbar]').ariaValueNow) > 20"
        )
        book.value("globals().update(pace=1)")
        shoot(book, widget, "run-running")
        out.get_by_role("button", name="Pause").click()
        out.get_by_role("button", name="Go on").wait_for()
        assert book.value("widget.state") == "'paused'"
        assert accessible(book.page, ".cs-widget") == []
        book.value("globals().update(pace=0)")
        out.get_by_role("button", name="Go on").click()
        out.get_by_role("button", name="failed cell").wait_for()
        out.get_by_text("no answer within 30 s").wait_for()
        shoot(book, widget, "run-failed")
        assert book.value("widget.result.frame.height, len(calls)") == "(120, 120)"
        book.value("calls.extend(['again'] * 200)")
        out.get_by_role("button", name="failed cell").click()
        out.get_by_text("Least certain first").click()
        out.get_by_role("columnheader", name="decision").wait_for()
        assert book.value("widget.result.failed") == "0"
        shoot(book, widget, "run-done")
        assert accessible(book.page, ".cs-widget") == []
        assert book.errors == []


def test_awaiting_a_run_shows_a_bar_that_ends_with_what_was_done(open_book, shoot, accessible, tmp_path):
    quick = RUN.replace("pace = 1", "pace = 0.1").replace("len(calls) < 250", "True")
    with open_book(f"path = {str(tmp_path / 'history.duckdb')!r}", quick, "result = await run") as book:
        book.run(0)
        book.run(1)
        book.begin(2)
        bar = book.output(2).get_by_role("progressbar")
        bar.wait_for()
        assert 0 <= int(bar.get_attribute("aria-valuenow")) < 100
        shoot(book, book.output(2), "run-progress")
        book.output(2).get_by_text("done,").wait_for()
        assert bar.get_attribute("aria-valuenow") == "100"
        assert "failed 1;" in book.text(2)
        assert accessible(book.page, ".jp-OutputArea-output") == []
        assert book.errors == []
