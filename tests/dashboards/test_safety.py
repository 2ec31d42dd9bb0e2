"""What a visitor must not be able to do, tried over plain HTTP and a plain websocket."""

import asyncio
import contextlib
import http.client
import json
import re
from urllib.parse import urlencode

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from consilience.store import Store

pytestmark = pytest.mark.slow


class Visitor:
    """A client that keeps cookies and follows nothing."""

    def __init__(self, server):
        self.server, self.cookies = server, {}

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("localhost", self.server.port, timeout=60)
        told = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        headed = {name.replace("_", "-"): value for name, value in told.items()}
        with contextlib.closing(connection):
            connection.request(method, path, body, headed)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        for name, value in answer.getheaders():
            if name == "Set-Cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
        return answer, text

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def sign_in(self, name, password, **extra):
        _, page = self.get("/login")
        token = re.search(r'name="_xsrf" value="([^"]+)"', page)[1]
        body = urlencode({"_xsrf": token, "username": name, "password": password, **extra})
        return self.ask("POST", "/login", body, Content_Type="application/x-www-form-urlencoded")


@pytest.fixture
def visitor(served):
    return Visitor(served)


@pytest.fixture
def reader(visitor, site):
    visitor.sign_in("rita", site.PASSWORD)
    return visitor


def websocket(server, token, **headers):
    """Open the page's websocket as a browser does, and return what the server first says."""

    async def first():
        request = HTTPRequest(
            f"ws://localhost:{server.port}/ws",
            headers={"Origin": f"http://localhost:{server.port}", **headers},
        )
        connection = await websocket_connect(request, subprotocols=["bokeh", token])
        try:
            return await asyncio.wait_for(connection.read_message(), 60)
        finally:
            connection.close()
            while await asyncio.wait_for(connection.read_message(), 60) is not None:
                pass

    return asyncio.run(first())


def token_of(page):
    return re.search(r'"token":"([^"]+)"', page)[1]


def test_whoever_has_not_signed_in_gets_the_sign_in_and_no_session(visitor):
    answer, page = visitor.get("/?page=overview")
    assert answer.status == 302
    assert answer.getheader("Location").startswith("./login?next=")
    assert "token" not in page
    for path in ("/autoload.js?bokeh-autoload-element=x", "/metadata"):
        assert "token" not in visitor.get(path)[1]


def test_a_form_without_its_token_is_refused(visitor, site):
    body = urlencode({"username": "rita", "password": site.PASSWORD})
    answer, _ = visitor.ask("POST", "/login", body, Content_Type="application/x-www-form-urlencoded")
    assert answer.status == 403
    assert "user" not in visitor.cookies


def test_another_site_cannot_sign_somebody_out(reader):
    answer, page = reader.get("/logout", Sec_Fetch_Site="cross-site")
    assert answer.status == 200
    assert "Sign out?" in page
    assert reader.get("/")[0].status == 200


def test_signing_in_makes_a_new_cookie_that_scripts_cannot_read(visitor, site):
    visitor.cookies["user"] = "somebody-else-chose-this"
    answer, _ = visitor.sign_in("rita", site.PASSWORD)
    cookie = next(
        value for name, value in answer.getheaders() if name == "Set-Cookie" and value.startswith('user="2|')
    )
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "somebody-else" not in visitor.cookies["user"]


def test_a_cookie_that_was_not_signed_here_means_nothing(visitor):
    visitor.cookies["user"] = '"2|1:0|10:1700000000|4:user|8:b3R0bw==|' + "0" * 64 + '"'
    assert visitor.get("/")[0].status == 302


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/?bokeh-session-id=chosen", {}),
        ("/?bokeh-token=chosen", {}),
        ("/", {"Bokeh_Session_Id": "chosen"}),
        ("/autoload.js?bokeh-autoload-element=x&bokeh-session-id=chosen", {}),
    ],
)
def test_nobody_chooses_the_id_of_a_session(reader, path, headers):
    answer, text = reader.get(path, **headers)
    assert answer.status == 400
    assert "ids of sessions" in text


def test_the_token_of_a_session_is_of_no_use_to_whoever_has_not_signed_in(served, reader):
    token = token_of(reader.get("/")[1])
    with pytest.raises(HTTPClientError, match="403"):
        websocket(served, token)


def test_a_page_of_another_site_cannot_open_the_websocket(served, reader):
    token = token_of(reader.get("/")[1])
    cookie = f"user={reader.cookies['user']}"
    with pytest.raises(HTTPClientError, match="403"):
        websocket(served, token, Cookie=cookie, Origin="http://evil.example")
    assert json.loads(websocket(served, token, Cookie=cookie))["msgtype"] == "ACK"


def test_a_name_that_is_not_this_dashboards_is_refused(visitor):
    answer, _ = visitor.get("/login", Host="evil.example")
    assert answer.status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../etc/passwd",
        "/static/..%2f..%2f..%2fetc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/extensions/panel/../../../../../etc/passwd",
        "/static//etc/passwd",
        "/components/panel.models/HTML/__css__/../../../../../etc/passwd",
        "/%00/etc/passwd",
    ],
)
def test_no_address_reaches_a_file_outside(reader, path):
    answer, text = reader.get(path)
    assert answer.status in (400, 403, 404)
    assert "root:" not in text


@pytest.mark.parametrize("module", ["antigravity", "this", "os", "consilience.cli", "panelx", "panel_evil.x"])
def test_an_address_does_not_make_the_server_import_a_module(visitor, module):
    answer, _ = visitor.get(f"/components/{module}/a/b/c")
    assert answer.status == 404


@pytest.mark.parametrize("path", ["/login", "/", "/ws"])
def test_a_body_that_is_too_large_is_not_read(served, path):
    visitor = Visitor(served)
    try:
        answer, _ = visitor.ask("POST", path, b"x" * 2**21)
        assert answer.status in (400, 403, 405, 413)
    except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
        pass  # it hung up, which is as good
    assert visitor.get("/liveness")[0].status == 200


def test_a_message_that_is_too_large_ends_its_own_connection_only(served, reader):
    token = token_of(reader.get("/")[1])

    async def talk():
        request = HTTPRequest(
            f"ws://localhost:{served.port}/ws",
            headers={"Origin": f"http://localhost:{served.port}", "Cookie": f"user={reader.cookies['user']}"},
        )
        connection = await websocket_connect(request, subprotocols=["bokeh", token])
        await asyncio.wait_for(connection.read_message(), 60)
        await connection.write_message("x" * (2**20 + 1))
        while await asyncio.wait_for(connection.read_message(), 60) is not None:
            pass
        connection.close()

    asyncio.run(talk())
    assert reader.get("/liveness")[0].status == 200


def test_an_address_after_signing_in_leads_nowhere_else(visitor, site):
    answer, _ = visitor.sign_in("rita", site.PASSWORD, next="https://evil.example/?page=overview")
    assert answer.status == 303
    assert answer.getheader("Location") == "./?page=overview"


def test_what_was_typed_comes_back_escaped(visitor):
    _, page = visitor.sign_in("<script>alert(1)</script>", "wrong", next="/?q=%22><script>alert(1)</script>")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_failing_too_often_means_waiting_also_with_the_right_password(history, site, tmp_path):
    from consilience.dashboards.people import People
    from consilience.dashboards.roles import Role

    own = People(tmp_path / "users.json")
    own.put("tom", Role.READER, site.PASSWORD)
    own.put("ann", Role.READER, site.PASSWORD)
    with site.serving(history, own.path, "--auth", "password") as server:
        visitor = Visitor(server)
        statuses = [visitor.sign_in("tom", "wrong")[0].status for _ in range(6)]
        assert statuses == [403] * 5 + [429]
        assert visitor.sign_in("tom", site.PASSWORD)[0].status == 429
        assert visitor.sign_in("ann", site.PASSWORD)[0].status == 303


def test_every_answer_tells_browsers_to_stay_here(visitor):
    for path in ("/login", "/liveness"):
        answer, _ = visitor.get(path)
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Server") is None
    policy = visitor.get("/login")[0].getheader("Content-Security-Policy")
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert "frame-ancestors 'self'" in policy


def test_a_page_is_ready_only_while_its_store_can_be_read(tmp_path, users, site):
    path = tmp_path / "history.duckdb"
    with Store(path) as store:
        site.ask(store, "Is it?", {"openai:gpt-x": "yes"})
        store.flush()
    with site.serving(path, users) as server:
        visitor = Visitor(server)
        assert json.loads(visitor.get("/readiness")[1]) == {"ready": True, "wrong": {}}
    with site.serving(path, users) as server:
        path.write_bytes(b"no longer a store" * 100)
        visitor = Visitor(server)
        answer, text = visitor.get("/readiness")
        assert answer.status == 503
        assert set(json.loads(text)["wrong"]) == {"store"}
        assert visitor.get("/liveness")[0].status == 200
