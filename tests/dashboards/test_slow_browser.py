"""What is read while a browser still builds the page."""

import time

import pytest

from consilience.store.locks import Locks

pytestmark = pytest.mark.slow

SHOWN = {
    "overview": "h2:has-text('Latency')",
    "questions": "table",
    "experts": "table",
    "runs": ".cs-state",
    "recommendations": ".cs-state",
    "review": ".cs-asked",
    "operations": "table",
}
"""What each page has only when the store was read."""


@pytest.mark.parametrize("page", SHOWN)
def test_what_comes_while_the_browser_builds_the_page_is_shown(tab, served, site, page):
    held = Locks(served.store.with_name(served.store.name + ".spool")).writing(10)
    waits = []

    def late(route):
        # the server gave the page with nothing read; now it reads, and the browser waits for a script
        if not waits:
            waits.append(route.request.url)
            held.__exit__(None, None, None)
            time.sleep(2)
        route.continue_()

    tab.route("**/panel-material-ui.bundle.js*", late)
    held.__enter__()
    site.sign_in(tab, served, "otto", f"?page={page}")
    assert waits
    tab.locator(SHOWN[page]).first.wait_for()
    tab.locator(".cs-skeleton").first.wait_for(state="detached")
    assert tab.errors == []
