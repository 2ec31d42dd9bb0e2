"""Behind a real nginx, with a path before all addresses and two processes."""

import os
import shutil
import signal
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CONFIGURATION = """
worker_processes 1; daemon on; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream consilience {{ hash $remote_addr$cookie_user consistent; {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location {path} {{
      proxy_pass http://consilience{onto};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host; proxy_set_header X-Real-IP 203.0.113.7; proxy_set_header X-Scheme $scheme;
    }}
  }}
}}
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def nginx(tmp_path):
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        pytest.skip("nginx is needed: apt install nginx-light")
    running = []

    def start(port, servers, path, onto=""):
        text = CONFIGURATION.format(
            folder=tmp_path,
            port=port,
            path=path,
            onto=onto,
            servers="".join(f"server 127.0.0.1:{server.port};" for server in servers),
        )
        (tmp_path / "nginx.conf").write_text(text)
        # It returns when it listens.
        subprocess.run([program, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)], check=True)
        running.append(int((tmp_path / "pid").read_text()))

    yield start
    for each in running:
        os.kill(each, signal.SIGTERM)


@pytest.mark.parametrize("kept", [True, False], ids=["the path is passed on", "the path is taken away"])
def test_pages_work_behind_a_proxy_with_two_processes(tab, history, users, site, nginx, kept):
    port = free_port()
    options = ["--auth", "password", "--behind-proxy", "--allow-websocket-origin", f"localhost:{port}"]
    if kept:
        options += ["--prefix", "circle"]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                site.serving(history, users, *options, CONSILIENCE_COOKIE_SECRET="0123456789abcdef" * 4)
            )
            for _ in range(2)
        ]
        nginx(port, servers, "/circle/", "" if kept else "/")
        proxied = site.Served(f"http://localhost:{port}/circle/", port, history, users)
        site.sign_in(tab, proxied, "otto", "?page=operations")
        tab.locator(".cs-tile").first.wait_for()
        tab.get_by_role("link", name="Overview").click()
        tab.get_by_role("heading", name="Overview", exact=True).wait_for()
        assert tab.url.startswith(f"{proxied.url}?page=overview")
        assert tab.elsewhere == []
        assert tab.errors == []
        tab.get_by_role("link", name="Sign out").click()
        tab.get_by_role("link", name="Sign in again").click()
        tab.get_by_role("heading", name="Sign in to Consilience").wait_for()
    assert "203.0.113.7" in site.addresses(proxied)
