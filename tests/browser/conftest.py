"""The browser, JupyterLab and what is looked at with them."""

import importlib.util
import os
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("consilience_tests_lab", Path(__file__).with_name("lab.py"))
lab_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab_module)

SHOTS = Path(__file__).parents[2] / "build" / "screenshots"


@pytest.fixture(scope="module")
def browser():
    """A headless browser; without one the tests are left out and say so, under CI they fail.

    Playwright's loop runs in the main thread until the fixture ends, and other files' tests start loops of their own.
    """
    path = lab_module.chromium()
    if path is None:
        said = "No chromium was found, so no browser test ran: apt install chromium (or set PATH), then make test."
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=lab_module.FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab for all tests of a process."""
    with lab_module.running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context
    context.close()


@pytest.fixture
def open_book(context, lab):
    """Open a notebook with the given cells: ``with open_book("1 + 1") as book: book.run(0)``."""

    def opened(*cells):
        return lab_module.open_book(context, lab, *cells)

    return opened


@pytest.fixture
def shoot():
    """Keep a picture of a locator, in the light and in the dark theme, under build/screenshots."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def kept(book, locator, name):
        for theme in ("Light", "Dark"):
            book.page.evaluate(
                "(name) => window.jupyterapp.commands.execute('apputils:change-theme', {theme: `JupyterLab ${name}`})",
                theme,
            )
            book.page.wait_for_selector(
                f"body[data-jp-theme-light={'true' if theme == 'Light' else 'false'}]", state="attached"
            )
            # as high as the widget, because the panel of a notebook scrolls and hides the rest of it; asked of the
            # page, as the protocol has no box for a cell whose content the lab leaves out until it is scrolled to
            locator.scroll_into_view_if_needed()
            whole = locator.evaluate("it => it.getBoundingClientRect().height") + 400
            seen = book.page.viewport_size
            book.page.set_viewport_size({"width": seen["width"], "height": int(max(seen["height"], whole))})
            locator.scroll_into_view_if_needed()
            locator.screenshot(path=SHOTS / f"{name}-{theme.lower()}.png")
            book.page.set_viewport_size(seen)

    return kept


@pytest.fixture
def accessible():
    """Look at a part of a page with axe and return what it finds wrong: rule, impact and place."""
    from axe_playwright_python.sync_playwright import Axe

    def found(page, selector):
        results = Axe().run(page, context=selector)
        return [
            f"{each['id']} ({each['impact']}): {', '.join(str(node['target']) for node in each['nodes'][:3])}"
            for each in results.response["violations"]
        ]

    return found


@pytest.fixture
def ready():
    """Wait for the kernel of a page that was loaded again."""
    return lab_module.ready
