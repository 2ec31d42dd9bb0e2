"""Dark and light in a real browser: chosen, remembered, or as the system has it."""

import pytest

pytestmark = pytest.mark.slow

SHOWN = "Bokeh.documents[0].roots().find(m => m.data && 'sidebar_open' in m.data.attributes).data.dark_theme"


def drawn(tab):
    tab.locator(".cs-tile").first.wait_for()
    tab.wait_for_function("Bokeh.documents[0].is_idle")


def background(tab):
    return tab.evaluate("getComputedStyle(document.body).backgroundColor")


def test_what_was_chosen_is_there_after_a_reload(tab, served, site):
    site.sign_in(tab, served, "otto")
    drawn(tab)
    light = background(tab)
    tab.get_by_label("Toggle theme").click()
    tab.wait_for_function(SHOWN)
    tab.reload()
    drawn(tab)
    assert tab.evaluate(SHOWN)
    assert background(tab) != light
    site.picture(tab, "overview-dark-again")
    tab.get_by_label("Toggle theme").click()
    tab.wait_for_function(f"!{SHOWN}")
    tab.reload()
    drawn(tab)
    assert not tab.evaluate(SHOWN)
    assert background(tab) == light
    assert tab.errors == []


def test_what_was_not_chosen_follows_the_system(tab, served, site):
    tab.emulate_media(color_scheme="dark")
    site.sign_in(tab, served, "otto")
    drawn(tab)
    tab.wait_for_function(SHOWN)
    tab.emulate_media(color_scheme="light")
    tab.wait_for_function(f"!{SHOWN}")
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function(SHOWN)
    tab.get_by_label("Toggle theme").click()
    tab.wait_for_function(f"!{SHOWN}")
    tab.reload()
    drawn(tab)
    tab.wait_for_timeout(500)
    assert not tab.evaluate(SHOWN), "chosen, whatever the system has"


def test_an_address_that_names_a_theme_is_followed(tab, served, site):
    site.sign_in(tab, served, "otto", "?theme=dark")
    drawn(tab)
    assert tab.evaluate(SHOWN)
