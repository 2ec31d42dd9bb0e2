"""What the README shows runs as it stands there."""

import hashlib
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consilience.cli import app
from consilience.samples import panel60_path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.slow
def test_the_python_in_the_readme_runs(tmp_path, monkeypatch, local_model, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}  # one for all: a reader goes on with what is there
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - the block is ours
    assert "Asked: It crashes on start." in capsys.readouterr().out


COMMANDS = [
    line
    for block in blocks("sh")
    for line in block.splitlines()
    if line.startswith("consilience") and "doctor" not in line
]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_in_the_readme_run(command, tmp_path, monkeypatch, local_model):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "issues.csv").write_text("text\nIt crashes on start.\n")
    done = CliRunner().invoke(app, shlex.split(command, comments=True)[1:])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("target", re.findall(r"\bmake ([a-z]+)\b", " ".join(blocks("sh"))))
def test_the_make_targets_in_the_readme_exist(target):
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_the_links_in_the_readme_lead_somewhere(link):
    assert (ROOT / link).exists()


def test_the_card_names_the_file_that_ships():
    card = (ROOT / "data" / "panel60" / "panel60.md").read_text()
    assert hashlib.sha256(panel60_path().read_bytes()).hexdigest() in card
