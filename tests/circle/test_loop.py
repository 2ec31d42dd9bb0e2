import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

from consilience.errors import LoopError
from consilience.loop import BackgroundLoop


@pytest.fixture
def loop():
    made = BackgroundLoop()
    yield made
    made.close()


async def forty_two():
    return 42


def test_nothing_runs_before_the_first_call():
    before = threading.active_count()
    BackgroundLoop()
    assert threading.active_count() == before


def test_the_loop_starts_again_after_close(loop):
    assert loop.wait_sync(forty_two()) == 42
    loop.close()
    assert loop.wait_sync(forty_two()) == 42


def test_a_blocking_call_on_the_loop_itself_is_refused(loop):
    async def outer():
        with pytest.raises(LoopError, match="wait for itself"):
            loop.wait_sync(forty_two())
        return await loop.wait(forty_two())

    assert loop.wait_sync(outer()) == 42


def test_what_was_registered_is_closed_last_first(loop):
    order = []

    def closer(name):
        async def close():
            order.append(name)

        return close

    loop.wait_sync(forty_two())
    loop.on_close(closer("first"))
    loop.on_close(closer("second"))
    loop.close()
    assert order == ["second", "first"]


def test_closing_cancels_what_runs(loop):
    cancelled = threading.Event()
    running = threading.Event()

    async def forever():
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    loop.submit(forever())
    assert running.wait(10)
    loop.close()
    assert cancelled.is_set()


def test_a_task_that_exits_does_not_end_the_loop(loop):
    async def exits():
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        loop.wait_sync(exits())
    assert loop.wait_sync(forty_two()) == 42


PROGRAM = """
import os, sys
import consilience as cs
circle = cs.Circle([cs.Scripted("a", ["yes"])])
assert circle.ask_sync("Is it?").answer == "yes"
child = os.fork()
if child == 0:
    os._exit(0 if circle.ask_sync("Is it?").answer == "yes" else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_has_a_loop_of_its_own():
    done = subprocess.run([sys.executable, "-c", PROGRAM], timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


INTERRUPTED = """
import consilience as cs, asyncio, sys, threading
if "polars" in sys.argv:
    import polars  # its handler of SIGINT has waits without a timeout go on
stopped = threading.Event()
async def forever(question):
    print("asked", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        stopped.set()
try:
    circle = cs.Circle([forever])
    if "stream" in sys.argv:
        list(circle.stream_sync("Is it?"))
    else:
        circle.ask_sync("Is it?")
except KeyboardInterrupt:
    print("interrupted", stopped.wait(10), flush=True)
"""


@pytest.mark.parametrize("given", [[], ["polars"], ["polars", "stream"]], ids=" and ".join)
def test_ctrl_c_stops_the_question_and_its_experts(given):
    child = subprocess.Popen([sys.executable, "-c", INTERRUPTED, *given], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout.readline() == "asked\n"
        os.kill(child.pid, signal.SIGINT)
        assert child.stdout.readline() == "interrupted True\n"


HANGS = """
import threading, consilience as cs
def hangs(question):
    threading.Event().wait()
print(cs.Circle([hangs], deadline=0.05).ask_sync("Is it?").responses[0].outcome)
"""


def test_a_function_that_never_returns_does_not_hold_the_end_of_a_script():
    done = subprocess.run([sys.executable, "-c", HANGS], timeout=60, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("timed out\n", "")
