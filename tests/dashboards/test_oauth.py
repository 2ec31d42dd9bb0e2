"""Signing in through an OpenID Connect provider, which runs in a process of its own."""

import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress

import pytest

from consilience.dashboards.people import People
from consilience.dashboards.roles import Role

pytestmark = pytest.mark.slow


@contextmanager
def providing(port):
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 60
    try:
        while time.monotonic() < until and process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration"):  # noqa: S310 - this machine
                break
            time.sleep(0.1)
        yield issuer
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def served(history, tmp_path_factory, site, free_port):
    """A dashboard whose people sign in elsewhere; one of them has a role here."""
    users = tmp_path_factory.mktemp("oauth") / "users.json"
    People(users).put("eva@example.org", Role.REVIEWER, None)
    with providing(free_port) as issuer:
        environment = {
            "PANEL_OAUTH_KEY": "dashboard",
            "PANEL_OAUTH_SECRET": "of nobody",
            "PANEL_OAUTH_SCOPE": "openid email",
            "PANEL_OAUTH_AUTHORIZE_URL": f"{issuer}/oauth2/authorize",
            "PANEL_OAUTH_TOKEN_URL": f"{issuer}/oauth2/token",
            "PANEL_OAUTH_USER_URL": f"{issuer}/userinfo",
        }
        with site.serving(history, users, "--auth", "generic", **environment) as server:
            yield server


def sign_in(tab, server, name):
    tab.goto(server.url)
    tab.locator("input[name=sub]").fill(name)
    tab.get_by_role("button", name="Authorize").click()
    tab.get_by_role("heading", name="Overview").wait_for()


def test_who_is_in_the_file_has_their_role(tab, served):
    sign_in(tab, served, "eva@example.org")
    tab.get_by_text("(reviewer)").wait_for()
    assert tab.get_by_role("link", name="Review").count() == 1
    assert tab.get_by_role("link", name="Operations").count() == 0
    cookie = next(each for each in tab.context.cookies() if each["name"] == "user")
    assert "eva" not in cookie["value"]
    assert cookie["httpOnly"]


def test_who_is_not_sees_nothing_until_an_operator_says_so(tab, served):
    sign_in(tab, served, "stranger@example.org")
    tab.get_by_text("stranger@example.org has no role: ask an operator for it.").wait_for()
    assert tab.get_by_role("link", name="Questions").count() == 0


def test_nobody_comes_in_by_an_answer_that_was_not_asked_for(tab, served):
    tab.goto(f"{served.url}login?code=stolen&state=made-up")
    assert not any(each["name"] == "user" for each in tab.context.cookies())


def test_signing_out_is_noted_and_leaves_no_cookie(tab, served, site):
    sign_in(tab, served, "eva@example.org")
    tab.get_by_role("link", name="Sign out").click()
    tab.get_by_role("heading", name="You are signed out").wait_for()
    assert not any(each["name"] in {"user", "access_token", "id_token"} for each in tab.context.cookies())
    assert site.audited(tab, served, "eva@example.org", "signed out")
    tab.get_by_role("link", name="Sign in again").click()
    tab.get_by_role("button", name="Authorize").first.wait_for()
