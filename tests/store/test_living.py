"""What a run sees of others on the same file: who lives, who came and went."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from consilience.store import Store

LIVE = """
import sys, time
from consilience.store import Store

Store(sys.argv[1]).living("other").begin()
print("lives", flush=True)
time.sleep(600)
"""


@pytest.fixture
def runs(tmp_path):
    """Return a run's sign of life by its name, each through a store of its own."""
    return lambda name: Store(tmp_path / "h.duckdb").living(name)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "h.duckdb.runs"


def test_a_run_lives_from_begin_to_end(runs):
    one, two = runs("one"), runs("two")
    one.begin()
    assert two.others(["one", "two", "never"]) == {"one"}
    one.end()
    assert two.others(["one"]) == frozenset()
    one.end()


def test_a_run_alone_is_undisturbed_from_the_beginning_on(runs):
    one = runs("one")
    one.begin()
    assert [one.undisturbed() for _ in range(3)] == [True] * 3


def test_a_run_is_disturbed_while_another_one_lives_and_twice_after_it(runs):
    one, two = runs("one"), runs("two")
    one.begin()
    assert one.undisturbed()
    two.begin()
    assert [one.undisturbed() for _ in range(3)] == [False] * 3
    two.end()
    assert [one.undisturbed() for _ in range(4)] == [False, False, True, True]


def test_a_run_that_came_and_went_between_two_looks_is_noticed(runs):
    one, two, three = runs("one"), runs("two"), runs("three")
    one.begin()
    assert one.undisturbed()
    two.begin()
    two.end()
    assert [one.undisturbed() for _ in range(2)] == [False, False]
    three.begin()
    three.end()
    assert [one.undisturbed() for _ in range(3)] == [False, False, True]


def test_the_last_run_to_end_leaves_nothing(runs, folder):
    one, two, three = runs("one"), runs("two"), runs("three")
    for each in (one, two, three):
        each.begin()
    two.end()
    assert sorted(file.stem for file in folder.iterdir()) == ["one", "three", "two"]
    one.end()
    three.end()
    assert not folder.exists()


def test_what_a_process_left_that_was_killed_before_does_not_disturb_and_is_removed(runs, folder):
    folder.mkdir()
    (folder / "dead.lock").touch()
    one = runs("one")
    one.begin()
    assert one.others(["dead"]) == frozenset()
    assert [one.undisturbed() for _ in range(3)] == [True] * 3
    one.end()
    assert not folder.exists()


def test_a_process_that_is_killed_later_disturbs_twice(runs, tmp_path):
    other = subprocess.Popen(
        [sys.executable, "-c", LIVE, str(tmp_path / "h.duckdb")], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "lives\n"
    one = runs("one")
    one.begin()
    assert not one.undisturbed()
    other.kill()
    other.communicate()
    assert [one.undisturbed() for _ in range(3)] == [False, False, True]


def test_runs_that_begin_and_end_at_once_find_the_folder(runs, folder):
    def live(n):
        for turn in range(50):
            each = runs(f"{n}-{turn}")
            each.begin()
            assert each.others([f"{n}-{turn}"])
            each.end()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(live, range(4)))
    last = runs("last")
    last.begin()
    last.end()
    assert not folder.exists()


FORK = """
import os, sys, time
from consilience.store import Store

one = Store(sys.argv[1]).living("one")
one.begin()
if os.fork() == 0:
    time.sleep(600)
print(os.getpid(), flush=True)
time.sleep(600)
"""


def test_a_forked_child_does_not_keep_its_parents_run_alive(runs, tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", FORK, str(tmp_path / "h.duckdb")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert int(parent.stdout.readline()) == parent.pid
        assert runs("two").others(["one"]) == {"one"}
        parent.kill()
        parent.wait()
        assert runs("two").others(["one"]) == frozenset()
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.stdout.close()
