from html.parser import HTMLParser

import pytest

import consilience as cs
from consilience.markup import colour, escape, interval_bar, plain

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\u202egnp.exe"
ALLOWED = {
    *("div", "style", "span", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "code"),
    *("svg", "rect", "line", "text", "circle", "path", "title"),
}


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.seen, self.attributes, self.words = set(), set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data):
        self.words.append(data)


def ask(question, kind, *answers):
    experts = [cs.Scripted(f"expert {n}", [answer]) for n, answer in enumerate(answers)]
    return cs.Circle(experts).ask_sync(question, answer=kind)


@pytest.mark.parametrize("kind", [cs.Text(), cs.Items(), cs.Label(HOSTILE, "no")])
def test_what_a_model_wrote_is_shown_and_never_markup(kind):
    html = ask(HOSTILE, kind, HOSTILE, HOSTILE, ValueError(HOSTILE))._repr_html_()
    tags = Tags(html)
    assert tags.seen <= ALLOWED
    assert not any(name.startswith("on") for name in tags.attributes)
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert any("<script>" in word for word in tags.words)


def test_a_hostile_name_is_escaped_too():
    html = cs.Circle([cs.Scripted(HOSTILE, ["yes"])]).ask_sync("Is it?")._repr_html_()
    assert Tags(html).seen <= ALLOWED


def test_a_display_needs_no_network():
    html = ask("Is it?", cs.Label("yes", "no"), "yes", "no", "yes")._repr_html_()
    assert "http" not in html
    assert "url(" not in html
    assert "@import" not in html


def test_the_banner_stands_above_the_answer_and_only_when_degraded():
    degraded = ask("Is it?", cs.Label("yes", "no"), "yes", TimeoutError("slow"), "yes")._repr_html_()
    assert degraded.index("2 of 3 answered: 1 timed out") < degraded.index("class=cs-a>yes")
    assert "role=note" not in ask("Is it?", cs.Label("yes", "no"), "yes", "yes")._repr_html_()


def test_the_card_is_in_the_order_of_the_look():
    html = ask("Is it?", cs.Label("yes", "no"), "yes", "no", "yes", None)._repr_html_()
    parts = [
        "Is it?",
        "3 of 4 answered",
        "class=cs-a",
        "2 of 4",
        "Said:",
        "Agreement",
        "Every answer",
        "class=cs-foot",
    ]
    places = [html.index(part) for part in parts]
    assert places == sorted(places)


def test_recommendations_show_their_sources():
    html = ask("How?", cs.Items(), "- Shard\n- Index", "- shard.")._repr_html_()
    assert html.index("Shard") < html.index("Index")
    assert html.count("expert 0") >= 2


def test_contradicting_recommendations_are_marked_and_their_experts_named():
    html = ask("How?", cs.Items(), "- Use 4 shards", "- Use 5 shards", "- use four shards")._repr_html_()
    assert "contradicts row 1: Use 5 shards" in html
    assert "aria-label=conflict" in html
    assert f"background:{colour('expert 2')}'></span>expert 2" in html


def test_a_name_has_one_colour_everywhere_and_never_stands_without_its_name():
    html = ask("Is it?", cs.Label("yes", "no"), "yes", "yes", "no")._repr_html_()
    for name in ("expert 0", "expert 1", "expert 2"):
        assert f"background:{colour(name)}'></span>{name}" in html


def test_a_long_answer_does_not_fill_the_notebook():
    assert len(ask("Say", cs.Text(max_chars=10**6), "x" * 500_000)._repr_html_()) < 60_000


def test_a_bar_below_chance_grows_to_the_left():
    bar = interval_bar(-0.5, -0.8, 0.1)
    assert "-0.50 [-0.80, 0.10]" in bar
    assert "<line" in bar
    assert "undefined" in interval_bar(float("nan"), float("nan"), float("nan"))


def test_plain_text_loses_what_steers_a_terminal():
    assert plain("a\x1b]0;title\x07\u202eb\nc\td") == "a\ufffd]0;title\ufffd\ufffdb\nc\td"
    assert escape("\ud800") == "\ufffd"
