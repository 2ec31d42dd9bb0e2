import json

import pytest
from typer.testing import CliRunner

import consilience as cs
from consilience.cli import app


def run(*arguments):
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("ask", "", "--labels", "yes,no"), "needs a text"),
        (("ask", "Is it?", "--labels", "yes"), "at least two choices"),
        (("ask", "Is it?", "--labels", "yes,yes"), "reads the same"),
        (("ask", "Is it?", "--labels", "a,b", "--items"), "exclude each other"),
        (("ask", "Is it?", "--labels", "a,b", "--answer", "items"), "exclude each other"),
        (("ask", "Is it?", "--answer", "colour"), "--answer is text, items"),
        (("ask", "Is it?", "--expert", "nobody:x"), "nobody:x"),
        (("ask", "Is it?", "--deadline", "0"), "deadline"),
    ],
)
def test_what_can_be_retyped_is_said_in_one_line_and_ends_with_2(arguments, why):
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("consilience: ")
    assert why in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.output


def test_the_version_is_the_distributions():
    assert run("--version").output.strip() == cs.__version__


def test_help_names_the_commands():
    text = run("--help").output
    for command in ("demo", "ask", "run", "setup-local", "doctor", "bench", "store"):
        assert command in text


def test_doctor_says_which_kernels_serve_and_what_mends_the_rest():
    done = run("doctor")
    assert cs.kernels.backend in done.output
    assert "local model" in done.output
    assert done.exit_code == (1 if "missing" in done.output else 0)


def test_bench_says_which_kernels_serve_and_what_each_work_costs(tmp_path):
    kept = tmp_path / "figures.json"
    done = run("bench", "--rounds", "1", "--smaller", "50", "--json", str(kept))
    assert done.exit_code == 0, done.output
    assert f"kernels {cs.kernels.backend}" in done.output
    found = json.loads(kept.read_text())
    assert found["facts"]["kernels"] == cs.kernels.backend
    works = {figure["work"]: figure for figure in found["figures"]}
    assert {"majority", "Dawid-Skene, 50 rounds", "50 literals"} <= set(works)
    assert works["near-duplicates, threshold 0.7"]["check"].startswith("recall 1.0000, precision 1.0000")
    assert all(figure["cpu"] > 0 for figure in works.values())
    assert works["majority"]["times"] > 0


@pytest.mark.parametrize("options", [("--rounds", "0"), ("--smaller", "0"), ("--smaller", "101")])
def test_a_bench_of_nothing_is_refused(options):
    done = run("bench", *options)
    assert done.exit_code == 2
    assert "must" in done.stderr


@pytest.mark.slow
def test_a_question_to_the_local_model_is_answered_and_kept(tmp_path, local_model):
    store = tmp_path / "history.duckdb"
    done = run("ask", "Is Berlin in Spain?", "--labels", "yes,no", "--store", str(store), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["answer"] in ("yes", "no")
    with cs.Store(store) as kept:
        assert kept.sql("SELECT text FROM questions").rows() == [("Is Berlin in Spain?",)]


@pytest.mark.slow
def test_setup_local_twice_fetches_once(local_model):
    assert "ready" in run("setup-local").output


@pytest.mark.parametrize(
    ("answer", "said", "decided"),
    [
        (("--answer", "score:0,10"), "7", 7.0),
        (("--answer", "ranking:a,b"), "b > a", ["b", "a"]),
        (("--answer", "items"), "- wait", ["wait"]),
        (("--items",), "- wait", ["wait"]),
        (("--answer", "label:yes,no"), "yes", "yes"),
        (("--labels", "yes,no"), "yes", "yes"),
        ((), "as you like", "as you like"),
    ],
)
def test_a_function_of_a_file_is_asked_for_an_answer_of_any_kind_and_kept(
    tmp_path, where, answer, said, decided
):
    (tmp_path / "own.py").write_text(f"def ana(question):\n    return {said!r}\n")
    expert = f"{tmp_path / 'own.py'}:ana"
    done = run("ask", "Which?", *answer, "--expert", expert, "--store", str(where), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["answer"] == decided
    with cs.Store(where) as kept:
        assert kept.sql("SELECT text FROM questions").rows() == [("Which?",)]
    told = run("doctor", "--store", str(where)).stdout
    assert "waiting in the spool" in " ".join(told.split())


def test_a_file_of_experts_that_fails_is_said_in_one_line(tmp_path):
    (tmp_path / "own.py").write_text("import absent_module\n")
    done = run("ask", "Which?", "--expert", f"{tmp_path / 'own.py'}:ana")
    assert done.exit_code == 2
    assert "own.py fails with ModuleNotFoundError: No module named 'absent_module'" in " ".join(
        done.stderr.split()
    )
