import pytest
from typer.testing import CliRunner

from consilience.cli import app
from consilience.models import Question
from consilience.store import Store


def run(*arguments):
    return CliRunner().invoke(app, ["store", *map(str, arguments)])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "history.duckdb"
    with Store(path) as store:
        store.record(Question("Is water wet?"), [], None)
    return path


def words(done):
    assert done.exit_code == 0, done.output
    return [line.split() for line in done.output.splitlines()]


def test_status_says_what_the_store_holds(file):
    lines = words(run("status", file))
    assert "version" in lines[0]
    assert next(line for line in lines if line[:1] == ["questions"])[1] == "1"
    assert next(line for line in lines if line[:1] == ["metrics"])[1:] == ["0"]


def test_what_was_exported_is_imported_once(file, tmp_path):
    assert ["questions", "1"] in words(run("export", file, tmp_path / "out"))
    other = tmp_path / "other.duckdb"
    assert ["questions", "1"] in words(run("import", other, tmp_path / "out"))
    assert ["questions", "0"] in words(run("import", other, tmp_path / "out"))
    with Store(other) as store:
        assert store.latest()["question"].to_list() == ["Is water wet?"]


def test_days_are_exported_alone(file, tmp_path):
    assert ["questions", "0"] in words(run("export", file, tmp_path / "out", "--until", "2020-01-01"))
    assert ["questions", "1"] in words(run("export", file, tmp_path / "out", "--since", "2020-01-01"))


def test_the_file_is_maintained_compacted_and_migrated(file):
    assert ["metrics_1m", "0"] in words(run("maintain", file))
    assert ["questions", "0"] in words(run("maintain", file, "--keep", "questions=1"))
    assert "MB before" in run("compact", file).output
    assert words(run("migrate", file))[0][0] == "version"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("status", "{0}.missing"), "A store that exists is required"),
        (("maintain", "{0}", "--keep", "metrics"), "--keep takes table=days"),
        (("maintain", "{0}", "--keep", "responses=1"), "'responses' came"),
        (("import", "{0}", "{0}.missing"), "with 'history' in it"),
    ],
)
def test_what_can_be_retyped_is_said_and_ends_with_2(file, arguments, why):
    done = run(*(each.format(file) for each in arguments))
    assert done.exit_code == 2
    assert why in done.stderr.replace("\n", " ")
