"""Dashboards that run, people who may sign in, and a browser."""

import importlib.util
from pathlib import Path

import pytest

from consilience.dashboards.people import People
from consilience.dashboards.roles import Role
from consilience.store import Store


def _beside(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_HERE = Path(__file__).parent
_SERVED = _beside("consilience_tests_served", _HERE / "served.py")
_LAB = _beside("consilience_tests_lab", _HERE.parent / "browser" / "lab.py")


@pytest.fixture(scope="session")
def site():
    """What tests do with a dashboard: serve it, sign in, look at the audit, keep a picture."""
    return _SERVED


@pytest.fixture(scope="module")
def free_port():
    """A port that nobody listens on."""
    return _LAB.free_port()


@pytest.fixture(scope="module")
def users(tmp_path_factory, site):
    """A file with one person of each role."""
    path = tmp_path_factory.mktemp("users") / "users.json"
    people = People(path)
    for name, role in (("rita", Role.READER), ("vera", Role.REVIEWER), ("otto", Role.OPERATOR)):
        people.put(name, role, site.PASSWORD)
    return path


@pytest.fixture(scope="module")
def history(tmp_path_factory, site):
    """A store with a few questions: agreed, split, with a time-out, and one full of markup."""
    path = tmp_path_factory.mktemp("store") / "history.duckdb"
    with Store(path) as store:
        for n in range(12):
            site.ask(
                store, f"Is statement {n} true?", {"ana": "yes", "openai:gpt-x": "yes", "local:small": "no"}
            )
        site.ask(store, "Is it split?", {"openai:gpt-x": "yes", "local:small": "no"})
        site.ask(store, "Did all answer?", {"openai:gpt-x": "yes", "local:small": None})
        site.ask(store, site.HOSTILE, {"openai:gpt-x": "yes", site.HOSTILE: "no"})
        store.flush()
    return path


@pytest.fixture(scope="module")
def served(history, users, site):
    """A dashboard with a sign-in."""
    with site.serving(history, users, "--auth", "password") as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    """A headless browser; without one the tests are left out and say so."""
    from playwright.sync_api import sync_playwright

    path = _LAB.chromium()
    if path is None:
        pytest.skip("No chromium was found, so no page was looked at: apt install chromium, then make test.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=_LAB.FLAGS)
        yield running
        running.close()


@pytest.fixture
def tab(browser, site):
    """A tab without cookies, which notes what goes elsewhere and what fails, and tells it where a test failed."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.elsewhere, page.errors = [], []
    page.on("request", lambda request: _note_foreign(page, request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda told: page.errors.append(told.text) if told.type == "error" else None)
    page.set_default_timeout(60_000)
    yield page
    site.tell(page)
    context.close()


def _note_foreign(page, url):
    if not url.startswith(("http://localhost:", "http://127.0.0.1:", "data:", "blob:", "ws://localhost:")):
        page.elsewhere.append(url)
