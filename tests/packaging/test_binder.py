"""Binder's folder, read as Binder reads it, and the entry in JupyterLab's launcher."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from consilience.dashboards.launcher import launcher

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"


@pytest.fixture
def repository(tmp_path):
    """What repo2docker looks at, without the environments and builds of this checkout."""
    shutil.copytree(BINDER, tmp_path / "repo" / "binder")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "repo" / name)
    return tmp_path / "repo"


def test_binder_understands_the_folder(repository):
    """No daemon is needed: with --no-build repo2docker only writes down what it would do."""
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(repository)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "env update -p ${NB_PYTHON_PREFIX}" in told
    assert "binder/environment.yml" in told
    assert "./binder/postBuild" in told


def test_the_script_after_the_build_is_one_that_runs():
    path = BINDER / "postBuild"
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", str(path)]).returncode == 0


def test_the_script_installs_extras_that_exist():
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = re.search(r"'\.\[([a-z,]+)\]'", (BINDER / "postBuild").read_text())[1].split(",")
    assert set(wanted) <= set(extras)


def test_the_dashboard_is_in_the_launcher():
    [entry] = entry_points(group="jupyter_serverproxy_servers", name="consilience")
    told = entry.load()()
    assert told == launcher()
    assert Path(told["launcher_entry"]["icon_path"]).read_text().startswith("<svg")
    assert told["command"][-3:] == ["--port", "{port}", "--behind-jupyter"]


def test_jupyter_server_proxy_accepts_every_setting():
    from jupyter_server_proxy.config import ServerProcess

    process = ServerProcess(name="consilience", **launcher())
    assert not process.absolute_url
    assert process.launcher_entry.title == "Consilience"


def test_the_store_of_the_dashboard_can_be_named(monkeypatch):
    monkeypatch.setenv("CONSILIENCE_STORE", "/data/team.duckdb")
    assert "/data/team.duckdb" in launcher()["command"]
