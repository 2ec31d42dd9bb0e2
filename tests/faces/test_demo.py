"""The demo on the real panel with the real model, and the README that shows its output."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consilience.cli import app

README = (Path(__file__).parents[2] / "README.md").read_text()
SHOWN = re.search(r"```text\n(.*?)```", README, re.DOTALL)[1].splitlines()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def printed(local_model, tmp_path_factory):
    store = tmp_path_factory.mktemp("demo") / "consilience-demo.duckdb"
    done = CliRunner(env={"COLUMNS": "90"}).invoke(app, ["demo", "--store", str(store)])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_demo_prints_verdicts_report_and_what_it_kept(printed):
    for part in (
        "Did the circle help?",
        "Krippendorff alpha",
        "Is the sea salty?",
        "61 questions, 241 responses, 61 verdicts",
    ):
        assert part in printed


@pytest.mark.parametrize("mark", ["\u25c9", "\u2500\u2500\u2500\u2500", "next"])
def test_the_readme_shows_what_the_demo_prints(printed, mark):
    # The live model's own lines may differ on another processor; those of the recordings and the headings may not.
    shown = [
        line.rstrip() for line in SHOWN if mark in line and "smollm2" not in line and "circle," not in line
    ]
    assert shown
    assert set(shown) <= {line.rstrip() for line in printed.splitlines()}
