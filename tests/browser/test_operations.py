"""The widget of what goes on, in a real JupyterLab."""

import pytest

pytestmark = pytest.mark.slow

MAKE = """
import consilience as cs
from consilience import notebook
from consilience.policies import Policy, cached
from consilience.pools import HttpPool

looks = []

class Counted(notebook.Operations):
    def publish(self, **state):
        looks.append(state)
        super().publish(**state)

Policy("anthropic", rate="500/min", tokens="80000/min", concurrency=64)
Policy("openai", rate="500/min", concurrency=32).breaker.force_open("5 failures in a row")
pool = HttpPool("providers")

@cached(name="prices")
def price(model):
    return 1.0

for model in "abcaab":
    price(model)

experts = [cs.Scripted("ana", ["yes"]), cs.Scripted("eva", ["no"])]
circle = cs.Circle(experts, store=cs.Store(path), budget=cs.Budget(usd=5, calls=100))
for _ in range(3):
    circle.ask_sync("Is water wet?", answer=cs.Label("yes", "no"))
"""
SHOW = "widget = Counted(circle)\nwidget"


def test_what_goes_on_is_live_in_sight_and_still_out_of_it(open_book, shoot, accessible, tmp_path):
    tall = "from IPython.display import HTML\nHTML('<div style=\"height:3000px\">below</div>')"
    with open_book(f"path = {str(tmp_path / 'history.duckdb')!r}", MAKE, SHOW, tall) as book:
        for n in range(3):
            book.run(n)
        out = book.output(2)
        out.get_by_role("cell", name="ana", exact=True).wait_for()
        out.get_by_text("6 answers in 24 h").wait_for()
        shoot(book, out.locator(".cs-widget"), "operations")
        assert accessible(book.page, ".cs-widget") == []
        out.get_by_role("button", name="Close the circuit of openai").click()
        out.get_by_role("button", name="Close the circuit of openai").wait_for(state="detached")
        before = int(book.value("len(looks)"))
        for _ in range(50):
            if int(book.value("len(looks)")) > before + 1:
                break
            book.page.wait_for_timeout(100)
        assert int(book.value("len(looks)")) > before + 1
        book.run(3)
        book.output(3).get_by_text("below").evaluate("node => node.scrollIntoView({block: 'end'})")
        out.get_by_text("Paused while out of sight").wait_for(state="attached")
        still = book.value("len(looks)")
        book.page.wait_for_timeout(2500)
        assert book.value("len(looks)") == still
        assert book.errors == []
