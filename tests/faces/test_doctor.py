"""What the doctor sees: environments that differ, stores, keys by name, ports."""

import json
import os
import re
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

import consilience as cs
from consilience.cli import app
from consilience.doctor.kept import store
from consilience.doctor.keys import keys
from consilience.doctor.lab import Lab, lab, prefix_of_script, running_labs
from consilience.doctor.ports import dashboard_port
from consilience.store.locks import Locks

ANYWIDGET = "0.11.0"
VERSIONS = {"anywidget": ANYWIDGET, "ipywidgets": "8.1.9"}


def environment(folder: Path, **versions: str) -> Path:
    for name, version in versions.items():
        extension = {"ipywidgets": "@jupyter-widgets/jupyterlab-manager"}.get(name, name)
        place = folder / "share" / "jupyter" / "labextensions" / extension
        place.mkdir(parents=True)
        (place / "package.json").write_text(json.dumps({"version": version}))
    return folder


@pytest.fixture(autouse=True)
def nobody_s_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "nobody"))


def test_a_lab_without_the_extensions_is_told_how_to_get_them(tmp_path):
    [_, seen] = lab(
        [Lab(environment(tmp_path / "lab"), "on port 8888")], kernel=tmp_path / "kernel", versions=VERSIONS
    )
    assert seen.works is False
    assert "show as plain text" in seen.found
    assert seen.mend.startswith(f"{tmp_path}/lab/bin/python -m pip install anywidget ipywidgets")


def test_a_lab_of_another_environment_with_the_extensions_serves(tmp_path):
    place = environment(tmp_path / "lab", anywidget=ANYWIDGET, ipywidgets="5.0.15")
    [_, seen] = lab([Lab(place, "on the PATH")], kernel=tmp_path / "kernel", versions=VERSIONS)
    assert seen.works is True
    assert str(place) in seen.found


def test_a_lab_with_another_major_version_is_told_which_to_take(tmp_path):
    place = environment(tmp_path / "lab", anywidget="0.9.3", ipywidgets="5.0.15")
    [_, seen] = lab([Lab(place, "on the PATH")], kernel=place, versions=VERSIONS)
    assert seen.works is False
    assert f"'anywidget=={ANYWIDGET}'" in seen.mend


def test_a_kernel_without_widgets_is_told_how_to_get_them(tmp_path):
    assert lab([], kernel=tmp_path, versions={})[0].mend == "pip install 'consilience[notebook]'"


def test_no_lab_is_no_fault(tmp_path):
    assert lab([], kernel=tmp_path, versions=VERSIONS)[1].works is None


def test_running_servers_are_found_and_their_token_is_not_told(tmp_path):
    (tmp_path / "proc" / "12").mkdir(parents=True)
    (tmp_path / "proc" / "12" / "cmdline").write_bytes(b"/opt/lab/bin/python3\0-m\0jupyterlab\0")
    told = {"pid": 12, "port": 8899, "token": "planted-token"}
    (tmp_path / "jpserver-12.json").write_text(json.dumps(told))
    (tmp_path / "jpserver-13.json").write_text(json.dumps({"pid": 13, "port": 1}))
    (tmp_path / "jpserver-14.json").write_text("{")
    found = list(running_labs(tmp_path, tmp_path / "proc"))
    assert found == [Lab(Path("/opt/lab"), "on port 8899")]
    assert "planted" not in repr(found)


@pytest.mark.parametrize(
    "text",
    ["#!/opt/lab/bin/python3.11\nimport re\n", "#!/bin/sh\n'''exec' /opt/lab/bin/python \"$0\" \"$@\"\n"],
)
def test_the_environment_of_a_script_is_that_of_its_interpreter(tmp_path, text):
    (tmp_path / "jupyter-lab").write_text(text)
    assert prefix_of_script(tmp_path / "jupyter-lab") == Path("/opt/lab")


def test_a_script_of_no_interpreter_says_nothing(tmp_path):
    (tmp_path / "jupyter-lab").write_bytes(b"\x7fELF\x00")
    assert prefix_of_script(tmp_path / "jupyter-lab") is None


def test_keys_are_told_by_name_and_never_shown(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.endswith(("_KEY", "HF_TOKEN"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CONSILIENCE_SECRETS", str(tmp_path / "secrets.toml"))
    assert keys()[0].found == "none"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-0123456789")
    [seen] = keys()
    assert seen.found == "openai (OPENAI_API_KEY)"
    assert "planted" not in repr(seen)
    (tmp_path / "secrets.toml").write_text('GROQ_API_KEY = "gsk-planted"\n')
    (tmp_path / "secrets.toml").chmod(0o644)
    [seen] = keys()
    assert seen.works is False
    assert "chmod 600" in seen.mend
    assert "planted" not in repr(seen)


def test_a_store_is_looked_at_and_none_is_made(tmp_path):
    path = tmp_path / "history.duckdb"
    assert "is not there" in store(path)[0].found
    assert not path.exists()
    with cs.Circle([cs.Scripted("ana", ["yes"])], store=path) as circle:
        circle.ask_sync("Is it?")
    seen, waiting = store(path)
    assert seen.works is True
    assert "4 rows" in seen.found
    assert waiting.found == "nothing"


def test_a_store_that_another_holds_is_said_to_be_held(tmp_path):
    path = tmp_path / "history.duckdb"
    with cs.Circle([cs.Scripted("ana", ["yes"])], store=path) as circle:
        circle.ask_sync("Is it?")
    with Locks(path.with_name("history.duckdb.spool")).writing(1):
        [seen] = store(path, timeout=0.05)
    assert seen.works is False
    assert "held by another process" in seen.found


def test_another_file_is_no_store(tmp_path):
    (tmp_path / "x.duckdb").write_text("a picture of a duck")
    [seen] = store(tmp_path / "x.duckdb")
    assert seen.works is False


def test_a_port_is_free_or_taken():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        assert "taken" in dashboard_port(port).found
    assert "free" in dashboard_port(port).found


def test_versions_are_printed_as_a_list(capsys):
    assert cs.show_versions() is None
    printed = capsys.readouterr().out
    assert printed.startswith("INSTALLED VERSIONS\n")
    assert re.search(r"^polars +: \d", printed, re.MULTILINE)
    assert str(Path.home()) not in printed
    found = cs.show_versions(as_dict=True)
    assert found["consilience"] == cs.__version__
    assert found["kernels"] == cs.kernels.backend


def test_the_command_line_looks_at_a_store_and_prints_versions(tmp_path):
    assert (
        "is not there"
        in CliRunner()
        .invoke(app, ["doctor", "--store", str(tmp_path / "h.duckdb")], env={"COLUMNS": "300"})
        .output
    )
    assert "INSTALLED VERSIONS" in CliRunner().invoke(app, ["doctor", "--versions"]).output


def test_the_jupyterlab_of_an_environment_that_is_not_on_the_path_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    assert lab()[1].what == "JupyterLab beside this Python"
