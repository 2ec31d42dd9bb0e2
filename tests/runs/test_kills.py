"""The short form of ``benchmarks/run_kills.py``: SIGKILL at random moments, resume, audit."""

import importlib.util
import random
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "run_kills.py"


ONE_BY_ONE = ("settled and asked again", "lost", "settled twice", "without response", "damaged files")


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("run_kills", PROGRAM)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_loses_nothing_and_pays_nothing_settled_twice(program, tmp_path):
    killed, held = program.kill_and_resume(tmp_path, 3, 100, 0.05, random.Random(1), tell=False)
    with program.start(tmp_path, 100, 0.05) as last:
        assert last.communicate()[0].split()[-2] == "100"
    found = program.audit(tmp_path, 100, killed, held)
    assert {name: found[name] for name in program.WRONG if name in found} == dict.fromkeys(ONE_BY_ONE, 0)


@pytest.mark.slow
def test_runs_of_one_frame_of_which_some_are_killed_ask_no_cell_that_another_has(program, tmp_path, where):
    store = str(where)
    killed = program.kill_among(tmp_path, 4, 300, 0.05, random.Random(1), 3, store)
    with program.start(tmp_path, 300, 0.05, store) as last:
        assert last.communicate()[0].split()[-2] == "300"
    found = program.audit_among(tmp_path, 300, killed, store)
    assert (found["asked while another had it"], found["lost"]) == (0, 0)
