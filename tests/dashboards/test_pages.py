"""The pages in a real browser: signing in, data and none, live, shared addresses, roles, hostile text."""

import re

import pytest

from consilience.store import Store

pytestmark = pytest.mark.slow


def test_a_person_signs_in_and_sees_the_overview_without_a_request_to_elsewhere(tab, served, site):
    tab.goto(served.url)
    assert tab.title() == "Sign in \u00b7 Consilience"
    assert site.serious(tab) == []
    site.picture(tab, "login")
    site.sign_in(tab, served, "rita")
    tab.get_by_text("Error rate, 24 hours").wait_for()
    assert tab.title() == "Overview \u00b7 Consilience"
    assert tab.elsewhere == []
    assert tab.errors == []


def test_a_wrong_password_is_told_and_the_name_is_kept(tab, served, site):
    tab.goto(served.url)
    tab.get_by_label("Name").fill("rita")
    tab.get_by_label("Password").fill("not the password")
    tab.get_by_role("button", name="Sign in").click()
    assert "do not go together" in tab.get_by_role("alert").inner_text()
    assert tab.get_by_label("Name").input_value() == "rita"
    assert site.audited(tab, served, "rita", "sign-in failed")


@pytest.mark.parametrize("page", ["overview", "operations"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_page_can_be_used_by_everybody(tab, served, site, page, scheme):
    site.sign_in(tab, served, "otto", f"?page={page}")
    tab.locator(".cs-tile").first.wait_for()
    if scheme == "dark":
        tab.get_by_label("Toggle theme").click()
        # the switch's own hint fades in and out, and is half there in between
        tab.mouse.move(640, 850)
        tab.locator(".MuiTooltip-tooltip").wait_for(state="detached")
    tab.wait_for_load_state("networkidle")
    site.picture(tab, f"{page}-{scheme}")
    assert site.serious(tab) == []
    assert tab.errors == []
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    site.picture(tab, f"{page}-{scheme}-narrow")


def test_an_address_that_was_sent_opens_the_same_page_after_signing_in(tab, served, site):
    site.sign_in(tab, served, "otto", "?page=operations")
    assert tab.locator("h1").inner_text() == "Operations"
    assert "page=operations" in tab.url


def test_going_from_page_to_page_keeps_the_session_and_the_back_button(tab, served, site):
    site.sign_in(tab, served, "otto")
    tab.evaluate("window.kept = 1")
    tab.get_by_role("link", name="Operations").click()
    tab.get_by_role("heading", name="Operations", exact=True).wait_for()
    tab.wait_for_function("document.title == 'Operations \u00b7 Consilience'")
    assert "page=operations" in tab.url
    tab.go_back()
    tab.get_by_role("heading", name="Overview", exact=True).wait_for()
    assert tab.evaluate("window.kept") == 1


def test_what_another_process_writes_appears_without_a_reload(tab, history, users, site):
    with site.serving(history, users, "--auth", "password") as server:
        site.sign_in(tab, server, "rita")
        tile = tab.locator(".cs-tile", has_text="Open reviews").locator(".cs-figure")
        tile.wait_for()
        before = int(tile.inner_text())
        tab.evaluate("window.kept = 1")
        with Store(history) as store:
            site.ask(store, "Is this one split too?", {"openai:gpt-x": "yes", "local:small": "no"})
        tab.locator(".cs-figure", has_text=re.compile(rf"^{before + 1}$")).wait_for()
        assert tab.evaluate("window.kept") == 1


def test_an_empty_store_says_what_to_do(tab, tmp_path, users, site):
    with site.serving(tmp_path / "empty.duckdb", users) as server:
        for page, sentence in (
            ("overview", "Nothing was asked"),
            ("operations", "No calls in the last hour"),
        ):
            tab.goto(f"{server.url}?page={page}")
            tab.get_by_text(sentence).wait_for()
            site.picture(tab, f"{page}-empty")
            assert site.serious(tab) == []


def test_a_reader_neither_sees_nor_reaches_what_is_for_operators(tab, served, site):
    site.sign_in(tab, served, "rita")
    assert tab.get_by_role("link", name="Operations").count() == 0
    assert tab.get_by_role("button", name="Edit thresholds").count() == 0
    tab.goto(served.url + "?page=operations")
    tab.get_by_text("needs the role operator").wait_for()
    site.picture(tab, "refused")
    assert tab.get_by_text("Slow statements").count() == 0


def test_an_operator_changes_a_threshold_for_everybody_and_the_audit_knows(tab, served, site):
    site.sign_in(tab, served, "otto")
    tab.get_by_role("button", name="Edit thresholds").click()
    tab.get_by_label("Open reviews at most").fill("1")
    tab.get_by_role("button", name="Save thresholds").click()
    tab.get_by_text("The thresholds were saved.").wait_for()
    tab.get_by_text("above 1 questions").wait_for()
    site.picture(tab, "thresholds")
    assert site.audited(tab, served, "otto", "settings")


def test_whoever_is_removed_is_refused_at_the_next_click(tab, history, users, site, tmp_path):
    from consilience.dashboards.people import People
    from consilience.dashboards.roles import Role

    own = People(tmp_path / "users.json")
    own.put("gone", Role.OPERATOR, site.PASSWORD)
    own.put("stays", Role.OPERATOR, site.PASSWORD)
    with site.serving(history, own.path, "--auth", "password") as server:
        site.sign_in(tab, server, "gone")
        own.remove("gone")
        tab.get_by_role("link", name="Operations").click()
        tab.get_by_text("needs the role operator").wait_for()
        tab.reload()
        tab.get_by_role("heading", name="Sign in to Consilience").wait_for()


def test_signing_out_ends_it(tab, served, site):
    site.sign_in(tab, served, "rita")
    tab.get_by_role("link", name="Sign out").click()
    tab.get_by_role("heading", name="You are signed out").wait_for()
    site.picture(tab, "signed-out")
    tab.goto(served.url)
    tab.get_by_role("heading", name="Sign in to Consilience").wait_for()
