"""Which implementation serves, and that forcing one is honoured."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from consilience import kernels
from consilience.errors import KernelUnavailable
from consilience.kernels import _reference, _selector

SOURCES = Path(__file__).parent.parent.parent / "kernels_ext"


def ask(forced: str, code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"CONSILIENCE_KERNELS": forced}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


@pytest.mark.skipif(
    os.environ.get("CONSILIENCE_KERNELS") == "python", reason="the run was asked to do without the extension"
)
def test_the_extension_is_installed_and_serves():
    assert kernels.backend == "cython"
    assert not _selector.missing()
    compiled = sys.modules["consilience.kernels._majority"]
    assert Path(compiled.__file__).suffix in {".so", ".pyd"}
    assert _selector.majority is compiled.majority


@pytest.mark.skipif("CONSILIENCE_VARIANT" not in os.environ, reason="no build was asked for by name")
def test_the_build_that_was_asked_for_serves():
    compiled = Path(sys.modules["consilience.kernels._majority"].__file__)
    assert compiled.is_relative_to(Path(os.environ["CONSILIENCE_VARIANT"]).resolve())


def test_every_compiled_kernel_has_its_source_and_its_reference():
    assert sorted(path.stem for path in SOURCES.glob("*.pyx")) == sorted(_selector.COMPILED)
    assert sorted(f"_{name}" for name in _reference.__all__) == sorted(_selector.COMPILED)


def test_python_can_be_forced():
    done = ask(
        "python",
        "import sys, consilience.kernels as k; print(k.backend, 'consilience.kernels._majority' in sys.modules)",
    )
    assert done.stdout.split() == ["python", "False"]


def test_forcing_a_missing_extension_says_what_to_do(monkeypatch):
    monkeypatch.setattr(_selector, "COMPILED", ("_not_built",))
    with pytest.raises(
        KernelUnavailable, match=r"needs the compiled extension, and _not_built .* C compiler"
    ):
        _selector.choose("cython")


def test_without_the_extension_python_serves(monkeypatch):
    monkeypatch.setattr(_selector, "COMPILED", ("_not_built",))
    assert _selector.choose("") == "python"


def test_an_unknown_choice_is_an_error_at_import():
    done = ask("rust", "import consilience.kernels")
    assert done.returncode == 1
    assert re.search(r"KernelUnavailable: .* must be 'cython' or 'python', got 'rust'", done.stderr)
