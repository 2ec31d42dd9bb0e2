"""The command line of the dashboard: who may sign in, and what `serve` refuses before it listens."""

import stat

import pytest
from typer.testing import CliRunner

from consilience.cli import app

PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
MISTYPED, REFUSED = 2, 1


@pytest.fixture
def said(tmp_path, monkeypatch):
    """Run a command with the test's own file of users; return how it ended and what it said."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words, typed=None):
        done = CliRunner().invoke(app, [*words, "--users", str(tmp_path / "users.json")], input=typed)
        return done.exit_code, " ".join(done.output.split())

    return run


def test_people_are_added_listed_and_removed(said, tmp_path):
    code, told = said("serve-user", "add", "eva", "--role", "operator", typed=f"{PASSWORD}\n")
    assert code == 0
    assert "eva may sign in as operator" in told
    assert said("serve-user", "add", "ben", "--no-password")[0] == 0
    assert said("serve-user", "list") == (0, "reader ben operator eva")
    assert said("serve-user", "remove", "eva") == (0, "")
    assert said("serve-user", "list") == (0, "reader ben")
    file = tmp_path / "users.json"
    assert PASSWORD not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "typed", "sentence"),
    [
        (("serve-user", "add", "eva", "--role", "king"), f"{PASSWORD}\n", "king"),
        (("serve-user", "add", "eva"), "short\n", "password"),
        (("serve-user", "remove", "nobody"), None, "nobody"),
    ],
)
def test_what_cannot_be_done_to_people_is_a_sentence(said, words, typed, sentence):
    code, told = said(*words, typed=typed)
    assert code == MISTYPED
    assert sentence in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("options", "ended", "sentence"),
    [
        (("--address", "0.0.0.0"), REFUSED, "--auth password"),  # noqa: S104 - it is refused
        (("--auth", "password"), REFUSED, "serve-user add"),
        (("--auth", "psychic"), MISTYPED, "psychic"),
        (("--role", "king"), MISTYPED, "king"),
    ],
)
def test_serving_is_refused_before_it_listens(said, tmp_path, options, ended, sentence):
    code, told = said("serve", str(tmp_path / "history.duckdb"), "--port", "0", *options)
    assert code == ended
    assert sentence in told
    assert "Traceback" not in told
