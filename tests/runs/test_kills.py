"""The short form of ``benchmarks/run_kills.py``: SIGKILL at random moments, resume, audit."""

import importlib.util
import random
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "run_kills.py"


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_loses_nothing_and_pays_nothing_settled_twice(tmp_path):
    spec = importlib.util.spec_from_file_location("run_kills", PROGRAM)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    killed, held = program.kill_and_resume(tmp_path, 3, 100, 0.05, random.Random(1), tell=False)
    with program.start(tmp_path, 100, 0.05) as last:
        assert last.communicate()[0].split()[-2] == "100"
    found = program.audit(tmp_path, 100, killed, held)
    wrong = ("settled and asked again", "lost", "settled twice", "without response", "damaged files")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)
