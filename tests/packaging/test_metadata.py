"""What the installed package says of itself."""

import tomllib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_version_comes_from_one_place():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert metadata.version("consilience") == declared


def test_the_tests_run_against_the_installed_package():
    spec = find_spec("consilience")
    assert spec is not None
    assert not Path(spec.origin).is_relative_to(ROOT / "toolkit")


def test_the_command_is_declared():
    (script,) = metadata.distribution("consilience").entry_points.select(group="console_scripts")
    assert (script.name, script.value) == ("consilience", "consilience.cli:app")
