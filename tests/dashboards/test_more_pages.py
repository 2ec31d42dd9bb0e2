"""Questions, recommendations, experts, runs and review in a real browser."""

import re
from pathlib import Path

import pytest

import consilience as cs
from consilience.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def history(tmp_path_factory, site):
    """A store with questions, advice, a run, and what a model wrote to be run by a browser."""
    path = tmp_path_factory.mktemp("store") / "history.duckdb"
    with Store(path) as store:
        site.ask(store, "Is water wet?", {"openai:gpt-x": "yes", "local:small": "yes"})
        site.ask(store, "Is it split?", {"openai:gpt-x": "yes", "local:small": "no"})
        site.ask(store, site.HOSTILE, {"openai:gpt-x": "yes", site.HOSTILE: "no"})
        advice = [
            ("openai:gpt-x", ["Shard by tenant", site.HOSTILE]),
            ("local:small", ["Do not shard by tenant"]),
        ]
        members = [cs.Scripted(name, [said]) for name, said in advice]
        cs.Circle(members, store=store).ask_sync("How faster?", answer=cs.Items())
        frame = {"id": [1, 2], "text": ["a", site.HOSTILE]}
        cs.Circle([cs.Scripted("local:small", ["bug"])], store=store).run(
            frame, "Classify: {text}", answer=cs.Label("bug", "other"), key="id", progress=False
        ).wait_sync()
    return path


PAGES = ("questions", "experts", "runs", "recommendations", "review")


@pytest.mark.parametrize("page", PAGES)
def test_what_a_model_wrote_stays_text_on_every_page_that_anybody_can_use(tab, served, site, page):
    site.sign_in(tab, served, "otto", f"?page={page}")
    tab.locator("table, .cs-asked, .cs-state").first.wait_for()
    tab.wait_for_load_state("networkidle")
    assert tab.evaluate("window.stolen") is None
    assert site.serious(tab) == []
    assert tab.errors == []
    assert tab.elsewhere == []
    site.picture(tab, f"{page}-light")
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    site.picture(tab, f"{page}-light-narrow")


def test_a_view_is_sent_to_a_teammate_by_its_address(tab, served, site):
    site.sign_in(tab, served, "rita", "?page=questions")
    tab.get_by_role("link", name="Is water wet?").wait_for()
    tab.get_by_label("Search").fill("split")
    tab.get_by_label("Search").press("Enter")
    tab.get_by_role("link", name="Is water wet?").wait_for(state="detached")
    sent = tab.url
    assert "q=split" in sent
    tab.goto(sent)
    tab.get_by_role("link", name="Is it split?").wait_for()
    assert tab.get_by_role("link", name="Is water wet?").count() == 0
    assert tab.get_by_label("Search").input_value() == "split"


def test_a_question_is_read_and_decided_again(tab, served, site):
    site.sign_in(tab, served, "rita", "?page=questions")
    tab.get_by_role("link", name="Is it split?").click()
    tab.get_by_role("heading", name="Decide again").wait_for()
    assert tab.evaluate("window.stolen") is None
    address = re.sub(r"$", "&without=%5B%22local%3Asmall%22%5D", tab.url)
    tab.goto(address)
    tab.get_by_text("without local:small; nobody was asked again").wait_for()
    site.picture(tab, "question-light")
    assert site.serious(tab) == []


def test_recommendations_leave_as_a_file_and_the_audit_knows(tab, served, site):
    site.sign_in(tab, served, "rita", "?page=recommendations")
    tab.get_by_text("contradicts: Shard by tenant").wait_for()
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name="As issue text").click()
    assert "- [ ] Shard by tenant **disputed**" in Path(waiting.value.path()).read_text()
    assert site.audited(tab, served, "rita", "export")


def test_a_reviewer_answers_blind_and_the_verdict_counts_them(tab, served, site):
    site.sign_in(tab, served, "vera", "?page=review")
    tab.locator(".cs-asked").wait_for()
    while "Is it split?" not in tab.locator(".cs-asked").inner_text():
        before = tab.locator(".cs-asked").inner_text()
        tab.get_by_role("button", name="Later").click()
        tab.locator(".cs-asked", has_text=before).wait_for(state="detached")
        tab.locator(".cs-asked").wait_for()
    assert "gpt-x" not in tab.locator("body").inner_text()
    tab.get_by_role("button", name="yes", exact=True).click()
    tab.get_by_text("Your answer is kept").wait_for()
    # another process takes both into the store within a second or so, the answer first
    assert site.audited(tab, served, "vera", "review")
    with Store(served.store) as store:
        split = store.search("Is it split?")["question_id"][0]
        for _ in range(100):
            verdict = store.verdict(split)
            if verdict.answer is not None:
                break
            tab.wait_for_timeout(100)
    assert verdict.answer == "yes"
    assert "vera" in {response.expert for response in verdict.responses}


def test_a_reader_does_not_see_the_page_of_review(tab, served, site):
    site.sign_in(tab, served, "rita", "?page=review")
    tab.get_by_text("needs the role reviewer, rita has the role reader").wait_for()
    assert tab.get_by_role("link", name="Review").count() == 0


def test_a_page_over_an_empty_store_says_what_to_do(tab, tmp_path, users, site):
    with Store(tmp_path / "empty.duckdb") as store:
        store.flush()
    with site.serving(tmp_path / "empty.duckdb", users, "--auth", "password") as server:
        site.sign_in(tab, server, "otto", "?page=questions")
        for page in PAGES:
            tab.goto(f"{server.url}?page={page}")
            tab.locator(".cs-state").first.wait_for()
            site.picture(tab, f"{page}-empty")
        assert tab.errors == []
