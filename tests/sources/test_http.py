"""A server's tables and texts, fetched once, only from where it is allowed, under a policy."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from consilience.errors import InvalidInput, SourceError, UnsafeUrl
from consilience.policies import Policy
from consilience.sources import Http

ROWS = [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]
PAGES = {
    "/rows": ("application/json; charset=utf-8", json.dumps(ROWS)),
    "/lines": ("application/x-ndjson", "\n".join(map(json.dumps, ROWS))),
    "/csv": ("text/csv", "id,text\n1,a\n2,b\n"),
    "/page": ("text/html", "<p>hello</p>"),
    "/object": ("application/json", "{}"),
    "/broken": ("application/json", "[{"),
    "/big": ("text/plain", "x" * 5000),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.seen.append((self.path, dict(self.headers)))
        if path == "/flaky" and len(self.server.seen) == 1:
            self.answer(503, "text/plain", "later")
        elif path == "/moved":
            self.answer(302, "text/plain", "", self.server.moved)
        elif path in PAGES or path == "/flaky":
            self.answer(200, *PAGES.get(path, PAGES["/csv"]))
        else:
            self.answer(404, "text/plain", "no")

    def answer(self, status, kind, body, location=None):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.url = [], f"http://127.0.0.1:{server.server_port}"
    server.moved = f"{server.url}/csv"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def fetched(source, call):
    async def story():
        try:
            return await call(source)
        finally:
            await source.aclose()

    return asyncio.run(story())


@pytest.mark.parametrize("path", ["rows", "lines", "csv"])
def test_tables_of_each_type_become_frames(server, path):
    source = Http(server.url, allow_private=True)
    assert fetched(source, lambda s: s.frame(path)).rows(named=True) == ROWS


def test_an_answer_is_kept_by_path_and_parameters(server):
    async def story(source):
        for params in ({"a": 1}, {"a": 1}, {"a": 2}):
            await source.frame("rows", params)

    fetched(Http(server.url, allow_private=True), story)
    assert [path for path, _ in server.seen] == ["/rows?a=1", "/rows?a=2"]
    server.seen.clear()
    fetched(Http(server.url, allow_private=True, ttl=0), story)
    assert len(server.seen) == 3


def test_equal_requests_at_the_same_time_are_one(server):
    async def story(source):
        await asyncio.gather(*(source.text("page") for _ in range(5)))

    fetched(Http(server.url, allow_private=True), story)
    assert len(server.seen) == 1


def test_this_machine_is_not_fetched_from_unless_that_is_said(server):
    with pytest.raises(UnsafeUrl, match="allow_private"):
        fetched(Http(server.url), lambda s: s.text("page"))
    assert server.seen == []


def test_a_redirect_is_checked_and_headers_stay_with_their_host(server):
    source = Http(server.url, allow_private=True, headers={"authorization": "Bearer x"})
    assert fetched(source, lambda s: s.frame("moved")).height == 2
    assert all(headers["authorization"] == "Bearer x" for _, headers in server.seen)
    server.seen.clear()
    server.moved = f"http://localhost:{server.server_port}/csv"
    source = Http(server.url, allow_private=True, headers={"authorization": "Bearer x"})
    assert fetched(source, lambda s: s.frame("moved")).height == 2
    assert ["authorization" in headers for _, headers in server.seen] == [True, False]
    server.moved = "http://169.254.169.254/latest"
    with pytest.raises(UnsafeUrl, match="credentials"):
        fetched(Http(server.url, allow_private=True), lambda s: s.frame("moved"))
    server.moved = f"{server.url}/moved"
    with pytest.raises(SourceError, match="redirects"):
        fetched(Http(server.url, allow_private=True), lambda s: s.frame("moved"))


def test_a_server_that_fails_once_is_asked_again(server):
    assert fetched(Http(server.url, allow_private=True), lambda s: s.frame("flaky")).height == 2
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("page", "text/html"), ("object", "array of objects"), ("broken", "gave none"), ("none", "404")],
)
def test_what_is_no_table_is_said(server, path, sentence):
    with pytest.raises(SourceError, match=sentence):
        fetched(Http(server.url, allow_private=True), lambda s: s.frame(path))


def test_an_answer_longer_than_allowed_is_refused(server):
    with pytest.raises(SourceError, match="max_bytes"):
        fetched(Http(server.url, allow_private=True, max_bytes=1000), lambda s: s.text("big"))


def test_a_server_that_is_gone_is_said(server):
    port = server.server_port
    server.server_close()
    source = Http(f"http://127.0.0.1:{port}", allow_private=True, policy=Policy("gone", registered=False))
    with pytest.raises(SourceError, match="cannot be reached"):
        fetched(source, lambda s: s.text("page"))


def test_a_context_is_the_beginning(server):
    assert fetched(Http(server.url, allow_private=True), lambda s: s.context("page", max_chars=3)) == "<p>"


def test_settings_out_of_their_range_are_refused_and_nothing_secret_is_shown():
    with pytest.raises(InvalidInput):
        Http("https://example.org", ttl=-1)
    assert "secret" not in repr(Http("https://u:secret@example.org", headers={"a": "secret"}))
