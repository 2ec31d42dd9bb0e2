"""The interpreter ends while threads use a store."""

import subprocess
import sys

import pytest

from consilience.models import Label, Question
from consilience.store import Store

READ = """
import sys, threading, time
from consilience.errors import StoreError
from consilience.store import Store

store = Store(sys.argv[1])
begun = threading.Barrier(5)


def read():
    begun.wait()
    try:
        while True:
            store.latest(50)
            store.sql("SELECT count(*) FROM questions")
    except StoreError as error:
        assert "closed" in str(error) or "ends" in str(error), error


for _ in range(4):
    threading.Thread(target=read, daemon=True).start()
store.latest(50)
begun.wait()
time.sleep(0.2)
print("end")
"""
COUNT = """
import sys, threading, time
from consilience.store import Store

store = Store(sys.argv[1])
store.latest(1)
threading.Thread(target=store.sql, args=["SELECT count(*) FROM range(1000000000000)"], daemon=True).start()
time.sleep(0.5)
print("end")
"""


def ended(program, where):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(where)], capture_output=True, text=True
    )
    return done.returncode, done.stdout


def test_a_program_ends_as_it_should_while_its_daemon_threads_read(where):
    with Store(where) as store:
        store.record(Question("Is ice cold?", Label("yes", "no")), [], None)
    assert [ended(READ, where) for _ in range(4)] == [(0, "end\n")] * 4


@pytest.mark.parametrize("engine", ["duckdb"])
def test_a_long_statement_does_not_hold_the_end_of_a_program(where, engine):
    assert ended(COUNT, where) == (0, "end\n")
