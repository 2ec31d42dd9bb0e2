"""The same pages under ``panel serve`` and in a cell, and what loading them costs."""

import subprocess
import sys
import threading

import pytest

from consilience.dashboards import Dashboard, Role, app
from consilience.errors import InvalidInput
from consilience.store import Store


def test_a_script_of_one_line_gives_the_same_pages(tab, history, tmp_path, site):
    script = tmp_path / "circle.py"
    script.write_text(f"import consilience as cs\ncs.dashboards.app({str(history)!r}).servable()\n")
    command = [sys.executable, "-m", "panel", "serve", str(script), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            line = next(line for line in process.stdout if "running at: http" in line)
            drain = threading.Thread(target=process.stdout.read)
            drain.start()
            tab.goto(line.split("running at: ")[1].strip())
            tab.get_by_text("Error rate, 24 hours").wait_for()
            assert tab.title() == "Overview \u00b7 Consilience"
            assert tab.elsewhere == []
            assert tab.get_by_role("link", name="Operations").count() == 0, "nobody signed in: a reader"
            site.picture(tab, "panel-serve")
        finally:
            process.terminate()
            drain.join(30)


def test_a_cell_shows_the_pages_and_goes_from_one_to_the_other(history):
    with Store(history) as store:
        dashboard = app(store)
        dashboard._repr_mimebundle_()
        frame = dashboard._embedded
        frame._go({"page": "operations"}, True)
        assert "Operations" in frame._body[1].object
        dashboard._repr_mimebundle_()
        assert frame._visit is None, "the cell that was run again keeps one view only"
        dashboard.close()
        assert dashboard.reader.listening == 0


def test_a_session_that_is_closed_leaves_nothing_behind(history):
    from consilience.dashboards.frame import Frame
    from consilience.dashboards.roles import Viewer

    with Store(history) as store:
        dashboard = Dashboard(store, role=Role.OPERATOR)
        frames = [Frame(dashboard.reader, lambda: Viewer("", Role.OPERATOR)) for _ in range(5)]
        assert dashboard.reader.listening
        for frame in frames:
            frame.close()
        assert dashboard.reader.listening == 0


def test_a_click_of_one_session_leaves_the_pages_of_the_others_alone(history):
    from panel.io.state import state
    from panel.util import edit_readonly

    from consilience.dashboards.frame import Frame
    from consilience.dashboards.roles import Viewer

    with Store(history) as store:
        dashboard = Dashboard(store, role=Role.OPERATOR)
        frame = Frame(dashboard.reader, lambda: Viewer("", Role.OPERATOR))
        heard = []
        page = frame.page()
        page.param.watch(heard.append, list(page.param))
        with edit_readonly(state):
            state.busy = not state.busy
            state.busy = not state.busy
        frame.close()
        assert heard == []


def test_a_role_that_is_none_of_the_three_is_told_of(tmp_path):
    with pytest.raises(InvalidInput, match="reader, reviewer or operator"):
        app(tmp_path / "history.duckdb", role="king")


def test_naming_the_dashboard_loads_no_panel():
    code = "import sys, consilience as cs; cs.dashboards.app; print('panel' in sys.modules, 'bokeh' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
