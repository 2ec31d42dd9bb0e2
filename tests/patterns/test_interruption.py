"""A scan gives way: to Ctrl-C, and to other threads."""

import subprocess
import sys
import threading
import time

import pytest

from consilience.patterns import PatternSet

SCRIPT = """
import signal, sys, threading, time
from consilience.patterns import PatternSet
patterns = PatternSet([{literal!r}], threads={threads})
texts = ["a" * 60_000_000] * 40
sent = []
def interrupt():
    sent.append(time.monotonic())
    signal.raise_signal(signal.SIGINT)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
threading.Timer(0.5, interrupt).start()
try:
    for frame in patterns.scan_batches(texts):
        pass
    print("ended")
except KeyboardInterrupt:
    print(time.monotonic() - sent[0])
"""


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("literal", ["a" * 2000 + "b", "ab"])
def test_ctrl_c_ends_a_scan(threads, literal):
    code = SCRIPT.format(threads=threads, literal=literal)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert float(done.stdout) < 5, "the goal is a second; the limit leaves room for a busy machine"


@pytest.mark.slow
def test_other_threads_run_while_a_scan_does():
    ended = threading.Event()
    gaps = []

    def tick():
        last = time.monotonic()
        while not ended.is_set():
            now = time.monotonic()
            gaps.append(now - last)
            last = now
            ended.wait(0.001)

    ticker = threading.Thread(target=tick)
    ticker.start()
    PatternSet(["needle", "hay"], threads=1).count(["hay " * 5_000_000] * 3)
    ended.set()
    ticker.join()
    assert len(gaps) > 20
