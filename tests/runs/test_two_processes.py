"""One run in several processes at once: they share the work, and no cell is asked twice."""

import subprocess
import sys
import time
from collections import Counter

import consilience as cs

CHILD = """
import asyncio, os, sys
import consilience as cs

folder, rows, name, where = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
# Before a server each has a spool of its own, as on two machines.
os.environ["CONSILIENCE_SPOOLS"] = os.path.join(folder, "spools of " + name)


failing = len(sys.argv) > 5


async def ana(question):
    global failing
    with open(os.path.join(folder, f"{name}.calls"), "a") as file:
        file.write(question.text + "\\n")
    await asyncio.sleep(0.02)
    if failing and int(question.text.split()[-1]) > 100:
        failing = False
        raise ValueError("one answer that cannot be had")
    return "yes"


frame = {"id": list(range(rows)), "n": list(range(rows))}
with cs.Circle([ana], store=where) as circle:
    run = circle.run(frame, "Is this odd? {n}", answer=cs.Label("yes", "no"), key="id", concurrency=4, progress=False)
    print("ready", flush=True)
    sys.stdin.readline()
    result = run.wait_sync()
    print(result.frame.height, result.asked, result.reused, result.degraded, flush=True)
"""


def start(folder, rows, name, where, *more):
    command = [sys.executable, "-W", "ignore", "-c", CHILD, str(folder), str(rows), name, str(where), *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_at_once(children):
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    return [child.communicate(timeout=120)[0].split() for child in children]


def test_two_processes_share_a_run_and_ask_each_cell_once(tmp_path, where):
    rows = 500
    children = [start(tmp_path, rows, name, where) for name in ("one", "two")]
    said = run_at_once(children)
    asked = [called(tmp_path, name) for name in ("one", "two")]
    assert set(Counter(asked[0] + asked[1]).values()) == {1}
    assert len(asked[0]) + len(asked[1]) == rows
    assert [each[0] for each in said] == [str(rows)] * 2, "each has every row"
    assert [int(each[1]) + int(each[2]) for each in said] == [rows] * 2
    with cs.Store(where) as store:
        assert store.sql("SELECT count(*) FROM cells WHERE state = 'settled'").item() == rows


def test_two_processes_of_which_each_fails_once_do_not_wait_for_each_other(tmp_path, where):
    rows = 500
    children = [start(tmp_path, rows, name, where, "failing") for name in ("one", "two")]
    said = run_at_once(children)
    assert [each[0] for each in said] == [str(rows)] * 2
    asked = Counter(called(tmp_path, "one") + called(tmp_path, "two"))
    assert len(asked) == rows
    assert asked.total() <= rows + 2, "what one could not get is asked by the other"


def test_what_a_killed_process_had_under_way_is_asked_by_one_of_the_others(tmp_path, where):
    rows = 600
    children = {name: start(tmp_path, rows, name, where) for name in ("killed", "one", "two")}
    for n_called, child in zip((20, 0, 300), children.values(), strict=True):
        assert child.stdout.readline() == "ready\n"
        child.stdin.write("go\n")
        child.stdin.flush()
        while len(called(tmp_path, "killed")) < n_called and children["killed"].poll() is None:
            time.sleep(0.01)
    children["killed"].kill()
    children.pop("killed").communicate()
    said = [child.communicate(timeout=120)[0].split() for child in children.values()]
    assert [each[0] for each in said] == [str(rows)] * 2, "each has every row"
    dead = called(tmp_path, "killed")
    others = called(tmp_path, "one") + called(tmp_path, "two")
    assert set(Counter(others).values()) <= {1}
    assert set(dead) | set(others) == {f"Is this odd? {n}" for n in range(rows)}
    with cs.Store(where) as store:
        assert store.sql("SELECT count(DISTINCT digest) FROM cells WHERE state = 'settled'").item() == rows


def called(folder, name):
    file = folder / f"{name}.calls"
    return file.read_text().splitlines() if file.exists() else []


DEADLOCK = """
import asyncio, os, sys
import consilience as cs

where, name, own, other, spools = sys.argv[1:6]
os.environ["CONSILIENCE_SPOOLS"] = os.path.join(spools, name)
failed = False


async def ana(question):
    global failed
    await asyncio.sleep(0.05)
    if question.text.endswith(own) and not failed:
        failed = True
        raise ValueError("not now")
    return "yes"


texts = [own, *(f"{name} {n}" for n in range(60)), own, other]
with cs.Circle([ana], store=where) as circle:
    run = circle.run({"text": texts}, "Is it {text}", answer=cs.Label("yes", "no"), concurrency=2, progress=False)
    print("ready", flush=True)
    sys.stdin.readline()
    result = run.wait_sync()
    print(result.frame.height, flush=True)
"""


def test_two_runs_that_each_failed_a_cell_of_the_others_do_not_wait_for_each_other(tmp_path, where):
    # the prompt that fails stands once more far down: its row is reserved again, and shares the first one's end
    children = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", DEADLOCK, str(where), *names, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for names in (("one", "X", "Y"), ("two", "Y", "X"))
    ]
    assert run_at_once(children) == [["63"], ["63"]]
