"""The magics in a real kernel, whose loop is running: ask, interrupt, ask again."""

import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.slow

_SLOW = """
import asyncio, consilience as cs
%load_ext consilience
ended = []
async def slow(question):
    print("asked", flush=True)
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        ended.append("stopped")
        raise
def quick(question):
    return "yes"
"""


@pytest.fixture
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client, code):
    texts = []

    def listen(message):
        content = message["content"]
        texts.append(content.get("text", "") or str(content.get("data", {}).get("text/plain", "")))

    reply = client.execute_interactive(code, timeout=60, output_hook=listen)
    return reply["content"], "".join(texts)


def test_a_cell_asks_under_the_running_loop_and_so_does_the_next(kernel):
    _, client = kernel
    run(client, _SLOW)
    reply, said = run(client, "%%circle --experts quick --answer label:yes,no --out v\nIs it?")
    assert reply["status"] == "ok", reply
    assert "yes" in said
    assert run(client, "print(v.answer, (await cs.Circle([quick]).ask('Is it?')).answer)")[1] == "yes yes\n"


def test_an_interrupt_stops_the_question_and_the_kernel_goes_on(kernel):
    manager, client = kernel
    run(client, _SLOW)
    client.execute("%%circle --experts slow\nIs it?")
    while "asked" not in client.get_iopub_msg(timeout=60)["content"].get("text", ""):
        pass
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=60)["content"]
    assert reply["status"] == "error"
    assert reply["ename"] == "KeyboardInterrupt"
    wait = "import time\nwhile not ended: await asyncio.sleep(0.01)\nprint(*ended)"
    assert "stopped" in run(client, wait)[1]
