"""What a widget costs the kernel: its first paint, what a hundred runs of its cell leave, its largest message.

    python benchmarks/widgets.py [--runs 5] [--json PATH]

Each first paint is measured in a kernel of its own, in which only ``import consilience`` and what the widget is given
were run before: from the import of the widget to its MIME bundle, in CPU time of the whole process and on the clock.
Then the cell runs a hundred times, as a front end runs it, and widgets, comms, threads and tasks are counted; the
largest message is that of a page with much in it. A widget is a row of `WIDGETS`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from ast import literal_eval
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

GOAL_MS = 300
WAIT = 120


@dataclass(frozen=True)
class Row:
    """A widget to measure.

    Parameters
    ----------
    given
        Code that makes what the widget is given; not measured.
    made
        Code that makes ``widget``.
    much
        Code that fills ``widget`` with as much as it can be made to show.
    """

    given: str
    made: str
    much: str = ""


CIRCLE = "circle = cs.Circle([cs.Scripted('ana', ['yes']), cs.Scripted('eva', ['yes'], latency=3600)])"
LOUD = """
import time
loud = cs.Circle([cs.Scripted(f'expert {n}', [chr(0x1f600) * 19_000]) for n in range(60)])
"""
WIDGETS = {
    "Ask": Row(
        CIRCLE,
        "from consilience.notebook import Ask\nwidget = Ask(circle, 'Is water wet?')",
        LOUD + "widget = Ask(loud, 'Is it?')\nwidget.ask()\nwhile widget.verdict is None: time.sleep(.1)",
    ),
    "Run": Row(
        CIRCLE + "\nrun = circle.run({'text': ['a', 'b']}, 'Classify: {text}', answer=cs.Label('yes', 'no'))",
        "from consilience.notebook import Run\nwidget = Run(run)",
        LOUD
        + "widget = Run(loud.run({'text': list(map(str, range(200)))}, '{text}', answer=cs.Score(), progress=False))\n"
        "widget.start()\nwhile widget.result is None: time.sleep(.1)\nwidget.queue()",
    ),
    "Operations": Row(
        CIRCLE,
        "from consilience.notebook import Operations\nwidget = Operations(circle)\nwidget.look()",
        "from consilience.policies import Policy\nmany = [Policy(str(n) * 200) for n in range(500)]\n"
        "widget = Operations(circle)\nwidget.look()",
    ),
}

BEFORE = "import consilience as cs\n"
COUNTED = """
import asyncio, gc, threading, comm
from consilience.loop import background
from ipywidgets.widgets.widget import _instances
async def tasks():
    return len(asyncio.all_tasks())
def counted():
    gc.collect()
    n = background.wait_sync(tasks())
    return len(_instances), len(comm.get_comm_manager().comms), threading.active_count(), n
"""
WATCHED = """
import json
from ipykernel.comm.comm import BaseComm
sizes = [0]
before = BaseComm.publish_msg
def publish_msg(self, kind, data=None, metadata=None, buffers=None, **keys):
    state = (data or {}).get('state', {})
    shown = {k: v for k, v in state.items() if k not in ('_esm', '_css')}
    sizes.append(len(json.dumps({**(data or {}), 'state': shown}, ensure_ascii=False).encode()))
    return before(self, kind, data, metadata, buffers, **keys)
BaseComm.publish_msg = publish_msg
"""


class Kernel:
    """A kernel of its own."""

    def __enter__(self) -> Self:
        self._manager = KernelManager()
        self._manager._kernel_spec = KernelSpec(  # noqa: SLF001 - the running interpreter, whatever is registered
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
        )
        self._manager.start_kernel(env=dict(os.environ), stderr=-3)
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=WAIT)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def run(self, code: str, wanted: str = "None") -> object:
        """Run code as a cell and return the value of an expression after it."""
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {"x": wanted}}
        message = self._client.session.msg("execute_request", content, metadata={"cellId": "measured"})
        self._client.shell_channel.send(message)
        while True:
            reply = self._client.get_shell_msg(timeout=WAIT)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                break
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{reply['content']['ename']}: {reply['content']['evalue']}")
        return literal_eval(reply["content"]["user_expressions"]["x"]["data"]["text/plain"])


def first_paint(row: Row) -> tuple[float, float]:
    """Return milliseconds of CPU and on the clock until a widget has its MIME bundle."""
    with Kernel() as kernel:
        kernel.run(BEFORE + row.given)
        timed = (
            "import time\nstarted = time.process_time(), time.perf_counter()\n"
            f"{row.made}\nwidget._repr_mimebundle_()\n"
            "took = time.process_time() - started[0], time.perf_counter() - started[1]"
        )
        cpu, wall = kernel.run(timed, "took")  # type: ignore[misc]
        return cpu * 1000, wall * 1000


def grown(row: Row, runs: int = 100) -> list[int]:
    """Return how many widgets, comms, threads and tasks more there are after so many runs of the cell."""
    with Kernel() as kernel:
        kernel.run(BEFORE + row.given)
        kernel.run(COUNTED)
        for _ in range(5):
            kernel.run(row.made)
        before = kernel.run("", "counted()")
        for _ in range(runs):
            kernel.run(row.made)
        after = kernel.run("", "counted()")
        return [now - then for now, then in zip(after, before, strict=True)]  # type: ignore[call-overload]


def largest(row: Row) -> int:
    """Return the bytes of the largest message, script and style apart."""
    with Kernel() as kernel:
        kernel.run(BEFORE + row.given + "\n" + row.made)
        kernel.run(WATCHED)
        kernel.run(f"{row.made}\n{row.much}")
        size = kernel.run("", "max(sizes)")
        assert isinstance(size, int)
        return size


def main() -> None:
    """Measure every widget and print a row for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="kernels for the median of the first paint")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = {}
    print("| widget | first paint, CPU | on the clock | left after 100 runs | largest message |")
    print("| --- | --- | --- | --- | --- |")
    for name, row in WIDGETS.items():
        paints = [first_paint(row) for _ in range(arguments.runs)]
        cpu, wall = (statistics.median(column) for column in zip(*paints, strict=True))
        left, size = grown(row), largest(row)
        found[name] = {"cpu_ms": cpu, "wall_ms": wall, "left": left, "largest": size}
        said = ", ".join(
            f"{n} {what}" for n, what in zip(left, ("widgets", "comms", "threads", "tasks"), strict=True)
        )
        print(f"| {name} | {cpu:.0f} ms | {wall:.0f} ms | {said} | {size / 1000:,.0f} kB |", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
