"""The child ends with its parent, however that ends, and takes nothing from where it stands."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from consilience.experts.local import server

pytestmark = pytest.mark.slow


def gone(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


PARENT = """
    import asyncio, os, sys, time
    from consilience.experts.local import LocalModel
    from consilience.experts.local.artifact import model_path
    from consilience.experts.local.server import shared_server
    from consilience.loop import background
    from consilience.models import Label, Question

    async def pid():
        await LocalModel().answer(Question("Is water wet?", Label("yes", "no")))
        return shared_server(model_path(), 0).pid

    print(background.wait_sync(pid()), flush=True)
    assert "xllamacpp" not in sys.modules
"""


def parent(*lines: str) -> subprocess.Popen[str]:
    code = textwrap.dedent(PARENT) + "\n".join(lines)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_it_ends_with_a_parent_that_ends_normally(model_file, until):
    with parent() as process:
        child = int(process.stdout.readline())
        assert process.wait(60) == 0
    until(lambda: gone(child))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_it_ends_with_a_parent_that_is_killed_though_a_forked_sibling_holds_its_pipe(model_file, until):
    lines = (
        "sibling = os.fork()",
        "if sibling == 0: time.sleep(600)",
        "print(sibling, flush=True)",
        "time.sleep(600)",
    )
    with parent(*lines) as process:
        child, sibling = int(process.stdout.readline()), int(process.stdout.readline())
        assert not gone(child)
        process.kill()
        process.wait(60)
        until(lambda: gone(child))
        os.kill(sibling, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_leaves_its_parents_child_alone_and_starts_its_own(model_file):
    lines = (
        "sibling = os.fork()",
        "print(background.wait_sync(pid()), flush=True)",
        "os.waitpid(sibling, 0) if sibling else None",
    )
    with parent(*lines) as process:
        first, *later = map(int, process.stdout.read().split())
        assert process.wait(60) == 0
    assert first in later
    assert len(set(later)) == 2


def test_a_module_in_the_working_folder_does_not_reach_the_child(model_file, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "xllamacpp.py").write_text("raise SystemExit('shadowed')")
    code = textwrap.dedent(PARENT)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_neither_the_engine_nor_http():
    code = "import sys, consilience.experts.local as m; print(*sorted({'xllamacpp', 'httpx2'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []


def test_the_child_imports_nothing_of_the_package():
    source = Path(server.__file__).with_name("child.py").read_text()
    assert "import consilience" not in source
    assert "from consilience" not in source
