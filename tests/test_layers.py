"""Imports go down only: the floors of the design, read from the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "toolkit" / "consilience"

# Top to bottom; a module imports from its own floor or a lower one.
FLOORS = {
    "faces": {
        "cli",
        "cli_desk",
        "cli_run",
        "cli_serve",
        "cli_store",
        "notebook",
        "dashboards",
        "mcp",
        "report",
        "doctor",
        "demo",
        "bench",
    },
    "work": {
        "asking",
        "circle",
        "circle_card",
        "conduct",
        "consult",
        "disclosure",
        "keeping",
        "reviewing",
        "provenance",
        "rounds",
        "streaming",
        "terms",
        "runs",
        "evaluation",
        "scale",
    },
    "experts": {"experts", "templates", "sources"},
    "keeping": {"store", "metrics", "operations"},
    "calling": {"policies", "pools", "loop", "testing"},
    "judging": {
        "agreement",
        "aggregate",
        "contradiction",
        "dedup",
        "equivalence",
        "intervals",
        "markdown",
        "patterns",
        "simulate",
        "verdict",
    },
    "things": {"models", "errors", "frames", "paths", "redaction", "samples", "synthetic", "urls"},
    "ground": {"kernels", "markup"},
}
HEIGHT = {module: -number for number, modules in enumerate(FLOORS.values()) for module in modules}
# The tree of errors depends on nothing, so that every floor can raise from it.
FREE = {"errors"}
HEAVY = ["polars", "duckdb", "panel", "pydantic_ai", "numpy", "pyarrow", "httpx2", "httpx"]


def top_level(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and top-level module of every import of the package, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "consilience":
            names = [f"consilience.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if name.startswith("consilience."):
                yield node.lineno, name.split(".")[1]


def test_every_module_stands_on_a_floor():
    homeless = sorted({top_level(path) for path in sources()} - set(HEIGHT))
    assert not homeless, f"{', '.join(homeless)}: place each new module on a floor in tests/test_layers.py"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    own = HEIGHT.get(top_level(path), 0)
    climbing = [
        f"line {line} imports {module}"
        for line, module in imported(path)
        if module not in FREE and HEIGHT.get(module, own) > own
    ]
    assert not climbing, f"{path.relative_to(PACKAGE)} imports from a higher floor: {'; '.join(climbing)}"


def test_the_reader_of_imports_sees_every_form(tmp_path):
    module = tmp_path / "seen.py"
    module.write_text(
        "import consilience.cli\n"
        "from consilience import circle\n"
        "def late():\n"
        "    from consilience.store.reader import Reader\n"
        "import os, typing\n"
        "from numpy import array\n"
    )
    assert list(imported(module)) == [(1, "cli"), (2, "circle"), (4, "store")]


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, consilience; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
