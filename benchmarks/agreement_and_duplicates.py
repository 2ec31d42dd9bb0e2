"""What the widgets Agreement and Duplicates cost the kernel: first paint, a slide of the threshold, their messages.

    python benchmarks/agreement_and_duplicates.py [--texts 100000] [--experts 12] [--repeats 5] [--json PATH]

Figures are medians of CPU time of the process in milliseconds, and bytes of JSON. A first paint is from the call to the
MIME bundle, after the widgets were imported; the search goes on in another thread and is told apart. A slide is an
action of the page with the rows that come into sight after it; the first one is left out of none.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consilience.notebook import Agreement, Duplicates, Widget
from consilience.simulate import Planted, answers
from consilience.synthetic import texts

sizes: list[int] = []


def measured(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return milliseconds of CPU and what the work gave."""
    start = time.process_time()
    given = work()
    return (time.process_time() - start) * 1000, given


def size_of(widget: Widget) -> int:
    """Return the bytes of the widget's largest state, its script and style left out."""
    names = [name for name in widget.trait_names(sync=True) if not name.startswith("_")]
    return max(len(json.dumps(getattr(widget, name), default=str)) for name in names)


def painted(make: Callable[[], Widget], ready: Callable[[Any], object], repeats: int) -> dict[str, float]:
    """Return the first paint, all the work, and the size of the state, of a widget that is made anew each time."""
    paints, totals, states = [], [], []
    for _ in range(repeats):
        start = time.process_time()
        widget = make()
        widget._repr_mimebundle_()
        paints.append((time.process_time() - start) * 1000)
        ready(widget)
        totals.append((time.process_time() - start) * 1000)
        widget.flush()
        states.append(size_of(widget))
        widget.close()
    return {
        "first paint, ms": statistics.median(paints),
        "all the work, ms": statistics.median(totals),
        "largest state, bytes": max(states),
    }


def slid(widget: Duplicates) -> dict[str, float]:
    """Return what a slide costs, and the largest message of rows and members."""
    found = []
    for step in range(55, 100):

        def slide(at: float = step / 100) -> None:
            widget.slide(at)
            widget.rows(0, 50)
            widget.choose(0)
            widget.members(0, 50)

        found.append(measured(slide)[0])
    return {
        "slide, ms": statistics.median(found),
        "slowest slide, ms": max(found),
        "largest message, bytes": max(sizes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--experts", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    Widget.send = lambda _self, content, **_: sizes.append(len(json.dumps(content)))
    series = texts(given.texts)
    circle = [Planted(f"expert {n}", 0.8) for n in range(given.experts)]
    frame = answers(circle, tasks=500, labels=["x", "y", "z"]).answers
    Agreement(frame, draws=0).overall  # noqa: B018 - loads what is loaded on first use
    Duplicates(series.head(100)).curated  # noqa: B018
    name = f"Agreement, {given.experts} experts x 500 tasks"
    figures = {name: painted(lambda: Agreement(frame), lambda widget: widget.overall, given.repeats)}
    name = f"Duplicates, {given.texts:,} texts"
    figures[name] = painted(lambda: Duplicates(series), lambda widget: widget.curated, given.repeats)
    widget = Duplicates(series)
    widget.curated  # noqa: B018 - waits
    figures[name] |= slid(widget)
    for name, row in figures.items():
        print(name)
        for what, value in row.items():
            print(f"  {what:24}{value:12,.1f}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
