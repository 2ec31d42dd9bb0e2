"""The sdist and the wheel build, and hold what they must."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "toolkit" / "consilience"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Give the sdist and the wheel that is built from it: the second proves the first."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


def shipped(*suffixes: str) -> set[str]:
    found = (path.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*") if path.suffix in suffixes)
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def test_the_sdist_holds_every_source(built):
    with tarfile.open(built[0]) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    kernels = {f"kernels_ext/{path.name}" for path in (ROOT / "kernels_ext").glob("*.pyx")}
    wanted = {f"toolkit/{name}" for name in shipped(".py", ".pyi", ".typed")} | kernels
    assert not (wanted | {"LICENSE", "CMakeLists.txt", "pyproject.toml"}) - names


def test_the_wheel_holds_every_module_and_the_extension(built):
    names = zipfile.ZipFile(built[1]).namelist()
    assert not (shipped(".py", ".pyi") | {"consilience/py.typed"}) - set(names)
    for source in (ROOT / "kernels_ext").glob("*.pyx"):
        assert any(
            name.startswith(f"consilience/kernels/{source.stem}.") and "pyi" not in name for name in names
        )


def test_the_wheel_holds_the_data_of_the_demo_with_its_card(built):
    names = zipfile.ZipFile(built[1]).namelist()
    assert {f"consilience/data/panel60/{name}" for name in ("panel60.jsonl", "panel60.md")} <= set(names)


def test_the_wheel_holds_nothing_but_the_package(built):
    names = zipfile.ZipFile(built[1]).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"consilience"}
    assert not [name for name in names if name.endswith((".pyx", ".c", ".txt")) and "dist-info" not in name]


def test_the_extension_of_the_wheel_loads(built, tmp_path):
    zipfile.ZipFile(built[1]).extractall(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "CONSILIENCE_KERNELS": "cython"}
    code = "import consilience.kernels as k; print(k.backend, k.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    backend, where = done.stdout.split()
    assert backend == "cython"
    assert Path(where).is_relative_to(tmp_path)


def test_a_missing_compiler_is_named_with_its_remedy(tmp_path):
    # cmake and ninja may lie beside a compiler, so the PATH holds a link to ninja and nothing else.
    (tmp_path / "ninja").symlink_to(shutil.which("ninja") or pytest.fail("ninja is not on the PATH"))
    command = [shutil.which("cmake"), "-G", "Ninja", "-S", str(ROOT), "-B", str(tmp_path / "build")]
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert "Consilience needs a C compiler" in said
    assert "On Debian: apt install build-essential" in said
