"""What every widget does in a real JupyterLab."""

import pytest

pytestmark = pytest.mark.slow

MAKE = """
import traitlets
from consilience.notebook import Widget
from consilience.notebook.widget import action

class Counter(Widget):
    _esm = traitlets.Unicode('''
        function render({ model, el }) {
          const button = document.createElement("button");
          const draw = () => { button.textContent = "count " + model.get("n"); };
          model.on("change:n", draw);
          draw();
          button.onclick = () => model.send({ action: "add", by: 2 });
          el.append(button);
        }
        export default { render };
    ''').tag(sync=True)
    n = traitlets.Int(0).tag(sync=True)

    @action
    def add(self, by):
        self.publish(n=self.n + by)

    def stop(self):
        stopped.append(self)

stopped = []
"""
SHOW = "counter = Counter()\ncounter"


def test_a_click_reaches_python_and_its_state_the_page(open_book):
    with open_book(MAKE, SHOW) as book:
        book.run(0)
        book.run(1)
        book.output(1).get_by_text("count 0").click()
        book.output(1).get_by_text("count 2").wait_for()
        assert book.value("counter.n") == "2"
        assert book.errors == []


def test_a_page_that_is_loaded_again_shows_the_same_state(open_book, ready):
    with open_book(MAKE, SHOW) as book:
        book.run(0)
        book.run(1)
        book.output(1).get_by_text("count 0").click()
        book.output(1).get_by_text("count 2").wait_for()
        book.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        book.page.reload()
        ready(book)
        book.output(1).get_by_text("count 2").click()
        book.output(1).get_by_text("count 4").wait_for()


def test_a_cell_that_is_run_again_closes_what_it_made(open_book):
    with open_book(MAKE, SHOW) as book:
        book.run(0)
        for _ in range(3):
            book.run(1)
        assert book.value("len(stopped)") == "2"
        assert book.value("counter._closed") == "False"


def test_an_interrupt_stops_widgets_while_no_cell_runs(open_book):
    with open_book(MAKE, SHOW) as book:
        book.run(0)
        book.run(1)
        book.page.wait_for_timeout(500)
        book.interrupt()
        book.page.wait_for_function("true")
        for _ in range(50):
            if book.value("len(stopped)") == "1":
                break
            book.page.wait_for_timeout(100)
        assert book.value("len(stopped)") == "1"
