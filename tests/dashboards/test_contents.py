"""What the pages read from a store, and what they make of it; no server runs."""

import csv
import html
import io
import re

import polars as pl
import pytest

import consilience as cs
from consilience.dashboards.downloads import as_csv
from consilience.dashboards.page import page_named
from consilience.dashboards.pages import experts, question, questions, recommendations, review, runs
from consilience.dashboards.roles import Role, Viewer
from consilience.errors import NotAllowed

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def store(tmp_path):
    with cs.Store(tmp_path / "history.duckdb") as store:
        yield store


def circle(store, *experts, **how):
    return cs.Circle([cs.Scripted(name, [said]) for name, said in experts], store=store, **how)


def test_a_list_without_questions_says_what_to_do(store):
    filters = questions.Filters()
    told = questions.listed(filters.found(store, 50), filters)
    assert "Nothing was asked yet" in told
    assert "cs.Circle" in told


def test_filters_of_an_address_that_are_none_are_left_out():
    found = questions.Filters.of({"kind": "nonsense", "since": "yesterday", "n": "-5", "q": "%"})
    assert found == questions.Filters(q="%")
    assert questions.Filters.of({"n": "999999999"}).n == 1000


def test_a_view_of_the_list_is_its_address():
    found = questions.Filters.of(
        {"q": "5% of all", "expert": "ana", "kind": "label", "since": "24h", "n": "100"}
    )
    from consilience.dashboards.address import read_address

    assert questions.Filters.of(read_address(found.address())) == found


def test_the_filters_find_what_they_say(store):
    circle(store, ("ana", "yes"), ("ben", "no")).ask_sync("Is 5% much?", answer=cs.Label("yes", "no"))
    circle(store, ("cy", 3.0)).ask_sync("How much is 50?", answer=cs.Score(0, 10))
    by = {"q": "5%", "expert": "cy", "kind": "score", "since": "1h"}
    found = {
        name: questions.Filters.of({name: value}).found(store, 50)["question"].to_list()
        for name, value in by.items()
    }
    assert found["q"] == ["Is 5% much?"]
    assert found["expert"] == found["kind"] == ["How much is 50?"]
    assert len(found["since"]) == 2


def test_what_a_model_wrote_is_text_in_the_list(store):
    circle(store, ("ana", HOSTILE)).ask_sync(HOSTILE)
    told = questions.listed(store.latest(), questions.Filters())
    assert "<img" not in told
    assert "&lt;img" in told


@pytest.mark.parametrize(
    ("kind", "answer", "said"),
    [
        ("items", '["a", "b"]', "2 recommendations"),
        ("ranking", '["a", "b"]', "a > b"),
        ("label", "yes", "yes"),
    ],
)
def test_an_answer_is_one_line(kind, answer, said):
    assert questions.said_of({"answer": answer, "answer_kind": kind, "decision": ""}) == said


def test_a_question_without_answer_shows_its_decision():
    assert questions.said_of({"answer": None, "answer_kind": "label", "decision": "tie"}) == "tie"


def test_a_question_is_read_with_its_verdict(store):
    asked = circle(store, ("ana", "yes"), ("ben", "yes")).ask_sync("Is it?", answer=cs.Label("yes", "no"))
    found = question.read_question(store, asked.question.id)
    assert found.verdict.answer == "yes"
    assert found == question.read_question(store, asked.question.id)


def test_names_in_an_address_that_are_no_list_are_none():
    assert question._names({"without": "{"}) == question._names({"without": '{"a": 1}'}) == []
    assert question._names({"without": '["ana", 3]'}) == ["ana"]


def test_an_id_can_be_pasted_as_an_address():
    assert (
        question._id_in(" abc ") == question._id_in("http://localhost:5006/?page=questions&id=abc") == "abc"
    )


def test_a_spreadsheet_runs_nothing_of_a_download():
    frame = pl.DataFrame({"said": ["=1+1", "+1", "-1", "@x", "\t=1", "fine", None], "n": [-1.0] * 7})
    rows = list(csv.reader(io.StringIO(as_csv(frame).decode())))
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'+1", "'-1", "'@x", "'\t=1", "fine", ""]
    assert rows[1][1] == "-1.0"


@pytest.fixture
def advised(store):
    advice = [
        ("ana", ["Shard by tenant", "Add an index"]),
        ("ben", ["Do not shard by tenant", "Add an index"]),
    ]
    circle(store, *advice, ("cy", [HOSTILE])).ask_sync("How faster?", answer=cs.Items())
    return store


def test_recommendations_stand_with_their_conflicts(advised):
    told = recommendations.drawn(recommendations.found(advised, "", 50), "")
    assert "contradicts: Shard by tenant" in told
    assert "contradicts: Do not shard by tenant" in told
    assert "<img" not in told


def test_recommendations_are_found_by_words_of_theirs_or_of_their_question(advised):
    assert recommendations.found(advised, "INDEX", 50)["text"].to_list() == ["Add an index"]
    assert recommendations.found(advised, "faster", 50).height == 4
    assert recommendations.found(advised, "%", 50).height == 0


def test_issue_text_ticks_boxes_and_runs_nothing(advised):
    told = recommendations.as_issue(recommendations.found(advised, "", 50))
    assert "- [ ] Add an index" in told
    assert "**disputed**" in told
    assert re.findall(r".?<", told) == ["\\<"]


def test_markdown_names_who_said_it(advised):
    assert "- Add an index (2: ana, ben)" in recommendations.as_markdown(
        recommendations.found(advised, "", 50)
    )


def test_no_recommendation_gives_an_empty_file(store):
    nothing = recommendations.found(store, "", 50)
    assert recommendations.as_markdown(nothing) == recommendations.as_issue(nothing) == ""


def labelled(store, *, people):
    members = [cs.Scripted("good", ["bug"]), cs.Scripted("poor", ["other"]), cs.Scripted("fair", ["bug"])]
    asking = cs.Circle([*members, cs.Human("vera")] if people else members, store=store, deadline=0.01)
    from consilience.experts.human.desk import Desk

    for n in range(4):
        asked = asking.ask_sync(f"Which is {n}?", answer=cs.Label("bug", "other"))
        if people:
            Desk("vera", store=store).submit(asked.question.id, "bug")


def test_experts_are_held_against_what_people_said(store):
    labelled(store, people=True)
    found = experts.read_experts(store, 7)
    accuracy = dict(found.report.accuracy.select("who", "accuracy").iter_rows())
    assert found.gold == 4
    assert accuracy["good"] == 1
    assert accuracy["poor"] == 0
    assert "vera" not in accuracy


def test_without_people_nobody_is_said_to_be_right(store):
    labelled(store, people=False)
    found = experts.read_experts(store, 7)
    assert found.gold == 0
    assert "so who is right is not known" in experts.drawn(found)


def test_an_expert_of_unknown_price_is_counted(store):
    def own(question):
        return "bug"

    cs.Circle([own, cs.Scripted("told", ["bug"])], store=store).ask_sync(
        "Which?", answer=cs.Label("bug", "other")
    )
    each = experts.read_experts(store, 7).each
    assert dict(each.select("expert", "priced").iter_rows()) == {"own": 0, "told": 1}
    assert "of unknown price" in experts.drawn(experts.read_experts(store, 7))


def test_no_experts_in_a_time_says_what_to_do(store):
    assert "Nobody was asked in this time" in experts.drawn(experts.read_experts(store, 7))


def run(store, *members):
    frame = {"id": [1, 2, 3], "text": ["a", "b", "c"]}
    asking = cs.Circle(list(members), store=store)
    return asking.run(
        frame, "Classify: {text}", answer=cs.Label("bug", "other"), key="id", progress=False
    ).wait_sync()


def test_a_run_is_done_when_its_cells_are(store):
    run(store, cs.Scripted("ana", ["bug"]), cs.Scripted("ben", ["bug"]))
    [found] = runs.read_runs(store)
    assert (found.done, found.of, found.failed, found.told["state"]) == (6, 6, 0, "done")
    assert "100.0 %" in runs.listed([found])


def test_a_run_with_failures_says_why_and_how_to_go_on(store):
    def broken(question):
        raise RuntimeError(HOSTILE)

    run(store, cs.Scripted("ana", ["bug"]), broken)
    [found] = runs.read_runs(store)
    told = runs.drawn(runs.read_run(store, found.told["run_id"]))
    assert found.failed == 3
    assert "Run it again with the same store" in told
    assert "answer=cs.Label(&#x27;bug&#x27;, &#x27;other&#x27;), key=&#x27;id&#x27;)" in told
    assert "<img" not in told


def test_what_is_shown_for_going_on_goes_on_with_the_same_run(store):
    def broken(question):
        raise RuntimeError("not now")

    kind = cs.Ranking("cost", "speed", "safety", top=2, name="Order of things")
    frame = {"text": ["a", "b"]}
    circle = cs.Circle([broken, cs.Scripted("ana", [["cost", "speed"]])], store=store)
    circle.run(frame, "Rank {text}", answer=kind, replicates=2, progress=False).wait_sync()
    [found] = runs.read_runs(store)
    told = runs.drawn(runs.read_run(store, found.told["run_id"]))
    code = html.unescape(told.partition("<code>")[2].partition("</code>")[0])
    assert code.endswith("\nresult = await run")
    names = {"cs": cs, "circle": circle, "frame": frame}
    again = eval(code.partition("run = ")[2].partition("\n")[0], names)  # noqa: S307 - what this test wrote
    result = again.wait_sync()
    assert (result.asked, result.reused) == (4, 4)


def test_a_run_that_is_run_again_counts_what_it_reused(store):
    for _ in range(2):
        run(store, cs.Scripted("ana", ["bug"]))
    newest, _ = runs.read_runs(store)
    assert (newest.told["asked"], newest.told["reused"], newest.done) == (0, 3, 3)


def test_no_run_of_an_id_is_a_sentence(store):
    assert "There is no run of this id" in runs.drawn(runs.read_run(store, "none"))


def test_what_waits_for_a_person_comes_first_and_nothing_comes_twice(store):
    split = circle(store, ("ana", "yes"), ("ben", "no")).ask_sync("Split?", answer=cs.Label("yes", "no"))
    asking = cs.Circle([cs.Scripted("ana", ["yes"]), cs.Human("vera")], store=store, deadline=0.01)
    own = asking.ask_sync("For vera?", answer=cs.Label("yes", "no"))
    agreed = circle(store, ("ana", "yes"), ("ben", "yes")).ask_sync("Agreed?", answer=cs.Label("yes", "no"))
    waiting = review.read_waiting(store, "vera")
    assert [(each.question.id, each.asked) for each in waiting] == [
        (own.question.id, True),
        (split.question.id, False),
    ]
    assert agreed.question.id not in {each.question.id for each in waiting}


def test_what_a_person_answered_waits_no_more(store):
    from consilience.experts.human.desk import Desk

    split = circle(store, ("ana", "yes"), ("ben", "no")).ask_sync("Split?", answer=cs.Label("yes", "no"))
    Desk("vera", store=store).submit(split.question.id, "yes")
    assert review.read_waiting(store, "vera") == ()
    assert store.verdict(split.question.id).answer == "yes"


def test_what_is_shown_before_an_answer_holds_nobodys_answer(store):
    circle(store, ("ana", "yes"), ("ben", "no")).ask_sync(
        HOSTILE, answer=cs.Label("yes", "no"), context="ana is wise"
    )
    [waiting] = review.read_waiting(store, "vera")
    told = review.asked_of(waiting.question)
    assert "<img" not in told
    assert "ben" not in repr(waiting)


def test_a_reader_cannot_build_the_page_of_review():
    class Visit:
        def require(self, role, doing):
            Viewer("rita", Role.READER).require(role, doing)

    with pytest.raises(NotAllowed, match="needs the role reviewer, rita has the role reader"):
        page_named("review").build(Visit())
