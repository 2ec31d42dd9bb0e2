import csv
import io
import json

import polars as pl
import pytest

from consilience.errors import InvalidInput
from consilience.notebook import Duplicates, Widget
from consilience.synthetic import texts

SAID = [
    "Please reset my password",
    "please reset my password!",
    "Please reset my password now",
    "The invoice is wrong",
    "the invoice is wrong, again",
    "Thank you",
]
HOSTILE = "<script>alert(1)</script>\x1b[31m"


@pytest.fixture
def sent(monkeypatch):
    """What a widget sends as messages."""
    kept = []
    monkeypatch.setattr(Widget, "send", lambda self, content, buffers=None: kept.append(content))
    return kept


def drawn(given=SAID, *args, **settings):
    widget = Duplicates(given, *args, **settings)
    widget.curated  # noqa: B018 - waits
    widget.flush()
    return widget


def told(widget, action, **message):
    widget._receive(None, {"action": action, **message}, [])
    widget.flush()
    return widget


def labels(widget):
    return widget.clusters.labels.tolist()


def test_the_largest_cluster_stands_first_and_single_texts_are_not_listed(sent):
    widget = drawn()
    told(widget, "rows", first=0, to=50)
    assert widget.counts | {"note": ""} == {"texts": 6, "clusters": 2, "duplicates": 3, "note": ""}
    assert sent == [
        {
            "kind": "clusters",
            "first": 0,
            "rows": [[3, SAID[0], False], [2, SAID[3], False]],
        }
    ]


def test_single_texts_are_listed_where_they_are_asked_for(sent):
    widget = told(told(drawn(), "show_singles", on=True), "rows", first=0, to=50)
    assert widget.length == 3
    assert sent[-1]["rows"][2] == [1, "Thank you", False]


def test_the_threshold_slides_without_another_search():
    widget = drawn()
    source = widget.clusters._source()
    told(widget, "slide", threshold=0.9)
    assert labels(widget) == [0, 0, 1, 2, 3, 4]
    assert widget.clusters._source() is source
    told(widget, "slide", threshold=0.7)
    assert labels(widget) == [0, 0, 0, 1, 1, 2]


def test_the_slider_stays_between_the_lowest_threshold_and_one():
    widget = drawn(lowest=0.6)
    assert told(widget, "slide", threshold=-3).threshold == 0.6
    assert told(widget, "slide", threshold=7).threshold == 1.0


def test_members_stand_beside_their_representative_with_the_words_that_differ(sent):
    widget = told(told(drawn(), "choose", n=0), "members", first=0, to=50)
    first, _, third = sent[-1]["rows"]
    assert widget.chosen == {"n": 0, "size": 3, "row": 0}
    assert first[:2] == [0, 1.0]
    assert third == [2, 0.8, [["Please reset my password ", False], ["now", True]], ""]


def test_a_text_is_taken_out_and_comes_back():
    widget = told(drawn(), "choose", n=0)
    told(widget, "take_out", n=0)
    assert labels(widget) == [0, 1, 1, 2, 2, 3]
    assert widget.chosen["row"] == 1
    assert widget.undoable == "Undo the last split"
    told(widget, "undo")
    assert (labels(widget), widget.undoable) == ([0, 0, 0, 1, 1, 2], "")


def test_marked_clusters_become_one():
    widget = drawn()
    told(widget, "mark", n=0)
    assert "Two or more clusters are merged" in told(widget, "merge").error
    told(told(widget, "mark", n=1), "merge")
    assert labels(widget) == [0, 0, 0, 0, 0, 1]
    assert (widget.marked, widget.chosen["size"]) == (0, 5)


def test_a_mark_is_taken_off_again():
    widget = drawn()
    for _ in range(2):
        told(widget, "mark", n=0)
    assert widget.marked == 0


def test_a_cluster_is_taken_apart():
    widget = told(told(drawn(), "choose", n=0), "take_apart")
    assert labels(widget) == [0, 1, 2, 3, 3, 4]
    assert widget.chosen == {}


def test_corrections_from_python_are_drawn():
    widget = drawn()
    widget.curated.merge([0, 5])
    widget.refresh()
    assert widget.counts["duplicates"] == 4


def test_the_file_holds_every_text_with_its_cluster(sent):
    widget = told(drawn(["a,b", 'say "x"', "a b", None]), "export", begin=True)
    while sent[-1]["piece"] is not None:
        told(widget, "export", begin=False)
    rows = list(csv.DictReader(io.StringIO("".join(message["piece"] for message in sent[:-1]))))
    assert [(row["row"], row["cluster"], row["text"]) for row in rows] == [
        ("0", "0", "a,b"),
        ("1", "1", 'say "x"'),
        ("2", "0", "a b"),
        ("3", "2", ""),
    ]


def test_no_message_is_over_a_megabyte_whatever_is_sent(sent):
    long = pl.Series([f"{HOSTILE} {'word ' * 200_000}{n % 7}" for n in range(60)])
    widget = drawn(long)
    for action, message in [
        ("rows", {"first": -5, "to": 10**9}),
        ("choose", {"n": 0}),
        ("members", {"first": 0, "to": 10**9}),
        ("text", {"n": 0}),
        ("export", {"begin": True}),
    ]:
        told(widget, action, **message)
        assert widget.error == ""
    assert len(sent) == 4
    assert max(len(json.dumps(each)) for each in sent) < 1_000_000
    assert "\\u001b" not in json.dumps(sent[:3])


def test_a_hundred_thousand_texts_cross_in_parts(sent):
    widget = drawn(texts(100_000))
    told(told(told(widget, "rows", first=15_000, to=15_050), "choose", n=0), "members", first=0, to=50)
    state = json.dumps({name: getattr(widget, name) for name in ("counts", "chosen", "length")})
    assert len(state) < 1000
    assert max(len(json.dumps(each)) for each in sent) < 100_000


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("choose", {"n": 99}),
        ("choose", {"n": -1}),
        ("members", {"first": 0, "to": 9}),
        ("take_out", {"n": 0}),
    ],
)
def test_what_is_not_there_is_said(action, message):
    assert "is required" in told(drawn(), action, **message).error


@pytest.mark.parametrize("given", [None, []])
def test_without_texts_it_says_what_to_do(given):
    widget = Duplicates(given)
    assert widget.state == "empty"
    with pytest.raises(InvalidInput, match="Texts are required, none came"):
        widget.clusters  # noqa: B018
    assert "run this cell" in widget.snapshot()


def test_thresholds_out_of_order_are_refused():
    with pytest.raises(InvalidInput, match="lowest 0.8 and threshold 0.7 came"):
        Duplicates(SAID, 0.7, lowest=0.8)


def test_a_page_without_the_widget_shows_the_largest_clusters_escaped():
    page = drawn([HOSTILE, HOSTILE]).snapshot()
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
