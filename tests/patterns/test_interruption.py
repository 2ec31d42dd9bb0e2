"""A scan gives way: to Ctrl-C, and to other threads."""

import signal
import threading

import polars as pl
import pytest

from consilience.kernels import StringColumn, _selector, literals, scan
from consilience.patterns import PatternSet

needs_extension = pytest.mark.skipif(_selector.backend != "cython", reason="the extension is not in use")


def rows_of(text, n):
    """Return many rows that share the memory of one."""
    return pl.Series([text]).new_from_index(0, n)


@needs_extension
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("literal", ["a" * 2000 + "b", "ab"])
def test_ctrl_c_ends_a_scan(threads, literal):
    patterns = PatternSet([literal], threads=threads)
    rows = rows_of("a" * 5_000_000 + "b", 10_000)  # a minute of work and more
    reached = []
    main = threading.main_thread().ident
    threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        reached.extend(frame["text"][-1] for frame in patterns.scan_batches(rows))
    assert not reached or reached[-1] < 9_000


@needs_extension
def test_other_threads_run_while_the_kernel_does():
    ended = threading.Event()
    ticks = 0

    def tick():
        nonlocal ticks
        while not ended.wait(0.001):
            ticks += 1

    ticker = threading.Thread(target=tick)
    ticker.start()
    # Long walks in vain: one call takes tens of milliseconds, and does not return to Python meanwhile.
    array = rows_of("a" * 4_000_000, 10).to_arrow(compat_level=pl.CompatLevel.newest())
    parts = scan(literals([b"a" * 2000 + b"b"]), StringColumn.of(array))
    during = []
    while not during or during[-1] < 3:
        before = ticks
        if next(parts, None) is None:
            break
        during.append(ticks - before)
    ended.set()
    ticker.join()
    assert max(during) >= 3
