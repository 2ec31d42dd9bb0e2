"""The magics in a real IPython shell."""

import subprocess
import sys

import polars as pl
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import consilience as cs
from consilience.markup import Table
from consilience.notebook import spoken


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "consilience")
    shell.user_ns.update(
        cs=cs, ana=cs.Scripted("ana", ["yes"]), ben=cs.Scripted("ben", ["no"]), cy=cs.Scripted("cy", ["yes"])
    )
    yield shell
    shell.run_line_magic("unload_ext", "consilience")
    InteractiveShell.clear_instance()


def ask(shell, line, cell="Is it?"):
    return shell.run_cell_magic("circle", line, cell)


def test_a_cell_asks_its_text_and_keeps_the_verdict(shell):
    shell.user_ns["name"] = "{water}"
    verdict = ask(
        shell, "--experts ana,ben,cy --answer label:yes,no --out verdict", "Is {name} in {{braces}}?"
    )
    assert verdict.question.text == "Is {water} in {braces}?"
    assert verdict.answer == "yes"
    assert shell.user_ns["verdict"] is verdict


def test_a_cell_runs_as_a_user_types_it(shell):
    with capture_output():
        result = shell.run_cell("%%circle --experts ana,ben --answer label:yes,no --out v\nIs it?")
    assert result.success
    assert result.result is shell.user_ns["v"]


def test_experts_can_be_functions_and_lists_of_the_notebook(shell):
    shell.run_cell("def loud(question): return 'yes'\neverybody = [ana, ben, loud]")
    assert {r.expert for r in ask(shell, "--experts everybody").responses} == {"ana", "ben", "loud"}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("text", cs.Text()),
        ("label:yes,no", cs.Label("yes", "no")),
        ("score:0,10", cs.Score(0, 10)),
        ("score", cs.Score()),
        ("ranking:a,b,c", cs.Ranking("a", "b", "c")),
        ("items", cs.Items()),
    ],
)
def test_every_kind_of_answer_can_be_written(said, kind):
    assert spoken.answer_of(said) == kind


def test_context_is_a_variable(shell):
    shell.user_ns["paper"] = "long"
    assert ask(shell, "--experts ana --context paper").question.context == "long"


@pytest.mark.parametrize(
    ("line", "cell", "sentence"),
    [
        ("", "Is it?", "asks somebody"),
        ("--experts anna", "Is it?", "no expert 'anna': did you mean 'ana'"),
        ("--experts nobody", "Is it?", "no expert 'nobody': define it"),
        ("--experts who:knows", "Is it?", "providers are"),
        ("--experts cs", "Is it?", "holds no expert but a module"),
        ("--experts ana --answer yesno", "Is it?", "label:yes,no.*'yesno' came"),
        ("--experts ana --answer score:low,high", "Is it?", "two numbers"),
        ("--experts ana --answer label:yes", "Is it?", "yes"),
        ("--experts ana", "Is {nam} it?", "no variable 'nam'"),
        ("--experts ana", "  ", "needs a text"),
        ("--experts ana --out 1x", "Is it?", "name of a variable"),
        ("--experts ana --budget cheap", "Is it?", "budget"),
        ("--store x.duckdb", "Is it?", "name its --experts"),
        ("somebody", "Is it?", "no variable 'somebody'"),
        ("ana", "Is it?", "holds no circle"),
    ],
)
def test_a_mistake_is_one_sentence(shell, line, cell, sentence):
    with pytest.raises(UsageError, match=f"(?s){sentence}"):
        ask(shell, line, cell)


def test_a_mistake_shows_no_traceback(shell):
    with capture_output() as captured:
        shell.run_cell("%%circle --experts nobody\nIs it?")
    assert "Traceback" not in captured.stdout + captured.stderr
    assert "There is no expert 'nobody'" in captured.stdout + captured.stderr


def test_the_circle_stays_for_the_next_cell(shell, tmp_path):
    first = shell.run_line_magic("circle", f"--experts ana,ben --store {tmp_path}/h.duckdb --budget 5")
    assert ask(shell, "").responses[0].expert == "ana"
    assert shell.run_line_magic("circle", "") is first
    again = shell.run_line_magic("circle", f"--experts ana,ben --store {tmp_path}/h.duckdb --budget 5")
    assert again is first, "the same circle goes on with what it has spent"
    html = first._repr_html_()
    assert "h.duckdb" in html
    assert "$0.0000 of $5.00" in html


def test_a_circle_of_the_notebook_can_be_asked(shell):
    shell.user_ns["mine"] = cs.Circle([shell.user_ns["cy"]])
    assert [r.expert for r in ask(shell, "mine").responses] == ["cy"]


def test_without_a_circle_the_line_says_what_to_do(shell):
    assert "No circle yet" in repr(shell.run_line_magic("circle", ""))


def test_sql_reads_the_store_of_the_circle_and_one_that_is_named(shell, where):
    ask(shell, f"--experts ana,ben --answer label:yes,no --store {where}", "Is it wet?")
    shell.user_ns["who"] = "ana"
    sql = "SELECT expert, outcome FROM responses WHERE expert = {who}"
    shown = shell.run_cell_magic("circle_sql", "--out rows", sql)
    assert isinstance(shown, Table)
    assert shell.user_ns["rows"].equals(pl.DataFrame({"expert": ["ana"], "outcome": ["answered"]}))
    named = shell.run_cell_magic("circle_sql", f"--store {where}", "SELECT text FROM questions")
    assert named.to_polars().rows() == [("Is it wet?",)]


def test_sql_cannot_change_the_store(shell, tmp_path):
    ask(shell, f"--experts ana --store {tmp_path}/h.duckdb")
    with pytest.raises(UsageError):
        shell.run_cell_magic("circle_sql", "", "DELETE FROM responses")


def test_a_value_in_sql_is_never_read_as_sql(shell, tmp_path):
    ask(shell, f"--experts ana --store {tmp_path}/h.duckdb")
    shell.user_ns["evil"] = "x' OR '1'='1"
    shown = shell.run_cell_magic("circle_sql", "", "SELECT * FROM responses WHERE expert = {evil}")
    assert shown.to_polars().is_empty()


def test_sql_without_a_store_says_which_one_to_name(shell, tmp_path):
    with pytest.raises(UsageError, match="--store history.duckdb"):
        shell.run_cell_magic("circle_sql", "", "SELECT 1")
    with pytest.raises(UsageError, match="There is no store"):
        shell.run_cell_magic("circle_sql", f"--store {tmp_path}/none.duckdb", "SELECT 1")
    assert not (tmp_path / "none.duckdb").exists()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("%%circle --an", "--answer"),
        ("%circle --st", "--store"),
        ("%%circle --experts an", "ana"),
        ("%%circle --experts ana,be", "ben"),
        ("%%circle --answer la", "label:yes,no"),
        ("%%circle_sql --o", "--out"),
    ],
)
def test_tab_completes_flags_experts_and_kinds(shell, line, offered):
    with provisionalcompleter():
        found = {each.text for each in shell.Completer.completions(line, len(line))}
    assert offered in found


def test_help_names_every_flag(shell):
    with capture_output() as captured:
        shell.run_cell("%%circle?")
    text = captured.stdout + shell.find_cell_magic("circle").__doc__
    for flag in ("--experts", "--answer", "--out", "--context", "--store", "--budget", "--deadline"):
        assert flag in text


def test_loading_twice_leaves_one_set_of_magics_and_unloading_none(shell):
    shell.run_line_magic("reload_ext", "consilience")
    assert shell.find_cell_magic("circle") is not None
    shell.run_line_magic("unload_ext", "consilience")
    assert shell.find_cell_magic("circle") is None
    shell.run_line_magic("load_ext", "consilience")


def test_importing_the_package_touches_no_shell():
    code = "import sys, consilience; print('IPython' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
    )
