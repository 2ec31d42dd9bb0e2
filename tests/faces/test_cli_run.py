import polars as pl
import pytest
from typer.testing import CliRunner

from consilience.cli import app

EXPERTS = """
import consilience as cs

CALLS = []

def words(question):
    CALLS.append(question.text)
    return "bug" if "crash" in question.text else "other"

def first(question):
    return cs.Reply("bug", usage=cs.Usage(10, 1, 0.01))

other = cs.Scripted("other", ["other"])

def away(question):
    raise ConnectionResetError("away")
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "experts.py").write_text(EXPERTS)
    pl.DataFrame({"id": ["a", "b", "c"], "text": ["it crashes", "it hangs", "a crash"]}).write_csv(
        tmp_path / "issues.csv"
    )

    def invoke(
        *arguments, experts=("words", "first"), file="issues.csv", answer="label:bug,other", typed=None
    ):
        named = [part for name in experts for part in ("--expert", f"{tmp_path / 'experts.py'}:{name}")]
        given = ["run", str(tmp_path / file), "--prompt", "Classify: {text}", "--answer", answer, *named]
        return CliRunner().invoke(app, [*given, "--key", "id", "--quiet", *arguments], input=typed)

    return invoke


def test_a_run_prints_its_plan_and_writes_one_row_a_question(run, tmp_path):
    out = tmp_path / "verdicts.parquet"
    done = run("--yes", "--out", str(out))
    assert done.exit_code == 0, done.output
    assert done.output.startswith("3 rows to 2 experts, 64 rows at once")
    assert "6 calls to make" in done.output
    assert f"3 rows written to {out}" in done.output.replace("\n", "")
    frame = pl.read_parquet(out)
    assert frame.select("id", "answer").rows() == [("a", "bug"), ("b", None), ("c", "bug")]


def test_an_expert_of_the_file_is_asked_as_a_function_is(run):
    done = run("--yes", experts=("words", "other"))
    assert "6 cells asked" in " ".join(done.output.split())


def test_results_are_written_as_csv_too(run, tmp_path):
    assert run("--yes", "--out", str(tmp_path / "verdicts.csv")).exit_code == 0
    assert pl.read_csv(tmp_path / "verdicts.csv")["decision"].to_list() == ["majority", "tie", "majority"]


def test_the_plan_alone_asks_nobody(run, tmp_path):
    done = run("--plan", "--store", str(tmp_path / "h.duckdb"))
    assert done.exit_code == 0
    assert "6 calls to make" in done.output
    assert "cells asked" not in done.output


def test_the_same_command_again_asks_nothing(run, tmp_path):
    store = ("--store", str(tmp_path / "h.duckdb"))
    assert run("--yes", *store).exit_code == 0
    again = run(*store)
    assert again.exit_code == 0, "no call has to be agreed to"
    assert "0 calls to make, 6 cells settled" in again.output
    assert "0 cells asked, 6 reused" in again.output


def test_without_a_terminal_nothing_is_spent_before_yes(run):
    done = run()
    assert done.exit_code == 2
    assert "give --yes" in " ".join(done.stderr.split())


def test_a_budget_that_is_reached_ends_with_3_and_says_so_first(run):
    done = run("--yes", "--budget-usd", "0.02", "--concurrency", "1", experts=("first",))
    assert done.exit_code == 3
    assert "Degraded: stopped by the budget of $0.02, " in done.output.replace("\n", " ")


def test_an_expert_that_fails_ends_with_3(run):
    done = run("--yes", experts=("words", "away"))
    assert done.exit_code == 3
    assert "3 failed" in done.output


def test_a_prompt_can_lie_in_a_file(run, tmp_path):
    (tmp_path / "prompt.txt").write_text("Is {text} a bug?")
    done = run("--yes", "--prompt", f"@{tmp_path / 'prompt.txt'}")
    assert done.exit_code == 0, done.output


def test_a_run_is_kept_where_the_store_is_and_goes_on_there(run, where):
    assert "6 cells asked, 0 reused" in " ".join(run("--yes", "--store", str(where)).output.split())
    assert "0 cells asked, 6 reused" in " ".join(run("--yes", "--store", str(where)).output.split())


@pytest.mark.parametrize("answer", ["score:0,10", "text", "items", "ranking:bug,other"])
def test_answers_of_every_kind_are_named_in_short(run, answer):
    assert run("--plan", answer=answer).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"answer": "colour"}, "--answer is text, items"),
        ({"answer": "score:low,high"}, "takes two numbers"),
        ({"answer": "label:one"}, "at least two choices"),
        ({"file": "absent.csv"}, "check the path"),
        ({"experts": ("nobody",)}, "has no 'nobody'"),
        ({"arguments": ("--out", "verdicts.xlsx")}, "--out writes .parquet and .csv"),
        ({"arguments": ("--out", "absent/verdicts.csv")}, "is not: make it"),
        ({"over": True}, "--out would take the place of the rows in issues.csv"),
        ({"arguments": ("--prompt", "no column")}, "at least one column"),
        ({"arguments": ("--prompt", "@absent.txt")}, "is not: mend the path"),
        ({"arguments": ("--budget-usd", "-1")}, "limit of 0 or more"),
        ({"arguments": ("--key", "text2")}, "text2"),
    ],
)
def test_what_can_be_retyped_is_said_in_one_line_and_ends_with_2(run, arguments, why, tmp_path):
    if arguments.pop("over", False):
        arguments["arguments"] = ("--out", str(tmp_path / "x" / ".." / "issues.csv"))
    done = run("--yes", *arguments.pop("arguments", ()), **arguments)
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("consilience: ")
    assert why in " ".join(done.stderr.split())
    assert "Traceback" not in done.output


def test_cells_of_a_csv_file_can_be_taken_as_they_stand(run, tmp_path):
    (tmp_path / "codes.csv").write_text("id,text\n007,1.10\n")
    out = tmp_path / "out.csv"
    for options, kept in ((), "7"), (("--as-text",), "007"):
        assert run("--yes", "--out", str(out), *options, file="codes.csv", experts=("words",)).exit_code == 0
        assert pl.read_csv(out, infer_schema=False)["id"].to_list() == [kept]
    refused = run("--as-text", "--yes", file="experts.py")
    assert refused.exit_code == 2
    assert "--as-text is for CSV files" in " ".join(refused.stderr.split())
