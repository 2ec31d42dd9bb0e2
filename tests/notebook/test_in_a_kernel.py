"""Widgets in a real kernel: cells that run again, interrupts, subshells, and what is printed after an await."""

import os
import sys
import time
from ast import literal_eval

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.slow

WAIT = 60
MAKE = """
import asyncio, gc, threading
import consilience as cs
from consilience.loop import background
from consilience.notebook import Ask, Operations, Run
from ipywidgets.widgets.widget import _instances
import comm

def ana(question):
    print("ana was asked", flush=True)
    return "yes"

circle = cs.Circle([ana, cs.Scripted("eva", ["yes"], latency=3600)])
run = circle.run({"text": ["a"]}, "Classify: {text}", answer=cs.Label("yes", "no"))

def counted():
    async def tasks():
        return len(asyncio.all_tasks())
    gc.collect()
    open_tasks = background.wait_sync(tasks())
    return len(_instances), len(comm.get_comm_manager().comms), threading.active_count(), open_tasks
"""
CELL = """
asking = Ask(circle, "Is water wet?")
asking.ask()
running = Run(run)
running.start()
looking = Operations(circle)
looking.look()
asking
"""
COMPUTING = """
from consilience.notebook import Agreement, Duplicates
agreeing = Agreement({"task": [1, 1, 2, 2], "expert": ["ana", "eva"] * 2, "label": ["yes", "no", "yes", "yes"]})
repeated = Duplicates(["add an index", "Add an index"])
"""


class Kernel:
    """A kernel and what it said."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def run(self, code, cell="a cell", subshell=None):
        """Run code as a front end runs a cell, and return its outputs as text."""
        message = self.client.session.msg("execute_request", self._content(code), metadata={"cellId": cell})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return self.wait(message["header"]["msg_id"])

    def wait(self, of):
        said = []
        while True:
            message = self.client.get_iopub_msg(timeout=WAIT)
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                said.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                said.append(content["data"].get("text/plain", ""))
            elif kind == "error":
                said.append(f"{content['ename']}: {content['evalue']}")
            elif kind == "status" and (
                content["execution_state"],
                message["parent_header"].get("msg_id"),
            ) == ("idle", of):
                return "".join(said)

    def value(self, expression):
        """Return what an expression is, asked beside the cells; what experts print meanwhile is not taken for it."""
        content = self._content("") | {"user_expressions": {"value": expression}}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": None})
        self.client.shell_channel.send(message)
        while True:
            reply = self.client.get_shell_msg(timeout=WAIT)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                found = reply["content"]["user_expressions"]["value"]
                assert found["status"] == "ok", found
                return found["data"]["text/plain"]

    def until(self, expression, wanted):
        """Ask until an expression is what is wanted, and leave the kernel's loop its turns between."""
        end = time.monotonic() + WAIT
        while self.value(expression) != repr(wanted) and time.monotonic() < end:
            time.sleep(0.02)
        assert self.value(expression) == repr(wanted)

    def _content(self, code):
        return {
            "code": code,
            "silent": False,
            "store_history": False,
            "user_expressions": {},
            "allow_stdin": False,
        }

    def control(self, kind, content):
        message = self.client.session.msg(kind, content)
        self.client.control_channel.send(message)
        return self.client.control_channel.get_msg(timeout=WAIT)["content"]


@pytest.fixture(scope="module")
def kernel():
    manager = KernelManager()
    manager._kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
    )
    manager.start_kernel(env=os.environ | {"PYDEVD_DISABLE_FILE_VALIDATION": "1"})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=WAIT)
        made = Kernel(manager, client)
        assert made.run(MAKE) == ""
        yield made
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_hundred_runs_of_a_cell_leave_no_widget_comm_thread_or_task_behind(kernel):
    for _ in range(5):
        kernel.run(CELL, cell="again")
    kernel.until("len(background._submitted) < 99", True)
    before = literal_eval(kernel.value("counted()"))
    for _ in range(100):
        kernel.run(CELL, cell="again")
    # a question that is being cancelled has its task for a moment, which is a longer one on a busy machine
    kernel.until(f"counted()[3] <= {before[3]} + 10", True)
    after = literal_eval(kernel.value("counted()"))
    widgets, comms, threads, tasks = (now - then for now, then in zip(after, before, strict=True))
    assert (widgets, comms) == (0, 0)
    assert threads <= 10, "the loop's pool grows to its size once"
    assert tasks <= 10
    kernel.run("asking.close(); running.close(); looking.close()")


def test_a_hundred_runs_of_a_cell_that_computes_leave_nothing_behind(kernel):
    for _ in range(10):  # the threads of a pool are made as they are needed
        kernel.run(COMPUTING, cell="computing")
    kernel.until("(agreeing.state, repeated.state)", ("ready", "ready"))
    before = literal_eval(kernel.value("counted()"))
    for _ in range(100):
        kernel.run(COMPUTING, cell="computing")
    kernel.until("(agreeing.state, repeated.state)", ("ready", "ready"))
    after = literal_eval(kernel.value("counted()"))
    widgets, comms, threads, tasks = (now - then for now, then in zip(after, before, strict=True))
    assert (widgets, comms) == (0, 0)
    assert threads <= 10
    assert tasks <= 2
    kernel.run("agreeing.close(); repeated.close()")


def test_an_interrupt_while_no_cell_runs_stops_the_question_and_the_run(kernel):
    kernel.run(CELL, cell="interrupted")
    assert kernel.value("asking.state") == "'asking'"
    kernel.manager.interrupt_kernel()
    kernel.until("(asking.state, running.state)", ("stopped", "paused"))
    kernel.run("asking.close(); running.close(); looking.close()")


def test_an_interrupt_that_comes_when_the_cell_has_just_been_replied_to_is_heard(kernel):
    kernel.run(CELL, cell="replied")
    kernel.run(
        """
import os, signal
session = get_ipython().kernel.session
def send_and_interrupt(stream, kind, *given, **how):
    sent = type(session).send(session, stream, kind, *given, **how)
    if kind == "execute_reply":
        del session.send
        os.kill(os.getpid(), signal.SIGINT)
    return sent
session.send = send_and_interrupt
"""
    )
    kernel.until("(asking.state, running.state)", ("stopped", "paused"))
    kernel.run("asking.close(); running.close(); looking.close()")


def test_an_interrupted_cell_stops_the_question_too(kernel):
    kernel.run(CELL, cell="both")
    message = kernel.client.session.msg(
        "execute_request", kernel._content("import time; print('sleeping', flush=True); time.sleep(600)")
    )
    kernel.client.shell_channel.send(message)
    while "sleeping" not in kernel.client.get_iopub_msg(timeout=WAIT)["content"].get("text", ""):
        pass
    kernel.manager.interrupt_kernel()
    assert "KeyboardInterrupt" in kernel.wait(message["header"]["msg_id"])
    kernel.until("(asking.state, running.state)", ("stopped", "paused"))
    kernel.run("asking.close(); running.close(); looking.close()")


def test_an_action_in_a_subshell_works_while_the_main_shell_is_busy(kernel):
    # ipykernel takes a comm's messages in the shell that spoke through it last
    subshell = kernel.control("create_subshell_request", {})["subshell_id"]
    kernel.run("quick = Ask(cs.Circle([cs.Scripted('dan', ['yes'])]), 'Is water wet?')", subshell=subshell)
    comm_id = kernel.value("quick.comm.comm_id").strip("'")
    busy = kernel.client.session.msg(
        "execute_request",
        kernel._content(
            "import time\nuntil = time.monotonic() + 60\n"
            "while quick.state != 'decided' and time.monotonic() < until: time.sleep(.02)\n"
            "print(quick.state, quick.verdict, flush=True)"
        ),
    )
    kernel.client.shell_channel.send(busy)
    asked = {"method": "custom", "content": {"action": "ask"}}
    message = kernel.client.session.msg("comm_msg", {"comm_id": comm_id, "data": asked})
    message["header"]["subshell_id"] = subshell
    kernel.client.shell_channel.send(message)
    assert "decided <Verdict 'yes'" in kernel.wait(busy["header"]["msg_id"])
    kernel.control("delete_subshell_request", {"subshell_id": subshell})


def test_what_an_expert_prints_while_the_widget_asks_is_not_lost(kernel):
    kernel.run("printing = Ask(cs.Circle([ana]), 'Is water wet?')")
    said = kernel.run(
        "printing.ask()\nimport time\nwhile printing.state != 'decided': time.sleep(.02)\ntime.sleep(.3)"
    )
    assert "ana was asked" in said


def test_text_that_is_appended_after_an_await_reaches_its_output(kernel):
    kernel.run(
        """
import asyncio, ipywidgets
out = ipywidgets.Output()
async def later():
    await asyncio.sleep(0)
    out.append_stdout(str((await circle_of_one.ask("Is water wet?")).answer))
circle_of_one = cs.Circle([cs.Scripted("dan", ["yes"])])
await asyncio.create_task(later())
"""
    )
    assert "'text': 'yes'" in kernel.value("out.outputs")
